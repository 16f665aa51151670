/** Parts of the window; what is counted leaves it one part at a time. */
const PARTS = 10;

/** Counts by name over the last `windowMs`, moved on by whoever asks: it has no timer. */
export class RollingCounts<Name extends string> {
  readonly #names: readonly Name[];
  readonly #partMs: number;
  readonly #parts: Record<Name, number>[];
  #total: Record<Name, number>;
  #current = 0;
  #partEndMs = -Infinity;

  constructor(names: readonly Name[], windowMs: number) {
    this.#names = names;
    this.#partMs = windowMs / PARTS;
    this.#parts = Array.from({ length: PARTS }, () => this.#zeros());
    this.#total = this.#zeros();
  }

  add(name: Name, nowMs: number): void {
    this.#moveTo(nowMs);
    this.#parts[this.#current]![name]++;
    this.#total[name]++;
  }

  /** A copy; between nine tenths of the window and the whole of it. */
  totals(nowMs: number): Readonly<Record<Name, number>> {
    this.#moveTo(nowMs);
    return { ...this.#total };
  }

  clear(): void {
    for (let part = 0; part < PARTS; part++) this.#parts[part] = this.#zeros();
    this.#total = this.#zeros();
  }

  #moveTo(nowMs: number): void {
    if (nowMs < this.#partEndMs) return;
    if (nowMs >= this.#partEndMs + (PARTS - 1) * this.#partMs) {
      this.clear();
      this.#partEndMs = nowMs + this.#partMs;
      return;
    }
    while (nowMs >= this.#partEndMs) {
      this.#partEndMs += this.#partMs;
      this.#current = (this.#current + 1) % PARTS;
      const leaving = this.#parts[this.#current]!;
      for (const name of this.#names) {
        this.#total[name] -= leaving[name];
        leaving[name] = 0;
      }
    }
  }

  #zeros(): Record<Name, number> {
    return Object.fromEntries(this.#names.map((name) => [name, 0])) as Record<Name, number>;
  }
}
