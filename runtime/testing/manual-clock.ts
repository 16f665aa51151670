import type { Clock } from "../time/clock.ts";

interface Waiting {
  readonly atMs: number;
  readonly order: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is told to move. Timers fire in order of time, then of setting. */
export class ManualClock implements Clock {
  #nowMs: number;
  #order = 0;
  #waiting: Waiting[] = [];

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const cancel = this.after(ms, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      const abort = () => {
        cancel();
        resolve();
      };
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  after(ms: number, callback: () => void): () => void {
    const entry: Waiting = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, wake: callback };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }

  /** When the next timer is due; Infinity if none is set. */
  get nextMs(): number {
    return this.#waiting.reduce((next, { atMs }) => Math.min(next, atMs), Infinity);
  }

  /** Moves the hands, firing on the way what becomes due. Never moves back. */
  advanceTo(timeMs: number): void {
    for (;;) {
      const due = this.#waiting
        .filter(({ atMs }) => atMs <= timeMs)
        .reduce<Waiting | undefined>(
          (first, entry) =>
            first === undefined || entry.atMs < first.atMs || (entry.atMs === first.atMs && entry.order < first.order)
              ? entry
              : first,
          undefined,
        );
      if (due === undefined) break;
      this.#waiting = this.#waiting.filter((entry) => entry !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.wake();
    }
    this.#nowMs = Math.max(this.#nowMs, timeMs);
  }

  advance(ms: number): void {
    this.advanceTo(this.#nowMs + ms);
  }
}
