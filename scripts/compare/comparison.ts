import type { CompareBy } from "../../runtime/ops/compare/compare-topics.ts";
import type { FieldDifference } from "./field-differences.ts";

/** One of two topics, as far as it was compared. */
export interface ComparedSide {
  readonly topic: string;
  readonly records: number;
  /** With a value. */
  readonly keys?: number;
  readonly undecoded: number;
  /** Keys that lie in several partitions. */
  readonly scattered?: number;
  /** The offsets that were read. */
  readonly offsets: readonly { readonly partition: number; readonly from: number; readonly to: number }[];
}

/** What a topic says, and where. */
export interface ShownRecord {
  readonly partition: number;
  readonly offset: number;
  /** How often, if not once. */
  readonly times?: number;
  readonly timestamp?: string;
  /** The record was removed after it was compared. */
  readonly gone?: true;
  /** Where the other topic has nothing to hold against it. */
  readonly value?: unknown;
}

export interface ShownDifference {
  readonly key: unknown;
  readonly left?: ShownRecord;
  readonly right?: ShownRecord;
  /** Of a key with two values. */
  readonly fields?: readonly FieldDifference[];
}

/** What `mulgil compare` tells. */
export interface Comparison {
  readonly by: CompareBy;
  readonly isEqual: boolean;
  readonly left: ComparedSide;
  readonly right: ComparedSide;
  /** Keys or records, by what is compared. */
  readonly equal: number;
  readonly different?: number;
  readonly onlyLeft: number;
  readonly onlyRight: number;
  readonly ignored: readonly string[];
  /** Of those, the ones that no value has. */
  readonly ignoredInVain: readonly string[];
  /** Keys, or keys with a value, that differ. */
  readonly differing: number;
  /** The first of these. */
  readonly differences: readonly ShownDifference[];
}
