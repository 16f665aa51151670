import type { Clock } from "../../../time/clock.ts";

const FAILURES_MAX = 20;
const WINDOW_MS = 60_000;
/** More than this many are not told apart from the oldest, who is forgiven. */
const ADDRESSES_MAX = 1_000;

/** How often somebody may be wrong: 20 times a minute and address. */
export class LoginLimit {
  readonly #clock: Clock;
  readonly #failures = new Map<string, { count: number; readonly endMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long the address has to wait; 0 if it may try. */
  waitMs(address: string): number {
    const found = this.#failures.get(address);
    if (found === undefined || found.count < FAILURES_MAX) return 0;
    return Math.max(0, found.endMs - this.#clock.now());
  }

  failed(address: string): void {
    const nowMs = this.#clock.now();
    const found = this.#failures.get(address);
    if (found !== undefined && nowMs < found.endMs) {
      found.count++;
      return;
    }
    this.#failures.delete(address);
    if (this.#failures.size >= ADDRESSES_MAX) this.#failures.delete(this.#failures.keys().next().value!);
    this.#failures.set(address, { count: 1, endMs: nowMs + WINDOW_MS });
  }
}
