import type { Clock } from "../time/clock.ts";

/** What people want of a job; it holds until they want something else, also over restarts. */
export type WantedStatus = "running" | "paused" | "drained";

/** A departure that was ordered, and is to be over at a time. */
interface Leaving {
  readonly untilMs: number;
}

/**
 * What a worker is to do by the orders that were given:
 *
 *   running ◄────► paused        restart: leaving ──► away ──► back at once
 *      │              │
 *      └─► leaving ◄──┘          an order to stay, given in time, takes the departure back
 *             │
 *             ▼
 *           away  ── running, paused ──► joins again
 *
 * It only notes; the worker's loop looks at it each turn, so an order never interrupts anything.
 */
export class WorkerOrders {
  readonly #clock: Clock;
  #wanted: WantedStatus = "running";
  #leaving: Leaving | undefined;
  #isRestarting = false;
  #departures = 0;
  #isComplete = true;
  #changed = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get wanted(): WantedStatus {
    return this.#wanted;
  }

  /** Nothing is fetched, processed or called for; what has begun ends. */
  get isHeld(): boolean {
    return this.#wanted !== "running" || this.#leaving !== undefined;
  }

  /** Undefined unless it is to leave its group. */
  get leaving(): Leaving | undefined {
    return this.#leaving;
  }

  get isWantedAway(): boolean {
    return this.#wanted === "drained";
  }

  /** How often it has left on an order. */
  get departures(): number {
    return this.#departures;
  }

  /** Whether the last departure found everything committed in time. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Resolves when something else is wanted. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** `drainTimeoutMs`: how long a departure may take. */
  want(wanted: WantedStatus, drainTimeoutMs: number): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (wanted === "drained") this.#leaving = this.#departureWithin(drainTimeoutMs);
    else if (!this.#isRestarting) this.#leaving = undefined;
    this.wake();
  }

  /** To leave and join again, once. */
  restart(drainTimeoutMs: number): void {
    this.#isRestarting = true;
    this.#leaving = this.#departureWithin(drainTimeoutMs);
    this.wake();
  }

  /** It is in no group any more. */
  left(isComplete: boolean): void {
    if (this.#leaving === undefined) return;
    this.#leaving = undefined;
    this.#isRestarting = false;
    this.#isComplete = isComplete;
    this.#departures++;
  }

  wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #departureWithin(timeoutMs: number): Leaving {
    return { untilMs: this.#clock.now() + timeoutMs };
  }
}
