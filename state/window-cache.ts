import type { Token } from "./entry-cache.ts";

/** The entries in memory of all keys in the windows of one start. */
export interface CachedWindow<E> {
  readonly startMs: number;
  young: Map<Token, E>;
  old: Map<Token, E> | undefined;
  /** How many of `old` are in `young` too. */
  promoted: number;
  /** Nothing of this window is in LevelDB that is not here: a miss needs no look-up. */
  complete: boolean;
}

export interface CachedWindowEntry<K, E> {
  readonly window: CachedWindow<E>;
  readonly key: K;
  /** Changed since the last seal, that is, in the active overlay. */
  changed: boolean;
}

/**
 * EntryCache for windows: a Map for each window start, so that a key is never joined with a start, and with generations that
 * change in all windows at once.
 */
export class WindowCache<K, E extends CachedWindowEntry<K, E>> {
  readonly #generationMax: number;
  readonly #tokenOf: (key: K) => Token;
  readonly #windows = new Map<number, CachedWindow<E>>();
  #youngEntries = 0;
  #swapAt: number;
  #active: E[] = [];
  #sealed: E[] = [];
  #lastWindow: CachedWindow<E> | undefined;
  /** Of the last look-up, in the last window: a put mostly follows the get of the same key. */
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

  /** The window; if it is not in memory, it is `complete` exactly if it starts after everything in LevelDB. */
  window(startMs: number, maxStoredStartMs: number): CachedWindow<E> {
    const last = this.#lastWindow;
    if (last !== undefined && last.startMs === startMs) return last;
    let window = this.#windows.get(startMs);
    if (window === undefined) {
      if (!Number.isSafeInteger(startMs))
        throw new TypeError(`${startMs} is no start of a window: expected a safe integer`);
      window = { startMs, young: new Map(), old: undefined, promoted: 0, complete: startMs > maxStoredStartMs };
      this.#windows.set(startMs, window);
    }
    this.#lastWindow = window;
    this.#lastToken = undefined;
    return window;
  }

  /** In a window just got with `window`. */
  find(window: CachedWindow<E>, token: Token): E | undefined {
    if (token === this.#lastToken) return this.#last;
    let entry = window.young.get(token);
    if (entry === undefined && window.old !== undefined) {
      entry = window.old.get(token);
      if (entry !== undefined) {
        window.promoted++;
        this.add(token, entry);
      }
    }
    this.#lastToken = token;
    this.#last = entry;
    return entry;
  }

  add(token: Token, entry: E): void {
    entry.window.young.set(token, entry);
    if (++this.#youngEntries >= this.#swapAt) this.#swap();
    this.#lastToken = token;
    this.#last = entry;
  }

  #swap(): void {
    this.#pin(this.#active);
    this.#pin(this.#sealed);
    for (const window of this.#windows.values()) {
      if (window.old !== undefined && window.promoted < window.old.size) window.complete = false;
      if (window.young.size > 0) {
        window.old = window.young;
        window.young = new Map();
      } else if (window !== this.#lastWindow) {
        this.#windows.delete(window.startMs);
      } else {
        window.old = undefined;
      }
      window.promoted = 0;
    }
    this.#youngEntries = 0;
    this.#swapAt = Math.max(this.#generationMax, this.#active.length + this.#sealed.length);
  }

  #pin(entries: readonly E[]): void {
    for (const entry of entries) {
      const { window } = entry;
      const token = this.#tokenOf(entry.key);
      if (window.young.has(token)) continue;
      window.young.set(token, entry);
      window.promoted++;
    }
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

  /** Drops the windows that start before, changed or not; what is sealed stays sealed. */
  expireBefore(startMs: number): void {
    let dropped = 0;
    for (const window of this.#windows.values()) {
      if (window.startMs >= startMs) continue;
      this.#windows.delete(window.startMs);
      this.#youngEntries -= window.young.size;
      dropped++;
    }
    if (dropped === 0) return;
    this.#active = this.#active.filter((entry) => entry.window.startMs >= startMs);
    this.#forgetLast();
  }

  clear(): void {
    this.#windows.clear();
    this.#youngEntries = 0;
    this.#swapAt = this.#generationMax;
    this.#active = [];
    this.#sealed = [];
    this.#forgetLast();
  }

  #forgetLast(): void {
    this.#lastWindow = undefined;
    this.#lastToken = undefined;
    this.#last = undefined;
  }
}
