import { ByteReader } from "./byte-reader.ts";
import type { Codec, KeyCodec } from "./codec.ts";
import type { Database } from "./disk.ts";
import { type CachedEntry, EntryCache } from "./entry-cache.ts";
import { dataKey, dataPrefix, dataRange, payloadOffset } from "./key-layout.ts";
import { LevelStore, type SealedChanges } from "./level-store.ts";
import { mergeOverlay } from "./overlay-merge.ts";
import { Slab } from "./slab.ts";
import type { ChangelogRecord, KeyValueStore } from "./store.ts";

export interface StoreOptions<K, V> {
  readonly name: string;
  /** The store owns it: close closes it. */
  readonly database: Database;
  readonly keys: KeyCodec<K>;
  readonly values: Codec<V>;
  /** Clean entries kept decoded in memory. Changed ones come on top. @default 100_000 */
  readonly cacheEntriesMax?: number;
}

export const defaultCacheEntriesMax = 100_000;

interface Entry<K, V> extends CachedEntry<K> {
  /** undefined: there is none, and LevelDB need not be asked. */
  value: V | undefined;
  eventTimeMs: number;
}

/** Opens a store of one value a key. An entry's event time never falls while the entry is in memory. */
export async function openKeyValueStore<K, V>(options: StoreOptions<K, V>): Promise<KeyValueStore<K, V>> {
  const store = new LevelKeyValueStore(options);
  await store.open();
  return store;
}

class LevelKeyValueStore<K, V> extends LevelStore implements KeyValueStore<K, V> {
  readonly #keys: KeyCodec<K>;
  readonly #values: Codec<V>;
  readonly #cache: EntryCache<K, Entry<K, V>>;
  readonly #slab = new Slab();

  constructor(options: StoreOptions<K, V>) {
    super(options.name, options.database);
    this.#keys = options.keys;
    this.#values = options.values;
    this.#cache = new EntryCache(options.cacheEntriesMax ?? defaultCacheEntriesMax, (key) => options.keys.token(key));
  }

  get changedEntries(): number {
    return this.#cache.changedEntries;
  }

  get(key: K): V | undefined {
    const token = this.#keys.token(key);
    const entry = this.#cache.find(token);
    return entry === undefined ? this.#load(token, key) : entry.value;
  }

  #load(token: string | number, key: K): V | undefined {
    const stored = this.database.getSync(dataKey(this.#keys.encode(key)));
    const entry: Entry<K, V> = { key, value: undefined, eventTimeMs: Number.NEGATIVE_INFINITY, changed: false };
    if (stored !== undefined) {
      entry.eventTimeMs = stored.readDoubleBE(0);
      entry.value = this.#values.read(new ByteReader(stored, payloadOffset));
    }
    this.#cache.add(token, entry);
    return entry.value;
  }

  put(key: K, value: V, eventTimeMs: number): void {
    const token = this.#keys.token(key);
    const entry = this.#cache.find(token);
    if (entry === undefined) {
      const added: Entry<K, V> = { key, value, eventTimeMs, changed: false };
      this.#cache.add(token, added);
      this.#cache.markChanged(added);
      return;
    }
    entry.value = value;
    if (eventTimeMs > entry.eventTimeMs) entry.eventTimeMs = eventTimeMs;
    if (!entry.changed) this.#cache.markChanged(entry);
  }

  delete(key: K): void {
    const token = this.#keys.token(key);
    let entry = this.#cache.find(token);
    if (entry === undefined) {
      entry = { key, value: undefined, eventTimeMs: Number.NEGATIVE_INFINITY, changed: false };
      this.#cache.add(token, entry);
    }
    entry.value = undefined;
    entry.eventTimeMs = Number.NEGATIVE_INFINITY;
    this.#cache.markChanged(entry);
  }

  forEachChanged(visit: (key: K, value: V | undefined, eventTimeMs: number) => void): void {
    for (const entry of this.#cache.active) visit(entry.key, entry.value, entry.eventTimeMs);
  }

  entries(): AsyncIterable<readonly [key: K, value: V]> {
    const overlay = [];
    for (const { key, value } of this.#cache.unsaved()) {
      const item: readonly [K, V] | undefined = value === undefined ? undefined : [key, value];
      overlay.push({ bytes: dataKey(this.#keys.encode(key)), item });
    }
    return mergeOverlay(overlay, this.database.iterate(dataRange), (key, value) => [
      this.#keys.decode(key.subarray(1)),
      this.#values.read(new ByteReader(value, payloadOffset)),
    ]);
  }

  protected sealChanges(): SealedChanges {
    const replicated: ChangelogRecord[] = [];
    for (const entry of this.#cache.active) replicated.push(this.#encode(entry));
    this.#cache.seal();
    return { replicated, local: [] };
  }

  #encode({ key, value, eventTimeMs }: Entry<K, V>): ChangelogRecord {
    const out = this.#slab.startKey();
    out.byte(dataPrefix);
    out.raw(this.#keys.encode(key));
    if (value === undefined) return this.#slab.takeDelete();
    this.#slab.startValue();
    out.double(eventTimeMs);
    this.#values.write(value, out);
    return this.#slab.take();
  }

  protected async applied(): Promise<void> {
    this.#cache.dropSealed();
  }

  protected forget(): void {
    this.#cache.clear();
  }

  protected prepareRestore(): readonly ChangelogRecord[] {
    return [];
  }

  protected async readContents(): Promise<void> {}
}
