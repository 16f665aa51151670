import type { KeyValueStore, Store, TimeIndexedStore } from "../../state/store.ts";
import type { Timer } from "../dsl/process.ts";
import type { ProcessNode, UserFunction } from "../dsl/topology.ts";
import type { WindowBounds } from "../dsl/windows.ts";
import { storesOfNode } from "../plan/stores.ts";
import { type CompositeKey, entryKeyCodec } from "./composite-key.ts";
import { keyless } from "./keyless.ts";
import type { CurrentRecord, Operator, OperatorEnvironment, Wiring } from "./operator.ts";
import { ProcessCall } from "./process-call.ts";
import { CallMap, type CallState, CallValue } from "./process-state.ts";
import { type DueTimer, ProcessTimers } from "./process-timers.ts";
import { PAUSE, ResumableWork, type Steps } from "./resumable-work.ts";
import { storable } from "./storable.ts";
import type { TimerEntry } from "./timer-entry.ts";

/** A record that came while the step waited for something. */
interface Waiting {
  readonly key: unknown;
  readonly value: unknown;
  readonly timestampMs: number;
  readonly record: Omit<CurrentRecord, "key" | "timestampMs">;
}

/** After so many timers in a row the other steps have a turn. */
const TIMERS_CHUNK = 1_000;

/**
 * Runs the user's code with keyed state and timers. Timers that are due until a record's time fire before the record, in order of time, key
 * bytes and name; what onRecord sets for times that have passed fires right behind it. A call takes effect when it succeeds and
 * as a whole; a timer whose call throws is spent. While a call waits for a promise, or timers for the disk, records queue. Null values and
 * keys are skipped.
 */
export function processOperator(node: ProcessNode, wiring: Wiring): Operator {
  return new Process(node, wiring);
}

class Process implements Operator {
  readonly id: string;
  readonly #environment: OperatorEnvironment;
  readonly #onRecord: UserFunction;
  readonly #onTimer: UserFunction | undefined;
  readonly #call: ProcessCall;
  readonly #streamTimers: ProcessTimers | undefined;
  readonly #wallTimers: ProcessTimers | undefined;
  readonly #work: ResumableWork;
  readonly #waiting: Waiting[] = [];
  /** Where the step's stream time is kept; a step without any store forgets it. */
  readonly #timeStore: Store | undefined;
  #streamTimeMs: number;

  constructor(node: ProcessNode, { environment, outputs }: Wiring) {
    this.id = node.id;
    this.#environment = environment;
    this.#onRecord = node.onRecord;
    this.#onTimer = node.onTimer;
    const stores = callStates(node, environment);
    this.#streamTimers = timersOf(node, "stream-time", environment);
    this.#wallTimers = timersOf(node, "wall-time", environment);
    const states: CallState[] = Object.values(stores);
    for (const timers of [this.#streamTimers, this.#wallTimers]) if (timers !== undefined) states.push(timers);
    const timers = Object.entries(node.timers).map(([name, domain]): [string, Timer] => {
      return [name, (domain === "stream-time" ? this.#streamTimers : this.#wallTimers)!.handle(name)];
    });
    this.#call = new ProcessCall({
      id: node.id,
      environment,
      stores,
      timers: Object.fromEntries(timers),
      states,
      next: outputs(),
    });
    this.#work = new ResumableWork({ step: node.id, environment, nextSteps: () => this.#nextWaiting() });
    const all = storesOfNode(node).map(({ name }) => environment.store(name));
    this.#timeStore = all.find(({ name }) => name === timerStoreName(node.id, "stream-time")) ?? all[0];
    this.#streamTimeMs = Math.max(Number.NEGATIVE_INFINITY, ...all.map(({ streamTimeMs }) => streamTimeMs));
  }

  readonly receive = (key: unknown, value: unknown, timestampMs: number): void => {
    if (value === null) return;
    if (key === null || key === undefined) {
      this.#environment.recordError(this.id, keyless(this.id), key, value);
      return;
    }
    if (this.#work.isWaiting) this.#waiting.push({ key, value, timestampMs, record: copyOf(this.#environment.record) });
    else this.#handle(key, value, timestampMs);
  };

  /** The usual record needs no generator: no timer is due, and the call returns nothing to wait for. */
  #handle(key: unknown, value: unknown, timestampMs: number): void {
    const timers = this.#streamTimers;
    if (timers !== undefined && timers.earliestMs <= Math.max(timestampMs, this.#streamTimeMs)) {
      this.#work.start(this.#recordSteps(key, value, timestampMs));
      return;
    }
    this.#advance(timestampMs);
    this.#call.beginRecord(key, timestampMs, this.#streamTimeMs);
    let outcome: unknown;
    try {
      outcome = this.#onRecord(value, this.#call.context);
    } catch (error) {
      this.#environment.recordError(this.id, error, key, value);
      return;
    }
    if (isThenable(outcome)) this.#work.start(this.#finishSteps(outcome, key, value));
    else {
      this.#call.commit();
      if (timers !== undefined && timers.earliestMs <= this.#streamTimeMs)
        this.#work.start(this.#timerSteps(timers, this.#streamTimeMs));
    }
  }

  #advance(timestampMs: number): void {
    if (timestampMs <= this.#streamTimeMs) return;
    this.#streamTimeMs = timestampMs;
    if (this.#timeStore !== undefined) this.#timeStore.streamTimeMs = timestampMs;
  }

  *#recordSteps(key: unknown, value: unknown, timestampMs: number): Steps {
    this.#advance(timestampMs);
    const timers = this.#streamTimers;
    if (timers !== undefined) {
      const { window } = this.#environment.record;
      yield* this.#timerSteps(timers, this.#streamTimeMs);
      this.#environment.record.window = window;
    }
    this.#call.beginRecord(key, timestampMs, this.#streamTimeMs);
    let outcome: unknown;
    try {
      outcome = this.#onRecord(value, this.#call.context);
    } catch (error) {
      this.#environment.recordError(this.id, error, key, value);
      return;
    }
    yield* this.#finishSteps(outcome, key, value);
  }

  *#finishSteps(outcome: unknown, key: unknown, value: unknown): Steps {
    try {
      if (isThenable(outcome)) yield outcome;
    } catch (error) {
      this.#environment.recordError(this.id, error, key, value);
      return;
    }
    this.#call.commit();
    if (this.#streamTimers !== undefined) yield* this.#timerSteps(this.#streamTimers, this.#streamTimeMs);
  }

  *#timerSteps(timers: ProcessTimers, uptoMs: number): Steps {
    if (timers.earliestMs > uptoMs) return;
    timers.startRound(uptoMs);
    this.#environment.record.window = undefined;
    for (let fired = 1; ; fired++) {
      let timer = timers.takeLoaded();
      if (timer === undefined) timer = (yield timers.take()) as DueTimer | null;
      if (timer === null) return;
      yield* this.#fireSteps(timers, timer);
      if (fired % TIMERS_CHUNK === 0) yield PAUSE;
    }
  }

  *#fireSteps(timers: ProcessTimers, { key, name, atMs }: DueTimer): Steps {
    const { record } = this.#environment;
    const timestampMs = timers === this.#wallTimers ? this.#environment.wallClockMs() : atMs;
    this.#call.beginTimer(key, timestampMs, this.#streamTimeMs);
    record.isTimer = true;
    try {
      try {
        const outcome: unknown = this.#onTimer?.({ name, atMs }, this.#call.context);
        if (isThenable(outcome)) yield outcome;
      } catch (error) {
        this.#environment.recordError(this.id, error, key, null);
        return;
      }
      const loop = timers.stopLoop();
      this.#call.commit();
      if (loop !== undefined) this.#environment.recordError(this.id, loop, key, null);
    } finally {
      record.isTimer = false;
    }
  }

  #nextWaiting(): Steps | undefined {
    const next = this.#waiting.shift();
    if (next === undefined) return undefined;
    Object.assign(this.#environment.record, next.record);
    return this.#recordSteps(next.key, next.value, next.timestampMs);
  }

  advanceWallClock(nowMs: number): void {
    if (this.#wallTimers !== undefined && !this.#work.isWaiting)
      this.#work.start(this.#timerSteps(this.#wallTimers, nowMs));
  }

  get nextWallClockMs(): number {
    return this.#wallTimers?.earliestMs ?? Number.POSITIVE_INFINITY;
  }
}

const isThenable = (outcome: unknown): outcome is PromiseLike<unknown> =>
  typeof outcome === "object" && outcome !== null && typeof (outcome as { then?: unknown }).then === "function";

function copyOf({ window, topic, partition, offset, headers, isTimer }: CurrentRecord): Waiting["record"] {
  return { window: window as WindowBounds | undefined, topic, partition, offset, headers, isTimer };
}

const timerStoreName = (id: string, domain: "stream-time" | "wall-time"): string =>
  `${id}.timers.${domain === "stream-time" ? "stream" : "wall"}`;

function timersOf(
  node: ProcessNode,
  domain: "stream-time" | "wall-time",
  environment: OperatorEnvironment,
): ProcessTimers | undefined {
  if (!Object.values(node.timers).includes(domain)) return undefined;
  const store = environment.store(timerStoreName(node.id, domain)) as TimeIndexedStore<unknown, TimerEntry>;
  const keys = environment.keyCodec(node.id);
  return new ProcessTimers(store, (key) => keys.token(key));
}

function callStates({ id, stores }: ProcessNode, environment: OperatorEnvironment): Record<string, CallState> {
  const states = Object.entries(stores).map(([name, definition]): [string, CallState] => {
    const store = environment.store(`${id}.${name}`);
    const values = storable(definition.schema);
    if (definition.kind === "value") return [name, new CallValue(store as KeyValueStore<unknown, unknown>, values)];
    return [
      name,
      new CallMap(store as KeyValueStore<CompositeKey, unknown>, values, entryKeyCodec(definition.keyType)),
    ];
  });
  return Object.fromEntries(states);
}
