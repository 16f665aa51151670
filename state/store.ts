import type { KeyRange } from "./key-layout.ts";

/**
 * What a task sees of its stores. Reads and writes are synchronous point operations on decoded values: active overlay, then
 * sealed overlay, then a bounded cache of clean entries, then LevelDB (getSync). Nothing reaches LevelDB before `applySealed`.
 *
 *   put/delete ─► active ──seal()──► sealed ──applySealed()──► LevelDB (+ checkpoint, in one batch)
 *                    └────discard()────┴──► gone, with the cache
 *
 * A value got from a store may be changed in place and put back: bytes are made at `seal`.
 */

/** The changelog position that the contents of a store correspond to. Written in the same batch as the contents. */
export interface Checkpoint {
  /** The changelog offset to go on restoring from. */
  readonly nextOffset: number;
  /** Of the changelog topic: another incarnation is another log. */
  readonly incarnation: string;
  /** Wall clock of the write: an old disk may have missed purged tombstones. */
  readonly writtenAtMs: number;
  /** A rebuild has reached this position and not yet the end: what follows in the changelog may be older than `writtenAtMs`. */
  readonly isPartial?: true;
}

/** The records that a commit appends to the changelog, in the form in which LevelDB holds them. */
export interface ChangelogRecord {
  readonly key: Buffer;
  /** null deletes. Otherwise the event time (8 bytes, big endian) and the encoded value. */
  readonly value: Buffer | null;
}

/**
 * What LevelDB holds of a store, as key-layout.ts lays it out: what the last commit has left, without the overlays. To read it changes nothing, not
 * even what is cached. Bytes belong to the caller.
 */
export interface CommittedEntries {
  getSync(key: Buffer): Buffer | undefined;
  /** The entries as they are at the time of the call, read in bounded pieces beside the event loop. Fails if the store is closed meanwhile. */
  iterate(range: KeyRange): AsyncIterable<readonly [key: Buffer, value: Buffer]>;
}

export interface Store {
  readonly name: string;
  /** For whoever looks at a store from outside its task. */
  readonly committed: CommittedEntries;
  /** Entries in the active overlay. */
  readonly changedEntries: number;
  /** Rises and is durable like an entry: the stream time that the store's operator has observed. -Infinity at first. */
  streamTimeMs: number;
  readonly checkpoint: Checkpoint | undefined;
  /** Turns the active overlay into the sealed one and returns its changes. @throws InvariantError-like MulgilError STATE_SEALED if one is sealed already */
  seal(): readonly ChangelogRecord[];
  /** Writes the sealed overlay and the checkpoint in one atomic batch, then drops the overlay. Also without changes. */
  applySealed(checkpoint: Checkpoint): Promise<void>;
  /** Drops both overlays and the cache: the store is again what LevelDB holds. */
  discard(): void;
  /** Writes changelog records straight to LevelDB while restoring, with the position they reach. Not mixed with put. */
  restore(records: readonly ChangelogRecord[], checkpoint: Checkpoint): Promise<void>;
  /** Reads back what is derived (stream time) after a restore. */
  finishRestore(): Promise<void>;
  /** Empties the local contents and the checkpoint before a rebuild. After a crash in between the store is empty, never half of one. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export interface KeyValueStore<K, V> extends Store {
  get(key: K): V | undefined;
  put(key: K, value: V, eventTimeMs: number): void;
  delete(key: K): void;
  /** Calls back for what changed since the last seal; `value` is undefined for a deleted entry. */
  forEachChanged(visit: (key: K, value: V | undefined, eventTimeMs: number) => void): void;
  /** The live entries, overlays included. The store may change while it is read. */
  entries(): AsyncIterable<readonly [key: K, value: V]>;
}

/** Entries lie under (window start, key). */
export interface WindowStore<K, V> extends Store {
  get(startMs: number, key: K): V | undefined;
  put(startMs: number, key: K, value: V, eventTimeMs: number): void;
  /** Drops all windows that start before, now from sight and by one range delete at the next applySealed. Writes no tombstones: the changelog's retention does. Never moves back. */
  expireBefore(startMs: number): void;
  forEachChanged(visit: (startMs: number, key: K, value: V, eventTimeMs: number) => void): void;
  /** Live entries with fromStartMs ≤ start < toStartMs, by start. */
  scan(
    fromStartMs: number,
    toStartMs: number,
  ): AsyncIterable<readonly [startMs: number, key: K, value: V, eventTimeMs: number]>;
}

/**
 * A key-value store whose entries carry a time at which something is due for them (a session's close, a timer).
 * The index is derived: it is kept in LevelDB beside the entry, written in the same batch, and not in the changelog.
 */
export interface TimeIndexedStore<K, V> extends Store {
  get(key: K): V | undefined;
  /** `dueMs` Infinity: never due. */
  put(key: K, value: V, eventTimeMs: number, dueMs: number): void;
  delete(key: K): void;
  forEachChanged(visit: (key: K, value: V | undefined, eventTimeMs: number) => void): void;
  /** A lower bound of the earliest due time of all entries, overlays included; Infinity if there is none. */
  readonly earliestDueMs: number;
  /** Up to `entriesMax` live entries with due ≤ uptoMs, earliest first (equal times by key bytes); afterwards earliestDueMs is exact up to what was read. */
  due(uptoMs: number, entriesMax: number): Promise<readonly (readonly [key: K, value: V, dueMs: number])[]>;
  /** As `due`, but at once; undefined if that takes reading from LevelDB. */
  dueLoaded(uptoMs: number, entriesMax: number): readonly (readonly [key: K, value: V, dueMs: number])[] | undefined;
  entries(): AsyncIterable<readonly [key: K, value: V]>;
}
