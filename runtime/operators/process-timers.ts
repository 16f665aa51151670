import type { TimeIndexedStore } from "../../state/store.ts";
import type { Timer } from "../dsl/process.ts";
import { RecordError } from "../errors/errors.ts";
import type { CallState } from "./process-state.ts";
import { type NamedTimer, type TimerEntry, withChanges } from "./timer-entry.ts";

/** A timer that fires now. */
export interface DueTimer extends NamedTimer {
  readonly key: unknown;
}

/** How often the timers of one key may set themselves for times that have passed already, while time makes one step. */
const REFIRES_MAX = 100_000;

/**
 * The timers of one domain: those that one call sets become visible when it succeeds, those that fire are consumed before their
 * function runs, whatever it does.
 */
export class ProcessTimers implements CallState {
  readonly #store: TimeIndexedStore<unknown, TimerEntry>;
  readonly #token: (key: unknown) => string | number;
  readonly #changes = new Map<string, number | null>();
  #key: unknown;
  /** While time makes a step: to where, and how often each key has set timers for before that. */
  #uptoMs = Number.NEGATIVE_INFINITY;
  readonly #refires = new Map<string | number, number>();

  constructor(store: TimeIndexedStore<unknown, TimerEntry>, token: (key: unknown) => string | number) {
    this.#store = store;
    this.#token = token;
  }

  /** A lower bound. */
  get earliestMs(): number {
    return this.#store.earliestDueMs;
  }

  /** The handle that users' functions get. */
  handle(name: string): Timer {
    const timers = this;
    return {
      set: (atMs) => timers.#set(name, atMs),
      cancel: () => void timers.#changes.set(name, null),
      get atMs() {
        return timers.#atMs(name);
      },
    };
  }

  #set(name: string, atMs: number): void {
    if (!Number.isFinite(atMs))
      throw new TypeError(`timer "${name}" cannot be set to ${atMs}: expected milliseconds since 1970`);
    this.#changes.set(name, atMs);
  }

  #atMs(name: string): number | undefined {
    const pending = this.#changes.get(name);
    if (pending !== undefined) return pending ?? undefined;
    return this.#store.get(this.#key)?.find((timer) => timer.name === name)?.atMs;
  }

  begin(key: unknown): void {
    this.#key = key;
    if (this.#changes.size > 0) this.#changes.clear();
  }

  commit(eventTimeMs: number): void {
    if (this.#changes.size === 0) return;
    this.#put(this.#key, withChanges(this.#store.get(this.#key) ?? [], this.#changes), eventTimeMs);
  }

  #put(key: unknown, entry: TimerEntry, eventTimeMs: number): void {
    const first = entry[0];
    if (first === undefined) this.#store.delete(key);
    else this.#store.put(key, entry, eventTimeMs, first.atMs);
  }

  /** Time makes a step. */
  startRound(uptoMs: number): void {
    this.#uptoMs = uptoMs;
    this.#refires.clear();
  }

  /** Takes the first timer that is due, if that shows without reading from disk. null: none is due; undefined: it has to be read. */
  takeLoaded(): DueTimer | null | undefined {
    const due = this.#store.dueLoaded(this.#uptoMs, 1);
    return due === undefined ? undefined : this.#taken(due[0]);
  }

  /** Takes the first timer that is due; null: none is. */
  async take(): Promise<DueTimer | null> {
    const [due] = await this.#store.due(this.#uptoMs, 1);
    return this.#taken(due);
  }

  #taken(due: readonly [key: unknown, entry: TimerEntry, dueMs: number] | undefined): DueTimer | null {
    if (due === undefined) return null;
    const [key, [first, ...others]] = due;
    this.#put(key, others, first!.atMs);
    return { key, name: first!.name, atMs: first!.atMs };
  }

  /**
   * Drops what the call that is about to commit sets for times that have passed, if its key did so too often in this step.
   * @returns the error to report
   */
  stopLoop(): RecordError | undefined {
    const again = [...this.#changes].filter(([, atMs]) => atMs !== null && atMs <= this.#uptoMs);
    if (again.length === 0) return undefined;
    const token = this.#token(this.#key);
    const refires = (this.#refires.get(token) ?? 0) + again.length;
    this.#refires.set(token, refires);
    if (refires <= REFIRES_MAX) return undefined;
    for (const [name] of again) this.#changes.set(name, null);
    const names = again.map(([name]) => `"${name}"`).join(", ");
    return new RecordError(
      `timer ${names} of one key fired ${REFIRES_MAX} times in one step of time, because onTimer sets it for times that have passed: set it later than now; it is cancelled`,
      { code: "TIMER_LOOP" },
    );
  }
}
