import type { Token } from "./entry-cache.ts";
import { indexKey, indexRange, type KeyRange, readOrderedDouble, timedKeyOffset } from "./key-layout.ts";

/** What the queue needs of its store. */
export interface DueSource<K> {
  token(key: K): Token;
  encode(key: K): Buffer;
  decode(bytes: Buffer): K;
  /** Every entry that LevelDB's index may not have yet, deleted ones included; Infinity: never due. */
  unsaved(): Iterable<{ readonly key: K; readonly dueMs: number }>;
  iterate(range: KeyRange): AsyncIterable<readonly [key: Buffer, value: Buffer]>;
}

export interface Due<K> {
  readonly key: K;
  readonly token: Token;
  readonly dueMs: number;
  /** The bytes of the key once something needed them. */
  bytes: Buffer | undefined;
  live: boolean;
}

const itemsMax = 4096;

/**
 * The earliest due times in memory, in order: all of them up to a bound, which moves up when the index is read and down when
 * too many would be held. What is due after the bound is found when the index is read up to there, together with what is not yet in
 * LevelDB. So a million timers cost the memory of a few thousand.
 */
export class DueQueue<K> {
  /** A lower bound of all due times; a plain field, because it is compared with the time of each record. */
  earliestDueMs = Number.NEGATIVE_INFINITY;
  readonly #source: DueSource<K>;
  #items: Due<K>[] = [];
  #head = 0;
  readonly #byToken = new Map<Token, Due<K>>();
  /** Held in memory is what is due before, and at this time the keys up to and including `throughKey`. Infinity: everything. */
  #throughMs = Number.NEGATIVE_INFINITY;
  #throughKey: Buffer = Buffer.alloc(0);
  /** While the index is read: the latest due time of what is changing meanwhile, or had not reached it. */
  #changes: Map<Token, { readonly key: K; readonly dueMs: number }> | undefined;
  #loading: Promise<void> = Promise.resolve();
  #generation = 0;

  constructor(source: DueSource<K>) {
    this.#source = source;
  }

  /** The entry of this key is now due then; Infinity: never, or deleted. */
  change(token: Token, key: K, dueMs: number): void {
    this.#changes?.set(token, { key, dueMs });
    const known = this.#byToken.get(token);
    if (known !== undefined) {
      if (known.dueMs === dueMs) return;
      known.live = false;
      this.#byToken.delete(token);
    }
    if (this.#holds(dueMs, key)) this.#insert({ key, token, dueMs, bytes: undefined, live: true });
    this.#updateEarliest();
  }

  #holds(dueMs: number, key: K): boolean {
    if (dueMs !== this.#throughMs) return dueMs < this.#throughMs;
    return dueMs !== Number.POSITIVE_INFINITY && this.#source.encode(key).compare(this.#throughKey) <= 0;
  }

  #insert(item: Due<K>): void {
    let low = this.#head;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.#items[middle]!, item) < 0) low = middle + 1;
      else high = middle;
    }
    if (low === this.#items.length) this.#items.push(item);
    else this.#items.splice(low, 0, item);
    this.#byToken.set(item.token, item);
    if (this.#items.length - this.#head > itemsMax && this.#changes === undefined) this.#shrink();
  }

  #compare(a: Due<K>, b: Due<K>): number {
    if (a.dueMs !== b.dueMs) return a.dueMs - b.dueMs;
    a.bytes ??= this.#source.encode(a.key);
    b.bytes ??= this.#source.encode(b.key);
    return a.bytes.compare(b.bytes);
  }

  /** Forgets the later half. It is in the index or among what has not reached it. */
  #shrink(): void {
    const live = this.#items.filter((item) => item.live);
    const kept = live.slice(0, itemsMax / 2);
    if (kept.length < live.length) {
      for (const item of live.slice(kept.length)) this.#byToken.delete(item.token);
      const last = kept.at(-1)!;
      this.#throughMs = last.dueMs;
      this.#throughKey = last.bytes ??= this.#source.encode(last.key);
    }
    this.#items = kept;
    this.#head = 0;
  }

  #updateEarliest(): void {
    while (this.#head < this.#items.length && !this.#items[this.#head]!.live) this.#head++;
    if (this.#head > itemsMax) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    this.earliestDueMs = this.#head < this.#items.length ? this.#items[this.#head]!.dueMs : this.#throughMs;
  }

  /**
   * The first up to `entriesMax` that are due until then. They stay until their entries change. `take` is called for all of them at
   * once, because they may change as soon as something else runs.
   */
  async due<R>(uptoMs: number, entriesMax: number, take: (due: Due<K>) => R): Promise<R[]> {
    for (;;) {
      const found = this.loaded(uptoMs, entriesMax, take);
      if (found !== undefined) return found;
      await this.load(Math.min(Math.max(entriesMax, 1), itemsMax / 2));
    }
  }

  /** As `due`, but at once; undefined if the index has to be read first. */
  loaded<R>(uptoMs: number, entriesMax: number, take: (due: Due<K>) => R): R[] | undefined {
    const found = this.#first(uptoMs, entriesMax);
    const isComplete = this.#throughMs > uptoMs || this.#throughMs === Number.POSITIVE_INFINITY;
    return found.length >= entriesMax || isComplete ? found.map(take) : undefined;
  }

  #first(uptoMs: number, entriesMax: number): Due<K>[] {
    const found: Due<K>[] = [];
    for (let at = this.#head; at < this.#items.length && found.length < entriesMax; at++) {
      const item = this.#items[at]!;
      if (item.dueMs > uptoMs) break;
      if (item.live) found.push(item);
    }
    return found;
  }

  /** Moves the bound up by so many entries of the index. One after the other, however many ask. */
  load(entriesMax: number): Promise<void> {
    const after = this.#loading.then(() => this.#load(entriesMax));
    this.#loading = after.catch(() => undefined);
    return after;
  }

  async #load(entriesMax: number): Promise<void> {
    if (this.#throughMs === Number.POSITIVE_INFINITY) return;
    const generation = this.#generation;
    const changes = new Map<Token, { readonly key: K; readonly dueMs: number }>();
    for (const entry of this.#source.unsaved()) changes.set(this.#source.token(entry.key), entry);
    this.#changes = changes;
    try {
      const read: Buffer[] = [];
      for await (const [key] of this.#source.iterate(this.#rangeAfterBound(entriesMax))) read.push(key);
      if (generation === this.#generation) this.#take(read, read.length < entriesMax, changes);
    } finally {
      if (this.#changes === changes) this.#changes = undefined;
    }
  }

  #rangeAfterBound(entriesMax: number): KeyRange {
    if (this.#throughMs === Number.NEGATIVE_INFINITY) return { ...indexRange, entriesMax };
    return { gt: indexKey(this.#throughMs, this.#throughKey), lt: indexRange.lt!, entriesMax };
  }

  #take(
    read: readonly Buffer[],
    isEnd: boolean,
    changes: ReadonlyMap<Token, { readonly key: K; readonly dueMs: number }>,
  ): void {
    const last = read.at(-1);
    this.#throughMs = isEnd || last === undefined ? Number.POSITIVE_INFINITY : readOrderedDouble(last, 1);
    if (last !== undefined) this.#throughKey = last.subarray(timedKeyOffset);
    const items = this.#items.filter((item) => item.live);
    const add = (item: Due<K>) => {
      items.push(item);
      this.#byToken.set(item.token, item);
    };
    for (const entry of read) {
      const bytes = entry.subarray(timedKeyOffset);
      const key = this.#source.decode(bytes);
      const token = this.#source.token(key);
      if (changes.has(token) || this.#byToken.has(token)) continue;
      add({ key, token, dueMs: readOrderedDouble(entry, 1), bytes, live: true });
    }
    for (const [token, { key, dueMs }] of changes) {
      if (this.#byToken.has(token) || !this.#holds(dueMs, key)) continue;
      add({ key, token, dueMs, bytes: undefined, live: true });
    }
    this.#items = items.sort((left, right) => this.#compare(left, right));
    this.#head = 0;
    this.#updateEarliest();
  }

  /** LevelDB has other contents, or the overlays are gone. */
  clear(): void {
    this.#generation++;
    this.#items = [];
    this.#head = 0;
    this.#byToken.clear();
    this.#changes = undefined;
    this.#throughMs = Number.NEGATIVE_INFINITY;
    this.#throughKey = Buffer.alloc(0);
    this.earliestDueMs = Number.NEGATIVE_INFINITY;
  }
}
