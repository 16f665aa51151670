/** Remembers the last ids, `idsMax` of them at least and twice as many at most: two generations, the older one dropped when the newer is full. */
export class RecentIds {
  readonly #idsMax: number;
  #newer = new Set<string>();
  #older: ReadonlySet<string> = new Set();

  constructor(idsMax: number) {
    this.#idsMax = idsMax;
  }

  /** Whether the id was there before. */
  add(id: string): boolean {
    if (this.#newer.has(id)) return true;
    const isKnown = this.#older.has(id);
    if (this.#newer.size >= this.#idsMax) {
      this.#older = this.#newer;
      this.#newer = new Set();
    }
    this.#newer.add(id);
    return isKnown;
  }
}
