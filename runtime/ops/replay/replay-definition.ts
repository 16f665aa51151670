import type { PartitionRange } from "../transfer/ranges.ts";

/** Which records of the ranges are replayed: those that fit all that is given. */
export interface ReplayFilter {
  /** As `mulgil read` prints them; any of them. Empty: any key. */
  readonly keys: readonly string[];
  /** All of them. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** A CEL expression; absent: any value. */
  readonly where?: string;
  /** Records on which the expression fails: "stop" ends the replay there, "skip" leaves them out, and counts them. */
  readonly onError: "stop" | "skip";
  /** Also records that came to the source from itself, or from the target, by a replay. */
  readonly hasCopies: boolean;
}

export type FileFormat = "records" | "envelope";

export type ReplayTarget =
  /** `topic` is the job's own: it alone reads it. */
  | { readonly kind: "job"; readonly job: string; readonly topic: string }
  | { readonly kind: "topic"; readonly topic: string }
  /** Personal data is hidden unless it is revealed; whoever begins it, or goes on with it, has written that to the audit trail. */
  | { readonly kind: "file"; readonly path: string; readonly format: FileFormat; readonly reveals?: true };

/** All that a replay needs to know of itself: fixed before it begins, so that it can go on from any machine. */
export interface ReplayDefinition {
  readonly id: string;
  readonly source: {
    readonly topic: string;
    readonly partitions: number;
    /** In a topic that was made again under the same name the offsets mean nothing. */
    readonly incarnation: string;
  };
  readonly ranges: readonly PartitionRange[];
  readonly filter: ReplayFilter;
  readonly target: ReplayTarget;
  /** `call` steps call for what is replayed. */
  readonly hasEffects: boolean;
  readonly recordsPerSecond?: number;
  /** How keys of the source are read, if that is known. */
  readonly keyType?: "string" | "int" | "long" | "double" | "bytes" | "avro";
  readonly createdAtMs: number;
}
