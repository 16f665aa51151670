/** Parts of the window; what is counted leaves it one part at a time. */
const PARTS = 10;

type Counts<Name extends string> = Partial<Record<Name, number>>;

/** Counts by name over the last `windowMs`, moved on by whoever asks: it has no timer. What was never counted takes no space. */
export class RollingCounts<Name extends string> {
  readonly #partMs: number;
  readonly #parts: Counts<Name>[] = [];
  #total: Counts<Name> = {};
  #current = 0;
  #partEndMs = -Infinity;

  constructor(windowMs: number) {
    this.#partMs = windowMs / PARTS;
    this.clear();
  }

  add(name: Name, nowMs: number): void {
    this.#moveTo(nowMs);
    const part = this.#parts[this.#current]!;
    part[name] = (part[name] ?? 0) + 1;
    this.#total[name] = (this.#total[name] ?? 0) + 1;
  }

  /** A copy, over at least nine tenths of the window and at most the whole of it. A name that was not counted may be missing. */
  totals(nowMs: number): Readonly<Counts<Name>> {
    this.#moveTo(nowMs);
    return { ...this.#total };
  }

  /** The same with all of these names. */
  totalsOf(names: readonly Name[], nowMs: number): Readonly<Record<Name, number>> {
    this.#moveTo(nowMs);
    return Object.fromEntries(names.map((name) => [name, this.#total[name] ?? 0])) as Record<Name, number>;
  }

  clear(): void {
    for (let part = 0; part < PARTS; part++) this.#parts[part] = {};
    this.#total = {};
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
      this.#takeOff(this.#parts[this.#current]!);
      this.#parts[this.#current] = {};
    }
  }

  #takeOff(leaving: Counts<Name>): void {
    for (const name in leaving) this.#total[name] = this.#total[name]! - leaving[name]!;
  }
}
