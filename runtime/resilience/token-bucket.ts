/** One part of this many of the limit may be used at once; the rest comes evenly. */
const BURST_PARTS = 10;

/**
 * Lets through `calls` in any `perMs`, and never more: a tenth of them at once (one at least), the rest evenly. Several workers share the limit by halves,
 * thirds and so on. Counted when asked; it has no timer. Tokens are counted in whole parts of one, so that nothing is lost by rounding.
 */
export class TokenBucket {
  readonly #calls: number;
  readonly #perMs: number;
  #workers = 1;
  /** Of one token. */
  #parts: number;
  #partsMax: number;
  #partsPerMs: number;
  #partsLeft: number;
  #countedMs: number;

  constructor({ calls, perMs }: { readonly calls: number; readonly perMs: number }, nowMs: number) {
    this.#calls = calls;
    this.#perMs = perMs;
    this.#countedMs = nowMs;
    ({ parts: this.#parts, partsMax: this.#partsMax, partsPerMs: this.#partsPerMs } = this.#measuresFor(1));
    this.#partsLeft = this.#partsMax;
  }

  /** Divides the limit by the workers that call, this one included. */
  shareWith(workers: number, nowMs: number): void {
    if (workers === this.#workers) return;
    this.#count(nowMs);
    const tokens = this.#partsLeft / this.#parts;
    this.#workers = workers;
    ({ parts: this.#parts, partsMax: this.#partsMax, partsPerMs: this.#partsPerMs } = this.#measuresFor(workers));
    this.#partsLeft = Math.min(this.#partsMax, Math.floor(tokens * this.#parts));
  }

  /** When a token is there for one who comes behind `ahead` others; now if there is one. Takes none. */
  freeAtMs(nowMs: number, ahead = 0): number {
    this.#count(nowMs);
    const missing = (1 + ahead) * this.#parts - this.#partsLeft;
    return missing <= 0 ? nowMs : nowMs + Math.ceil(missing / this.#partsPerMs);
  }

  /** @returns false if there is none */
  take(nowMs: number): boolean {
    this.#count(nowMs);
    if (this.#partsLeft < this.#parts) return false;
    this.#partsLeft -= this.#parts;
    return true;
  }

  /** Whether nobody would notice if it began anew. */
  isFull(nowMs: number): boolean {
    this.#count(nowMs);
    return this.#partsLeft >= this.#partsMax;
  }

  #count(nowMs: number): void {
    // The wall clock may be set back.
    const passedMs = Math.max(0, nowMs - this.#countedMs);
    this.#partsLeft = Math.min(this.#partsMax, this.#partsLeft + passedMs * this.#partsPerMs);
    this.#countedMs = nowMs;
  }

  /** The burst, and what comes in a period after it, are together one more than the limit: the last of them comes when the period is over. */
  #measuresFor(workers: number) {
    const parts = BURST_PARTS * workers * this.#perMs;
    const partsMax = Math.max(parts, this.#calls * this.#perMs);
    return { parts, partsMax, partsPerMs: BURST_PARTS * this.#calls + (parts - partsMax) / this.#perMs };
  }
}
