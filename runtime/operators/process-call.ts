import type { ProcessContext, Timer } from "../dsl/process.ts";
import { type StepLog, stepLog } from "../dsl/step-log.ts";
import type { CurrentRecord, OperatorEnvironment, Receive } from "./operator.ts";
import type { CallState } from "./process-state.ts";

type Context = ProcessContext<unknown, Readonly<Record<string, never>>, string, unknown> & {
  readonly record: CurrentRecord;
};

/**
 * One call of `onRecord` or `onTimer`: what it writes, sets and emits is kept here and takes effect when the call succeeds, in this order:
 * state, timers, emitted values. So a call that throws has done nothing. One object for all calls of a step: they never overlap.
 */
export class ProcessCall {
  readonly context: Context;
  readonly #record: CurrentRecord;
  readonly #states: readonly CallState[];
  readonly #next: Receive;
  readonly #values: unknown[] = [];
  readonly #timestamps: number[] = [];
  readonly #view: CallContext;
  #timestampMs = 0;

  constructor(options: {
    /** Of the step. */
    readonly id: string;
    readonly environment: OperatorEnvironment;
    readonly stores: Readonly<Record<string, CallState>>;
    readonly timers: Readonly<Record<string, Timer>>;
    /** Everything that has to begin and commit with a call. */
    readonly states: readonly CallState[];
    readonly next: Receive;
  }) {
    this.#record = options.environment.record;
    this.#states = options.states;
    this.#next = options.next;
    const emit = (value: unknown, settings?: { readonly timestampMs?: number }) =>
      this.#emit(value, settings?.timestampMs);
    const emitTombstone = (settings?: { readonly timestampMs?: number }) => this.#emit(null, settings?.timestampMs);
    this.#view = new CallContext({ ...options, emit, emitTombstone });
    this.context = this.#view as unknown as Context;
  }

  /** A call of onRecord. It gets a record of its own: the shared one goes on to other steps while the call waits. */
  beginRecord(key: unknown, timestampMs: number, streamTimeMs: number): void {
    const { window, topic, partition, offset, headers } = this.#record;
    this.#begin(key, timestampMs, streamTimeMs);
    this.#view.record = { key, timestampMs, window, topic, partition, offset, headers };
  }

  /** A call of onTimer. */
  beginTimer(key: unknown, timestampMs: number, streamTimeMs: number): void {
    this.#begin(key, timestampMs, streamTimeMs);
    this.#view.record = undefined;
  }

  #begin(key: unknown, timestampMs: number, streamTimeMs: number): void {
    this.#view.key = key;
    this.#view.streamTimeMs = streamTimeMs;
    this.#timestampMs = timestampMs;
    this.#values.length = 0;
    this.#timestamps.length = 0;
    for (let n = 0; n < this.#states.length; n++) this.#states[n]!.begin(key);
  }

  #emit(value: unknown, timestampMs = this.#timestampMs): void {
    if (!Number.isFinite(timestampMs))
      throw new TypeError(`emit got the timestamp ${timestampMs}: expected milliseconds since 1970`);
    this.#values.push(value);
    this.#timestamps.push(timestampMs);
  }

  commit(): void {
    const { key } = this.#view;
    for (let n = 0; n < this.#states.length; n++) this.#states[n]!.commit(this.#timestampMs);
    if (this.#values.length === 0) return;
    const { window } = this.#record;
    this.#record.window = undefined;
    for (let n = 0; n < this.#values.length; n++) this.#next(key, this.#values[n], this.#timestamps[n]!);
    this.#record.window = window;
  }
}

/** What users' functions see. */
class CallContext {
  key: unknown;
  streamTimeMs = Number.NEGATIVE_INFINITY;
  readonly stores: Readonly<Record<string, CallState>>;
  readonly timers: Readonly<Record<string, Timer>>;
  record: Omit<CurrentRecord, "isTimer"> | undefined;
  readonly emit: (value: unknown, settings?: { readonly timestampMs?: number }) => void;
  readonly emitTombstone: (settings?: { readonly timestampMs?: number }) => void;
  readonly #id: string;
  readonly #environment: OperatorEnvironment;

  constructor(options: {
    readonly id: string;
    readonly environment: OperatorEnvironment;
    readonly stores: Readonly<Record<string, CallState>>;
    readonly timers: Readonly<Record<string, Timer>>;
    readonly emit: (value: unknown, settings?: { readonly timestampMs?: number }) => void;
    readonly emitTombstone: (settings?: { readonly timestampMs?: number }) => void;
  }) {
    this.#id = options.id;
    this.#environment = options.environment;
    this.stores = options.stores;
    this.timers = options.timers;
    this.emit = options.emit;
    this.emitTombstone = options.emitTombstone;
  }

  /** Made when somebody asks, for the record of now: a function that waits goes on to write about its own. */
  get log(): StepLog {
    const { record } = this;
    return stepLog((entry) => this.#environment.log(this.#id, entry, record));
  }

  get wallClockMs(): number {
    return this.#environment.wallClockMs();
  }
}
