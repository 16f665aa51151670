const CUT = 0.7;
/** Latency is too high at this multiple of what is usual. */
const SLOW_FACTOR = 2;
/** Differences of a few ms say nothing about an institution. */
const NOISE_MS = 10;
/** Until there are so many successes, what is recent is what is usual. */
const USUAL_MIN = 20;
/** How fast the measured latencies follow: the recent one, and the usual one down and up. What is slow for good becomes usual in the end. */
const RECENT_PACE = 1 / 20;
const USUAL_PACE_DOWN = 1 / 50;
const USUAL_PACE_UP = 1 / 1_000;

export interface LimitBounds {
  readonly min: number;
  readonly max: number;
  readonly initial: number;
}

/**
 * How many calls an institution gets at once: one more after each round of as many successes, × 0.7 when it is overloaded (a time-out, throttling, or
 * latency far above what is usual), once per round trip: what was under way at a cut cannot cause the next.
 */
export class ConcurrencyLimit {
  readonly #bounds: LimitBounds;
  #limit: number;
  #successes = 0;
  #cuts = 0;
  #measured = 0;
  /** Geometric means, because latencies are skewed. */
  #recentLog = 0;
  #usualLog = 0;

  constructor(bounds: LimitBounds) {
    this.#bounds = bounds;
    this.#limit = bounds.initial;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Keep it for the call that begins, and hand it back when that ends. */
  get round(): number {
    return this.#cuts;
  }

  /** @param wasUsed whether the permits were needed: a limit that nobody reaches is not raised */
  succeeded(latencyMs: number, round: number, wasUsed: boolean): void {
    this.#measure(latencyMs);
    if (this.#isSlow) {
      this.#cut(round);
      return;
    }
    if (!wasUsed || ++this.#successes < this.#limit) return;
    this.#successes = 0;
    this.#limit = Math.min(this.#bounds.max, this.#limit + 1);
  }

  /** A time-out, or throttling. */
  overloaded(round: number): void {
    this.#cut(round);
  }

  get #isSlow(): boolean {
    return this.#recentLog - this.#usualLog > Math.log(SLOW_FACTOR);
  }

  #cut(round: number): void {
    this.#successes = 0;
    if (round !== this.#cuts) return;
    this.#cuts++;
    this.#limit = Math.max(this.#bounds.min, Math.floor(this.#limit * CUT));
    // The cut gets time to show.
    this.#recentLog = this.#usualLog;
  }

  #measure(latencyMs: number): void {
    const log = Math.log(latencyMs + NOISE_MS);
    this.#measured++;
    if (this.#measured === 1) this.#recentLog = log;
    this.#recentLog += (log - this.#recentLog) * Math.max(RECENT_PACE, 1 / this.#measured);
    if (this.#measured <= USUAL_MIN) this.#usualLog = this.#recentLog;
    const difference = this.#recentLog - this.#usualLog;
    this.#usualLog += difference * (difference < 0 ? USUAL_PACE_DOWN : USUAL_PACE_UP);
  }
}
