import type { Clock } from "../../time/clock.ts";

/** Keeps a rate on the whole: who was slow may not catch up by a burst of more than a second. */
export class Pace {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #dueMs: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#dueMs = clock.now();
  }

  /** So many records at once are half a second's. */
  get recordsMax(): number {
    return Math.max(1, Math.floor(this.#perSecond / 2));
  }

  /** After so many records: resolves when the next ones may go, or the signal aborts. */
  async passed(records: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.now();
    this.#dueMs = Math.max(this.#dueMs, nowMs - 1_000) + (records * 1_000) / this.#perSecond;
    if (this.#dueMs > nowMs) await this.#clock.sleep(Math.ceil(this.#dueMs - nowMs), signal);
  }
}
