import type { ByteReader } from "../../state/byte-reader.ts";
import type { ByteWriter } from "../../state/byte-writer.ts";
import { RecordError } from "../errors/errors.ts";

/**
 * An aggregate in memory: one flat array. Cell 0 is the highest event time; behind it each quantity has cells of its own.
 * A tree of counts and sums of numbers is an array of doubles, which V8 changes in place.
 */
export type Cells = unknown[];

/**
 * The run-time half of one aggregator. A record is added in three phases, so that nothing has changed when something throws:
 * `select` runs the user's functions, once a record; `check` finds out for each aggregate whether the record can be added;
 * `apply` changes the aggregate and cannot fail. `slot` numbers the aggregates that one record is added to.
 */
export interface Quantity {
  select?(value: unknown): void;
  check?(cells: Cells, slot: number, timestampMs: number): void;
  apply(cells: Cells, slot: number, timestampMs: number): void;
  /** Adds a later aggregate to an earlier one that nobody else has. May throw halfway. */
  merge(into: Cells, from: Cells): void;
  /** After a flat copy of the cells: replaces what is still shared and could change. */
  own?(cells: Cells): void;
  result(cells: Cells): unknown;
  write(cells: Cells, out: ByteWriter): void;
  read(cells: Cells, input: ByteReader): void;
}

/** A selected value that cannot be aggregated. */
export function valueError(path: string, problem: string, cause?: unknown): RecordError {
  return new RecordError(`"${path}" cannot aggregate this record: ${problem}`, { code: "AGGREGATE_VALUE", cause });
}

/** What a value is, without showing it: it may be personal data. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (typeof value === "number")
    return Number.isNaN(value) ? "NaN" : Number.isFinite(value) ? "a number" : "an infinite number";
  if (typeof value === "object") return value.constructor?.name === "Decimal" ? "a Decimal" : "an object";
  return `a ${typeof value}`;
}
