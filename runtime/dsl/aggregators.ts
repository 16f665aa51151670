import type { Decimal } from "../../schemas/decimal.ts";
import type { Schema } from "../../schemas/schema.ts";

/**
 * One quantity of an aggregate: plain data and the user's functions; runtime/operators/accumulators.ts gives it its state.
 * `V` is the type of the records, `R` of the result.
 */
export interface Aggregator<in V, out R> {
  readonly kind: AggregatorKind;
  readonly select?: (value: V) => unknown;
  readonly options?: AggregatorOptions;
  readonly result?: R;
}

export type AggregatorKind =
  | "count"
  | "sum"
  | "min"
  | "max"
  | "average"
  | "first"
  | "last"
  | "distinctCount"
  | "topN"
  | "collect"
  | "when"
  | "aggregate";

export interface AggregatorOptions {
  readonly scale?: number;
  readonly limit?: number;
  readonly schema?: Schema<unknown>;
  readonly by?: (value: never) => number;
  readonly predicate?: (value: never) => boolean;
  readonly of?: AggregatorTree<never>;
  readonly initial?: () => unknown;
  readonly add?: (accumulator: never, value: never) => unknown;
  readonly merge?: (left: never, right: never) => unknown;
}

/** Named quantities, nested as deep as the result shall be. */
export interface AggregatorTree<V> {
  readonly [name: string]: Aggregator<V, unknown> | AggregatorTree<V>;
}

/** What a tree of aggregators results in. */
export type AggregateResult<S> = {
  [N in keyof S]: S[N] extends { readonly kind: "when" } & Aggregator<never, infer R>
    ? R
    : S[N] extends Aggregator<never, infer R>
      ? R
      : AggregateResult<S[N]>;
};

/** How many records. */
export function count(): Aggregator<unknown, number> {
  return { kind: "count" };
}

/**
 * The sum of a number or of a decimal. Decimals are summed exactly; `scale` is the number of digits after the point of the result,
 * also of a sum over nothing. A sum of integers beyond 2^53 is an error of the record that would cause it.
 */
export function sum<V>(select: (value: V) => number): Aggregator<V, number>;
export function sum<V>(select: (value: V) => Decimal, options: { readonly scale: number }): Aggregator<V, Decimal>;
export function sum<V>(
  select: (value: V) => number | Decimal,
  options?: { readonly scale: number },
): Aggregator<V, never> {
  return { kind: "sum", select, ...(options && { options }) };
}

type Ordered = number | string | Decimal;

/** The smallest; null over nothing. */
export function min<V, R extends Ordered>(select: (value: V) => R): Aggregator<V, R | null> {
  return { kind: "min", select };
}

/** The largest; null over nothing. */
export function max<V, R extends Ordered>(select: (value: V) => R): Aggregator<V, R | null> {
  return { kind: "max", select };
}

/** The arithmetic mean; null over nothing. A mean of decimals is rounded half-even to `scale` digits. */
export function average<V>(select: (value: V) => number): Aggregator<V, number | null>;
export function average<V>(
  select: (value: V) => Decimal,
  options: { readonly scale: number },
): Aggregator<V, Decimal | null>;
export function average<V>(
  select: (value: V) => number | Decimal,
  options?: { readonly scale: number },
): Aggregator<V, never> {
  return { kind: "average", select, ...(options && { options }) };
}

/** The value of the record with the lowest event time (of equal ones the first to arrive); null over nothing. */
export function first<V, R>(select: (value: V) => R, schema: Schema<R>): Aggregator<V, R | null> {
  return { kind: "first", select, options: { schema } };
}

/** The value of the record with the highest event time (of equal ones the last to arrive); null over nothing. */
export function last<V, R>(select: (value: V) => R, schema: Schema<R>): Aggregator<V, R | null> {
  return { kind: "last", select, options: { schema } };
}

/** How many different values, exactly, up to `limit` of them; the record that brings one more is an error. @default limit 10_000 */
export function distinctCount<V>(
  select: (value: V) => string | number,
  options: { readonly limit?: number } = {},
): Aggregator<V, number> {
  return { kind: "distinctCount", select, options: { limit: options.limit ?? 10_000 } };
}

/** The `limit` selected values with the highest `by`, highest first; of equal ones the earlier to arrive. */
export function topN<V, R>(
  select: (value: V) => R,
  options: { readonly limit: number; readonly by: (value: V) => number; readonly schema: Schema<R> },
): Aggregator<V, R[]> {
  return { kind: "topN", select, options };
}

/** The selected values in order of arrival, up to `limit`; what comes after is not kept. */
export function collect<V, R>(
  select: (value: V) => R,
  options: { readonly limit: number; readonly schema: Schema<R> },
): Aggregator<V, R[]> {
  return { kind: "collect", select, options };
}

/** Aggregates only the records that the predicate accepts: `when((t) => t.type === "credit", { count: count() })`. */
export function when<V, const S extends AggregatorTree<V>>(
  predicate: (value: V) => boolean,
  of: S,
): Aggregator<V, AggregateResult<S>> & { readonly kind: "when" } {
  return { kind: "when", options: { predicate, of } };
}

/**
 * A quantity of one's own: `add` returns the next accumulator and must not change the one it is given. Session windows also need `merge`,
 * which joins the accumulators of two sessions, the earlier one first.
 */
export function accumulate<V, A>(options: {
  readonly initial: () => A;
  readonly add: (accumulator: A, value: V) => A;
  readonly merge?: (left: A, right: A) => A;
  readonly schema: Schema<A>;
}): Aggregator<V, A> {
  return { kind: "aggregate", options };
}
