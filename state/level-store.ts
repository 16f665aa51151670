import { MulgilError } from "../schemas/mulgil-error.ts";
import { decodeCheckpoint, encodeCheckpoint, encodeNumber } from "./checkpoint.ts";
import type { Database } from "./disk.ts";
import {
  checkpointKey,
  clearedKey,
  clearingKey,
  dataPrefix,
  dataRange,
  expiryKey,
  indexRange,
  metaPrefix,
  streamTimeKey,
} from "./key-layout.ts";
import { applyingError, corruptedError, sealedError, unsavedError } from "./state-errors.ts";
import type { ChangelogRecord, Checkpoint, CommittedEntries, Store } from "./store.ts";

/** What a seal made of the active overlay. */
export interface SealedChanges {
  /** For LevelDB and the changelog. */
  readonly replicated: ChangelogRecord[];
  /** For LevelDB only: derived or about this directory. */
  readonly local: readonly ChangelogRecord[];
}

const nothing: SealedChanges = { replicated: [], local: [] };
const isStreamTime = (record: ChangelogRecord) => record.key[0] === metaPrefix && record.key.equals(streamTimeKey);

/** The commit, restore and meta entries that all stores have in common; the entries themselves are the subclass's. */
export abstract class LevelStore implements Store {
  readonly name: string;
  protected readonly database: Database;
  #streamTimeMs = Number.NEGATIVE_INFINITY;
  #storedStreamTimeMs = Number.NEGATIVE_INFINITY;
  #checkpoint: Checkpoint | undefined;
  #sealed: SealedChanges | undefined;
  #sealedStreamTimeMs = Number.NEGATIVE_INFINITY;
  #applying: Promise<void> | undefined;

  constructor(name: string, database: Database) {
    this.name = name;
    this.database = database;
  }

  abstract get changedEntries(): number;
  /** Moves the active overlay to the sealed one. Must change nothing if it throws. */
  protected abstract sealChanges(): SealedChanges;
  /** The sealed overlay is in LevelDB. */
  protected abstract applied(): Promise<void>;
  /** Drops overlays and caches: LevelDB has, or will have, other contents. */
  protected abstract forget(): void;
  /** Derives local changes of records that a restore writes. */
  protected abstract prepareRestore(records: readonly ChangelogRecord[]): readonly ChangelogRecord[];
  /** Reads what is kept in memory about LevelDB's contents. */
  protected abstract readContents(): Promise<void>;

  /** Before first use. If it fails, the database is closed and can be moved aside. */
  async open(): Promise<void> {
    try {
      if (this.database.getSync(clearingKey) !== undefined) await this.#finishClear();
      await this.#readMeta();
    } catch (error) {
      await this.database.close();
      throw error;
    }
  }

  async #readMeta(): Promise<void> {
    try {
      const checkpoint = this.database.getSync(checkpointKey);
      this.#checkpoint = checkpoint === undefined ? undefined : decodeCheckpoint(checkpoint);
      this.#storedStreamTimeMs = this.database.getSync(streamTimeKey)?.readDoubleBE(0) ?? Number.NEGATIVE_INFINITY;
    } catch (cause) {
      if (cause instanceof RangeError) throw corruptedError(this.database.path, "its checkpoint cannot be read", cause);
      throw cause;
    }
    this.#streamTimeMs = this.#storedStreamTimeMs;
    try {
      await this.readContents();
    } catch (cause) {
      // Keys of another kind of store: a step of this name had one before, and its state was given up.
      if (cause instanceof RangeError) throw corruptedError(this.database.path, "its entries cannot be read", cause);
      throw cause;
    }
  }

  get streamTimeMs(): number {
    return this.#streamTimeMs;
  }

  set streamTimeMs(timeMs: number) {
    if (timeMs > this.#streamTimeMs) this.#streamTimeMs = timeMs;
  }

  get committed(): CommittedEntries {
    return this.database;
  }

  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  seal(): readonly ChangelogRecord[] {
    if (this.#sealed !== undefined) throw sealedError(this.name);
    const sealed = this.sealChanges();
    if (this.#streamTimeMs > this.#storedStreamTimeMs) {
      sealed.replicated.push({ key: streamTimeKey, value: encodeNumber(this.#streamTimeMs) });
    }
    this.#sealedStreamTimeMs = this.#streamTimeMs;
    this.#sealed = sealed;
    return sealed.replicated;
  }

  async applySealed(checkpoint: Checkpoint): Promise<void> {
    if (this.#applying !== undefined) throw applyingError(this.name, "applySealed again");
    this.#applying = this.#apply(this.#sealed ?? nothing, checkpoint);
    try {
      await this.#applying;
    } finally {
      this.#applying = undefined;
    }
  }

  async #apply(sealed: SealedChanges, checkpoint: Checkpoint): Promise<void> {
    const position = { key: checkpointKey, value: encodeCheckpoint(checkpoint) };
    await this.database.write(sealed.replicated, sealed.local, [position]);
    this.#checkpoint = checkpoint;
    if (this.#sealed === undefined) return;
    this.#storedStreamTimeMs = this.#sealedStreamTimeMs;
    this.#sealed = undefined;
    await this.applied();
  }

  discard(): void {
    if (this.#applying !== undefined) throw applyingError(this.name, "discard");
    this.#sealed = undefined;
    this.#streamTimeMs = this.#storedStreamTimeMs;
    this.forget();
  }

  async restore(records: readonly ChangelogRecord[], checkpoint: Checkpoint): Promise<void> {
    this.#assertSaved("restore");
    const own = this.#entriesOf(records);
    const derived = this.prepareRestore(own);
    this.forget();
    const meta = [{ key: checkpointKey, value: encodeCheckpoint(checkpoint) }];
    if (this.#streamTimeMs > this.#storedStreamTimeMs) {
      meta.push({ key: streamTimeKey, value: encodeNumber(this.#streamTimeMs) });
    }
    await this.database.write(own, derived, meta);
    this.#storedStreamTimeMs = this.#streamTimeMs;
    this.#checkpoint = checkpoint;
  }

  /** Without the stream times, of which the highest counts. */
  #entriesOf(records: readonly ChangelogRecord[]): readonly ChangelogRecord[] {
    if (records.every((record) => record.key[0] === dataPrefix)) return records;
    const own: ChangelogRecord[] = [];
    for (const record of records) {
      if (record.key[0] === dataPrefix) own.push(record);
      else if (isStreamTime(record)) this.streamTimeMs = record.value?.readDoubleBE(0) ?? Number.NEGATIVE_INFINITY;
      else throw this.#foreignRecord(record);
    }
    return own;
  }

  #foreignRecord(record: ChangelogRecord): MulgilError {
    const message = `the changelog of store "${this.name}" holds a record that no store wrote (its key begins with byte ${record.key[0]}): check who else writes to the topic`;
    return new MulgilError(message, { code: "STATE_CHANGELOG_INVALID", context: { store: this.name } });
  }

  async finishRestore(): Promise<void> {
    this.#assertSaved("finishRestore");
    this.forget();
    await this.#readMeta();
  }

  async clear(): Promise<void> {
    this.#assertSaved("clear");
    this.forget();
    // A crash from here on leaves an empty store, never half of one.
    await this.database.write([{ key: clearingKey, value: Buffer.from("1") }]);
    await this.#finishClear();
    await this.#readMeta();
  }

  async #finishClear(): Promise<void> {
    await this.database.clear(dataRange);
    await this.database.clear(indexRange);
    const meta = [checkpointKey, streamTimeKey, expiryKey, clearedKey, clearingKey];
    await this.database.write(meta.map((key) => ({ key, value: null })));
  }

  #assertSaved(what: string): void {
    if (this.#applying !== undefined) throw applyingError(this.name, what);
    if (this.#sealed !== undefined || this.changedEntries > 0) throw unsavedError(this.name, what);
  }

  async close(): Promise<void> {
    // Whoever called applySealed handles its failure.
    await this.#applying?.catch(() => undefined);
    await this.database.close();
  }
}
