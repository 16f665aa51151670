/** How often there was each of a few names. */
export class Counts<Name extends string> {
  readonly #counts = new Map<Name, number>();

  add(name: Name, by = 1): void {
    this.#counts.set(name, this.of(name) + by);
  }

  of(name: Name): number {
    return this.#counts.get(name) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The most frequent first. */
  get entries(): readonly (readonly [Name, number])[] {
    return [...this.#counts].sort(([left, many], [right, more]) => more - many || (left < right ? -1 : 1));
  }

  /** "CALL_AGE 12,000, CALL_ATTEMPTS 3" */
  get text(): string {
    return this.entries.map(([name, count]) => `${name} ${count.toLocaleString("en-US")}`).join(", ") || "none";
  }

  toJSON(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.entries);
  }
}
