/** The share of the limit that may be used at once; the rest comes evenly. */
const BURST_SHARE = 0.1;
/** What adding up fractions may lose. */
const ROUNDING = 1e-9;

/**
 * Lets through `calls` in any `perMs`, and never more: a tenth of them at once, the rest evenly. Several workers share the limit by halves, thirds and so on.
 * Counted when asked; it has no timer.
 */
export class TokenBucket {
  readonly #calls: number;
  readonly #perMs: number;
  #capacity = 1;
  #tokensPerMs = 0;
  #tokens = 0;
  #countedMs: number;
  #workers = 0;

  constructor({ calls, perMs }: { readonly calls: number; readonly perMs: number }, nowMs: number) {
    this.#calls = calls;
    this.#perMs = perMs;
    this.#countedMs = nowMs;
    this.shareWith(1, nowMs);
    this.#tokens = this.#capacity;
  }

  /** Divides the limit by the workers that call, this one included. */
  shareWith(workers: number, nowMs: number): void {
    if (workers === this.#workers) return;
    this.#count(nowMs);
    this.#workers = workers;
    const share = this.#calls / workers;
    this.#capacity = Math.max(1, share * BURST_SHARE);
    // With a full burst at its beginning, a period still has no more than the limit.
    this.#tokensPerMs = (share - (this.#capacity - 1)) / this.#perMs;
    this.#tokens = Math.min(this.#tokens, this.#capacity);
  }

  /** When a token is there for one who comes behind `ahead` others; now if there is one. Takes none. */
  freeAtMs(nowMs: number, ahead = 0): number {
    this.#count(nowMs);
    const missing = 1 + ahead - this.#tokens - ROUNDING;
    return missing <= 0 ? nowMs : nowMs + Math.ceil(missing / this.#tokensPerMs);
  }

  /** @returns false if there is none */
  take(nowMs: number): boolean {
    if (this.freeAtMs(nowMs) > nowMs) return false;
    this.#tokens = Math.max(0, this.#tokens - 1);
    return true;
  }

  /** Whether nobody would notice if it began anew. */
  isFull(nowMs: number): boolean {
    this.#count(nowMs);
    return this.#tokens >= this.#capacity;
  }

  #count(nowMs: number): void {
    // The wall clock may be set back.
    const passedMs = Math.max(0, nowMs - this.#countedMs);
    this.#tokens = Math.min(this.#capacity, this.#tokens + passedMs * this.#tokensPerMs);
    this.#countedMs = nowMs;
  }
}
