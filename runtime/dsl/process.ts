import type { KeyOf, KeyType } from "../../schemas/key-type.ts";
import type { Schema } from "../../schemas/schema.ts";
import type { RecordContext } from "./record.ts";
import type { StepLog } from "./step-log.ts";

/** A value per key. */
export interface ValueStoreDefinition<V = unknown> {
  readonly kind: "value";
  readonly schema: Schema<V>;
}

/** A map per key: any number of entries under one key, read and written one by one. */
export interface MapStoreDefinition<KT extends KeyType = KeyType, V = unknown> {
  readonly kind: "map";
  readonly keyType: KT;
  readonly schema: Schema<V>;
}

export type ProcessStoreDefinition = ValueStoreDefinition | MapStoreDefinition;

/** State of a `process` step: one value per key, typed by its schema. */
export const valueStore = <V>(schema: Schema<V>): ValueStoreDefinition<V> => ({ kind: "value", schema });

/** State of a `process` step: a map per key, with keys of its own. Point reads and writes; each entry is changelogged by itself. */
export const mapStore = <const KT extends KeyType, V>(keyType: KT, schema: Schema<V>): MapStoreDefinition<KT, V> => ({
  kind: "map",
  keyType,
  schema,
});

/** The value of the current key. */
export interface ValueState<V> {
  get(): V | undefined;
  set(value: V): void;
  delete(): void;
}

/** The map of the current key. */
export interface MapState<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): void;
}

export type ProcessState<S> = {
  readonly [N in keyof S]: S[N] extends MapStoreDefinition<infer KT, infer V>
    ? MapState<KeyOf<KT>, V>
    : S[N] extends ValueStoreDefinition<infer V>
      ? ValueState<V>
      : never;
};

/** The time that a timer waits for: that of the records seen, or that on the wall. */
export type TimerDomain = "stream-time" | "wall-time";

/**
 * A durable timer of the current key. Setting it again replaces it. It fires once: its firing, what that causes and its removal are in one
 * commit. A stream-time timer due at t fires before the first record of the step that moves stream time to t or beyond.
 */
export interface Timer {
  set(atMs: number): void;
  cancel(): void;
  /** When it is due; undefined if it is not set. */
  readonly atMs: number | undefined;
}

export interface ProcessContext<K, S, T extends string, Out> {
  readonly key: K;
  readonly stores: ProcessState<S>;
  readonly timers: { readonly [N in T]: Timer };
  /** The highest event time this step has seen in its partition. */
  readonly streamTimeMs: number;
  readonly wallClockMs: number;
  /** Writes to the log of the run, with job, task, step and record. */
  readonly log: StepLog;
  /** Sends a value on under the current key. @default timestampMs of the record or the time of the timer */
  emit(value: Out, options?: { readonly timestampMs?: number }): void;
  /**
   * Sends a null on under the current key: a sink writes it, and a compacted topic forgets the key. It takes its turn among the emitted values. It passes `merge` and
   * ends at every other step, so lead the step straight `to` the topic. @default timestampMs of the record or the time of the timer
   */
  emitTombstone(options?: { readonly timestampMs?: number }): void;
}

export interface ProcessOptions<
  K,
  V,
  S extends Readonly<Record<string, ProcessStoreDefinition>>,
  T extends string,
  Out,
  W,
> {
  readonly stores?: S;
  readonly timers?: { readonly [N in T]: TimerDomain };
  /** Needed where the output is repartitioned, aggregated or stored. */
  readonly output?: Schema<Out>;
  /** Runs for each record, synchronously or not; the records of one task wait for it. */
  onRecord(
    value: V,
    context: ProcessContext<K, S, T, Out> & { readonly record: RecordContext<K, W> },
  ): void | Promise<void>;
  onTimer?(
    timer: { readonly name: T; readonly atMs: number },
    context: ProcessContext<K, S, T, Out>,
  ): void | Promise<void>;
}
