import { ByteReader } from "./byte-reader.ts";
import { encodeNumber } from "./checkpoint.ts";
import type { Codec, KeyCodec } from "./codec.ts";
import {
  clearedKey,
  dataPrefix,
  dataRange,
  expiryKey,
  payloadOffset,
  readOrderedInteger,
  timedKeyOffset,
  windowKey,
  windowRange,
  writeOrderedInteger,
} from "./key-layout.ts";
import { defaultCacheEntriesMax, type StoreOptions } from "./key-value-store.ts";
import { LevelStore, type SealedChanges } from "./level-store.ts";
import { mergeOverlay } from "./overlay-merge.ts";
import { Slab } from "./slab.ts";
import type { ChangelogRecord, WindowStore } from "./store.ts";
import { type CachedWindow, type CachedWindowEntry, WindowCache } from "./window-cache.ts";

interface Entry<K, V> extends CachedWindowEntry<K, Entry<K, V>> {
  /** undefined: there is none, and LevelDB need not be asked. */
  value: V | undefined;
  eventTimeMs: number;
}

type Scanned<K, V> = readonly [startMs: number, key: K, value: V, eventTimeMs: number];

/**
 * Opens a store of one value a window start and key. Starts are safe integers. An entry's event time never falls while the entry
 * is in memory. A put below the bound of expireBefore is invisible at once.
 */
export async function openWindowStore<K, V>(options: StoreOptions<K, V>): Promise<WindowStore<K, V>> {
  const store = new LevelWindowStore(options);
  await store.open();
  return store;
}

class LevelWindowStore<K, V> extends LevelStore implements WindowStore<K, V> {
  readonly #keys: KeyCodec<K>;
  readonly #values: Codec<V>;
  readonly #cache: WindowCache<K, Entry<K, V>>;
  readonly #slab = new Slab();
  /** No window in LevelDB starts later. */
  #maxStoredStartMs = Number.NEGATIVE_INFINITY;
  #expiryMs = Number.NEGATIVE_INFINITY;
  #sealedExpiryMs = Number.NEGATIVE_INFINITY;
  #storedExpiryMs = Number.NEGATIVE_INFINITY;
  #clearedMs = Number.NEGATIVE_INFINITY;

  constructor(options: StoreOptions<K, V>) {
    super(options.name, options.database);
    this.#keys = options.keys;
    this.#values = options.values;
    this.#cache = new WindowCache(options.cacheEntriesMax ?? defaultCacheEntriesMax, (key) => options.keys.token(key));
  }

  get changedEntries(): number {
    return this.#cache.changedEntries;
  }

  get(startMs: number, key: K): V | undefined {
    if (startMs < this.#expiryMs) return undefined;
    const window = this.#cache.window(startMs, this.#maxStoredStartMs);
    const token = this.#keys.token(key);
    const entry = this.#cache.find(window, token);
    if (entry !== undefined) return entry.value;
    return window.complete ? undefined : this.#load(window, token, key);
  }

  #load(window: CachedWindow<Entry<K, V>>, token: string | number, key: K): V | undefined {
    const stored = this.database.getSync(windowKey(window.startMs, this.#keys.encode(key)));
    const entry: Entry<K, V> = { window, key, value: undefined, eventTimeMs: Number.NEGATIVE_INFINITY, changed: false };
    if (stored !== undefined) {
      entry.eventTimeMs = stored.readDoubleBE(0);
      entry.value = this.#values.read(new ByteReader(stored, payloadOffset));
    }
    this.#cache.add(token, entry);
    return entry.value;
  }

  put(startMs: number, key: K, value: V, eventTimeMs: number): void {
    if (startMs < this.#expiryMs) return;
    const window = this.#cache.window(startMs, this.#maxStoredStartMs);
    const token = this.#keys.token(key);
    const entry = this.#cache.find(window, token);
    if (entry === undefined) {
      const added: Entry<K, V> = { window, key, value, eventTimeMs, changed: false };
      this.#cache.add(token, added);
      this.#cache.markChanged(added);
      return;
    }
    entry.value = value;
    if (eventTimeMs > entry.eventTimeMs) entry.eventTimeMs = eventTimeMs;
    if (!entry.changed) this.#cache.markChanged(entry);
  }

  expireBefore(startMs: number): void {
    if (!(startMs > this.#expiryMs)) return;
    this.#expiryMs = startMs;
    this.#cache.expireBefore(startMs);
  }

  forEachChanged(visit: (startMs: number, key: K, value: V, eventTimeMs: number) => void): void {
    for (const { window, key, value, eventTimeMs } of this.#cache.active)
      visit(window.startMs, key, value!, eventTimeMs);
  }

  async *scan(fromStartMs: number, toStartMs: number): AsyncGenerator<Scanned<K, V>> {
    const from = Math.max(fromStartMs, this.#expiryMs);
    if (!(from < toStartMs)) return;
    const overlay = [];
    for (const { window, key, value, eventTimeMs } of this.#cache.unsaved()) {
      const { startMs } = window;
      if (startMs < from || startMs >= toStartMs) continue;
      const item: Scanned<K, V> = [startMs, key, value!, eventTimeMs];
      overlay.push({ bytes: windowKey(startMs, this.#keys.encode(key)), item });
    }
    const disk = this.database.iterate(windowRange(from, toStartMs));
    const entries = mergeOverlay(overlay, disk, (key, value) => this.#decode(key, value));
    for await (const entry of entries) if (entry[0] >= this.#expiryMs) yield entry;
  }

  #decode(key: Buffer, value: Buffer): Scanned<K, V> {
    return [
      readOrderedInteger(key, 1),
      this.#keys.decode(key.subarray(timedKeyOffset)),
      this.#values.read(new ByteReader(value, payloadOffset)),
      value.readDoubleBE(0),
    ];
  }

  protected sealChanges(): SealedChanges {
    const replicated: ChangelogRecord[] = [];
    let maxStartMs = this.#maxStoredStartMs;
    for (const entry of this.#cache.active) {
      replicated.push(this.#encode(entry));
      if (entry.window.startMs > maxStartMs) maxStartMs = entry.window.startMs;
    }
    this.#cache.seal();
    this.#maxStoredStartMs = maxStartMs;
    this.#sealedExpiryMs = this.#expiryMs;
    return { replicated, local: this.#localChanges() };
  }

  #encode({ window, key, value, eventTimeMs }: Entry<K, V>): ChangelogRecord {
    const out = this.#slab.startKey();
    out.ensure(timedKeyOffset);
    out.buffer[out.position] = dataPrefix;
    writeOrderedInteger(out.buffer, out.position + 1, window.startMs);
    out.position += timedKeyOffset;
    out.raw(this.#keys.encode(key));
    this.#slab.startValue();
    out.double(eventTimeMs);
    this.#values.write(value!, out);
    return this.#slab.take();
  }

  #localChanges(): ChangelogRecord[] {
    const changes: ChangelogRecord[] = [];
    if (this.#sealedExpiryMs > this.#storedExpiryMs)
      changes.push({ key: expiryKey, value: encodeNumber(this.#sealedExpiryMs) });
    // Told with the next commit: if it is lost, the range is cleared once more.
    if (Number.isFinite(this.#clearedMs)) changes.push({ key: clearedKey, value: encodeNumber(this.#clearedMs) });
    return changes;
  }

  protected async applied(): Promise<void> {
    this.#cache.dropSealed();
    this.#storedExpiryMs = this.#sealedExpiryMs;
    await this.#clearExpired();
  }

  async #clearExpired(): Promise<void> {
    const expiryMs = this.#storedExpiryMs;
    if (!(expiryMs > this.#clearedMs)) return;
    await this.database.clear(windowRange(this.#clearedMs, expiryMs));
    this.#clearedMs = expiryMs;
  }

  protected forget(): void {
    this.#cache.clear();
    this.#expiryMs = this.#storedExpiryMs;
  }

  /** What a restore brings back below the bound is cleared by the next expiry. */
  protected prepareRestore(): readonly ChangelogRecord[] {
    this.#clearedMs = Number.NEGATIVE_INFINITY;
    return [{ key: clearedKey, value: null }];
  }

  protected async readContents(): Promise<void> {
    this.#storedExpiryMs = this.database.getSync(expiryKey)?.readDoubleBE(0) ?? Number.NEGATIVE_INFINITY;
    this.#clearedMs = this.database.getSync(clearedKey)?.readDoubleBE(0) ?? Number.NEGATIVE_INFINITY;
    this.#expiryMs = this.#storedExpiryMs;
    await this.#clearExpired();
    this.#maxStoredStartMs = Number.NEGATIVE_INFINITY;
    for await (const [key] of this.database.iterate({ ...dataRange, reverse: true, entriesMax: 1 })) {
      this.#maxStoredStartMs = readOrderedInteger(key, 1);
    }
  }
}
