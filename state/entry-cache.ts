export type Token = string | number;

/** What a cache keeps: one object for all layers of an entry, so that a look-up finds the latest value at once. */
export interface CachedEntry<K> {
  readonly key: K;
  /** Changed since the last seal, that is, in the active overlay. */
  changed: boolean;
}

/**
 * The overlays and the clean entries of a store without windows. The entries of the overlays are pinned; the others leave by
 * generations: what was not used since the one before the last swap. Entries move by a set into the young Map only; a delete and
 * a set at each access would cost more than the cache saves.
 */
export class EntryCache<K, E extends CachedEntry<K>> {
  readonly #generationMax: number;
  readonly #tokenOf: (key: K) => Token;
  #young = new Map<Token, E>();
  #old = new Map<Token, E>();
  #swapAt: number;
  #active: E[] = [];
  #sealed: E[] = [];
  /** Of the last look-up: a put mostly follows the get of the same key. */
  #lastToken: Token | undefined;
  #last: E | undefined;

  constructor(entriesMax: number, tokenOf: (key: K) => Token) {
    this.#generationMax = Math.max(1, Math.floor(entriesMax / 2));
    this.#swapAt = this.#generationMax;
    this.#tokenOf = tokenOf;
  }

  get changedEntries(): number {
    return this.#active.length;
  }

  find(token: Token): E | undefined {
    if (token === this.#lastToken) return this.#last;
    let entry = this.#young.get(token);
    if (entry === undefined) {
      entry = this.#old.get(token);
      if (entry !== undefined) this.add(token, entry);
    }
    this.#lastToken = token;
    this.#last = entry;
    return entry;
  }

  add(token: Token, entry: E): void {
    this.#young.set(token, entry);
    if (this.#young.size >= this.#swapAt) this.#swap();
    this.#lastToken = token;
    this.#last = entry;
  }

  #swap(): void {
    for (const entry of this.#active) this.#young.set(this.#tokenOf(entry.key), entry);
    for (const entry of this.#sealed) this.#young.set(this.#tokenOf(entry.key), entry);
    this.#old = this.#young;
    this.#young = new Map();
    this.#swapAt = Math.max(this.#generationMax, this.#active.length + this.#sealed.length);
  }

  markChanged(entry: E): void {
    if (entry.changed) return;
    entry.changed = true;
    this.#active.push(entry);
  }

  /** The active overlay, in the order of first change. */
  get active(): readonly E[] {
    return this.#active;
  }

  /** All entries that LevelDB may not have, each once. */
  *unsaved(): Generator<E> {
    yield* this.#active;
    for (const entry of this.#sealed) if (!entry.changed) yield entry;
  }

  seal(): void {
    for (const entry of this.#active) entry.changed = false;
    this.#sealed = this.#active;
    this.#active = [];
  }

  dropSealed(): void {
    this.#sealed = [];
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#swapAt = this.#generationMax;
    this.#active = [];
    this.#sealed = [];
    this.#lastToken = undefined;
    this.#last = undefined;
  }
}
