import { ByteReader } from "./byte-reader.ts";
import type { Codec, KeyCodec } from "./codec.ts";
import { type Due, DueQueue } from "./due-queue.ts";
import { type CachedEntry, EntryCache } from "./entry-cache.ts";
import { dataKey, dataPrefix, dataRange, indexKey, timedPayloadOffset } from "./key-layout.ts";
import { defaultCacheEntriesMax, type StoreOptions } from "./key-value-store.ts";
import { LevelStore, type SealedChanges } from "./level-store.ts";
import { mergeOverlay } from "./overlay-merge.ts";
import { Slab } from "./slab.ts";
import { corruptedError } from "./state-errors.ts";
import type { ChangelogRecord, TimeIndexedStore } from "./store.ts";

interface Entry<K, V> extends CachedEntry<K> {
  /** undefined: there is none, and LevelDB need not be asked. */
  value: V | undefined;
  eventTimeMs: number;
  dueMs: number;
  /** Under which the index has the entry once what is sealed is in LevelDB. Infinity: not at all. */
  indexedDueMs: number;
}

const never = Number.POSITIVE_INFINITY;
const dueOffset = 8;
const noBytes = Buffer.alloc(0);

/** Opens a store of one value a key, with a time at which something is due. An entry's event time never falls while it exists. */
export async function openTimeIndexedStore<K, V>(options: StoreOptions<K, V>): Promise<TimeIndexedStore<K, V>> {
  const store = new LevelTimeIndexedStore(options);
  await store.open();
  return store;
}

class LevelTimeIndexedStore<K, V> extends LevelStore implements TimeIndexedStore<K, V> {
  readonly #keys: KeyCodec<K>;
  readonly #values: Codec<V>;
  readonly #cache: EntryCache<K, Entry<K, V>>;
  readonly #queue: DueQueue<K>;
  readonly #slab = new Slab();

  constructor(options: StoreOptions<K, V>) {
    super(options.name, options.database);
    const { keys } = options;
    this.#keys = keys;
    this.#values = options.values;
    this.#cache = new EntryCache(options.cacheEntriesMax ?? defaultCacheEntriesMax, (key) => keys.token(key));
    this.#queue = new DueQueue({
      token: (key) => keys.token(key),
      encode: (key) => keys.encode(key),
      decode: (bytes) => keys.decode(bytes),
      unsaved: () => this.#cache.unsaved(),
      iterate: (range) => this.database.iterate(range),
    });
  }

  get changedEntries(): number {
    return this.#cache.changedEntries;
  }

  get earliestDueMs(): number {
    return this.#queue.earliestDueMs;
  }

  get(key: K): V | undefined {
    return this.#entry(this.#keys.token(key), key).value;
  }

  #entry(token: string | number, key: K): Entry<K, V> {
    return this.#cache.find(token) ?? this.#load(token, key);
  }

  #load(token: string | number, key: K): Entry<K, V> {
    const stored = this.database.getSync(dataKey(this.#keys.encode(key)));
    const entry: Entry<K, V> = {
      key,
      value: undefined,
      eventTimeMs: Number.NEGATIVE_INFINITY,
      dueMs: never,
      indexedDueMs: never,
      changed: false,
    };
    if (stored !== undefined) {
      entry.eventTimeMs = stored.readDoubleBE(0);
      entry.dueMs = stored.readDoubleBE(dueOffset);
      entry.indexedDueMs = entry.dueMs;
      entry.value = this.#values.read(new ByteReader(stored, timedPayloadOffset));
    }
    this.#cache.add(token, entry);
    return entry;
  }

  put(key: K, value: V, eventTimeMs: number, dueMs: number): void {
    if (!(dueMs > Number.NEGATIVE_INFINITY))
      throw new TypeError(`${dueMs} is no due time: expected milliseconds, or Infinity for never`);
    const token = this.#keys.token(key);
    const entry = this.#entry(token, key);
    entry.value = value;
    if (eventTimeMs > entry.eventTimeMs) entry.eventTimeMs = eventTimeMs;
    this.#change(token, entry, dueMs);
  }

  delete(key: K): void {
    const token = this.#keys.token(key);
    const entry = this.#entry(token, key);
    entry.value = undefined;
    entry.eventTimeMs = Number.NEGATIVE_INFINITY;
    this.#change(token, entry, never);
  }

  #change(token: string | number, entry: Entry<K, V>, dueMs: number): void {
    this.#cache.markChanged(entry);
    if (entry.dueMs === dueMs) return;
    entry.dueMs = dueMs;
    this.#queue.change(token, entry.key, dueMs);
  }

  forEachChanged(visit: (key: K, value: V | undefined, eventTimeMs: number) => void): void {
    for (const entry of this.#cache.active) visit(entry.key, entry.value, entry.eventTimeMs);
  }

  async due(uptoMs: number, entriesMax: number): Promise<readonly (readonly [key: K, value: V, dueMs: number])[]> {
    return this.#queue.due(uptoMs, entriesMax, (due) => this.#dueEntry(due));
  }

  dueLoaded(uptoMs: number, entriesMax: number): readonly (readonly [key: K, value: V, dueMs: number])[] | undefined {
    return this.#queue.loaded(uptoMs, entriesMax, (due) => this.#dueEntry(due));
  }

  #dueEntry({ key, token, dueMs }: Due<K>): readonly [K, V, number] {
    const entry = this.#entry(token, key);
    if (entry.value === undefined || entry.dueMs !== dueMs) {
      throw corruptedError(
        this.database.path,
        `the time index of store "${this.name}" names an entry that is not due then`,
      );
    }
    return [key, entry.value, dueMs];
  }

  entries(): AsyncIterable<readonly [key: K, value: V]> {
    const overlay = [];
    for (const { key, value } of this.#cache.unsaved()) {
      const item: readonly [K, V] | undefined = value === undefined ? undefined : [key, value];
      overlay.push({ bytes: dataKey(this.#keys.encode(key)), item });
    }
    return mergeOverlay(overlay, this.database.iterate(dataRange), (key, value) => [
      this.#keys.decode(key.subarray(1)),
      this.#values.read(new ByteReader(value, timedPayloadOffset)),
    ]);
  }

  protected sealChanges(): SealedChanges {
    const replicated: ChangelogRecord[] = [];
    const local: ChangelogRecord[] = [];
    const { active } = this.#cache;
    for (const entry of active) {
      const record = this.#encode(entry);
      replicated.push(record);
      addIndexChanges(local, record.key.subarray(1), entry.indexedDueMs, entry.dueMs);
    }
    for (const entry of active) entry.indexedDueMs = entry.dueMs;
    this.#cache.seal();
    return { replicated, local };
  }

  #encode({ key, value, eventTimeMs, dueMs }: Entry<K, V>): ChangelogRecord {
    const out = this.#slab.startKey();
    out.byte(dataPrefix);
    out.raw(this.#keys.encode(key));
    if (value === undefined) return this.#slab.takeDelete();
    this.#slab.startValue();
    out.double(eventTimeMs);
    out.double(dueMs);
    this.#values.write(value, out);
    return this.#slab.take();
  }

  protected async applied(): Promise<void> {
    this.#cache.dropSealed();
  }

  protected forget(): void {
    this.#cache.clear();
    this.#queue.clear();
  }

  /** The index entry that a record replaces is known by what the record replaces. */
  protected prepareRestore(records: readonly ChangelogRecord[]): readonly ChangelogRecord[] {
    const local: ChangelogRecord[] = [];
    const dueInBatch = new Map<string, number>();
    for (const { key, value } of records) {
      const id = key.toString("latin1");
      const before = dueInBatch.get(id) ?? this.database.getSync(key)?.readDoubleBE(dueOffset) ?? never;
      const after = value?.readDoubleBE(dueOffset) ?? never;
      dueInBatch.set(id, after);
      addIndexChanges(local, key.subarray(1), before, after);
    }
    return local;
  }

  protected async readContents(): Promise<void> {
    this.#queue.clear();
    await this.#queue.load(1);
  }
}

function addIndexChanges(changes: ChangelogRecord[], keyBytes: Buffer, before: number, after: number): void {
  if (before === after) return;
  if (before !== never) changes.push({ key: indexKey(before, keyBytes), value: null });
  if (after !== never) changes.push({ key: indexKey(after, keyBytes), value: noBytes });
}
