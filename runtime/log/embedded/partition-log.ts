import type { FetchedRecord, Isolation, ProducerRecord, TopicConfig, TopicPartition } from "../port.ts";
import { AbortedTransactions } from "./aborted-transactions.ts";
import { type BatchEncoder, type OffsetRecord, parseBatch } from "./batch-encoding.ts";
import { scanBatches } from "./batch-scan.ts";
import { encodePartitionStatus, type PartitionStatus } from "./partition-status.ts";
import { entriesOf } from "./record-entries.ts";
import { offsetOutOfRange } from "./refusals.ts";
import { type Change, type LogDatabase, put, type Write } from "./storage.ts";
import { abortedKey, batchKey, partitionKey } from "./storage-keys.ts";
import type { Marker, StoredBatch } from "./stored-batch.ts";
import { assertNoHole } from "./stored-holes.ts";
import { TailCache, type TailCacheBudget } from "./tail-cache.ts";
import { visibleRecords } from "./visible-records.ts";

/** What the partitions of a log share. */
export interface PartitionServices {
  readonly database: LogDatabase;
  readonly encoder: BatchEncoder;
  readonly budget: TailCacheBudget;
  now(): number;
}

export interface PartitionRead {
  readonly records: readonly FetchedRecord[];
  readonly nextOffset: number;
  readonly endOffset: number;
}

/**
 * One partition. It has two faces: `status` is what has been submitted, and gives the next offset at once; `startOffset`,
 * `endOffset` and `lastStableOffset` are what is durable, and all that readers see. Methods that change it return the change;
 * the caller submits it in the same turn, so that changes become durable in the order of their offsets.
 */
export class PartitionLog implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: number;
  config: TopicConfig;
  /** Set when the topic is deleted; nothing may be submitted afterwards. */
  isDeleted = false;
  /** Replaced by compaction; see AbortedTransactions. */
  aborted = new AbortedTransactions();
  readonly #services: PartitionServices;
  readonly #listeners = new Set<() => void>();
  readonly #openTransactions = new Map<number, number>();
  readonly #cache: TailCache;
  #status: PartitionStatus;
  #startOffset: number;
  #endOffset: number;

  constructor(
    topic: { readonly id: number; readonly name: string; readonly config: TopicConfig },
    partition: number,
    status: PartitionStatus,
    services: PartitionServices,
  ) {
    this.topic = topic.name;
    this.topicId = topic.id;
    this.config = topic.config;
    this.partition = partition;
    this.#services = services;
    this.#status = status;
    this.#startOffset = status.startOffset;
    this.#endOffset = status.endOffset;
    this.#cache = new TailCache(services.budget, status.endOffset);
  }

  get status(): PartitionStatus {
    return this.#status;
  }

  get startOffset(): number {
    return this.#startOffset;
  }

  get endOffset(): number {
    return this.#endOffset;
  }

  /** The first offset of the oldest open transaction, or the end. */
  get lastStableOffset(): number {
    for (const first of this.#openTransactions.values()) return Math.max(first, this.#startOffset);
    return this.#endOffset;
  }

  /** The first offset of each open transaction, by producer id, in the order of the offsets. */
  get openTransactions(): ReadonlyMap<number, number> {
    return this.#openTransactions;
  }

  get isCompacted(): boolean {
    return this.config.cleanupPolicy !== "delete";
  }

  /** The end as a reader may see it. */
  limit(isolation: Isolation): number {
    return isolation === "read_committed" ? this.lastStableOffset : this.#endOffset;
  }

  /** Calls back whenever start, end or last stable offset have moved, and on deletion; the returned function cancels. */
  onMoved(callback: () => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  /** Adds records, of a transaction if there is a producer id. */
  append(records: readonly ProducerRecord[], producerId = 0): Change & { readonly baseOffset: number } {
    const baseOffset = this.#status.endOffset;
    const writes: Write[] = [];
    const batches: StoredBatch[] = [];
    for (const part of entriesOf(records)) {
      const batch = this.#encode(part, producerId, undefined);
      batches.push(batch.parsed);
      writes.push(batch.write);
    }
    writes.push(this.#statusWrite());
    const apply = () => {
      if (producerId !== 0 && !this.#openTransactions.has(producerId)) {
        this.#openTransactions.set(producerId, baseOffset);
      }
      this.#appended(batches);
    };
    return { baseOffset, writes, apply };
  }

  /** Ends a transaction that touched this partition from `firstOffset` on; the marker takes an offset. */
  appendMarker(producerId: number, marker: Marker, firstOffset: number): Change {
    const { parsed, write } = this.#encode([], producerId, marker);
    const markerOffset = parsed.header.lastOffset;
    const writes = [write, this.#statusWrite()];
    if (marker === "abort") {
      const value = Buffer.from(JSON.stringify({ producerId, firstOffset }));
      writes.push(put(abortedKey(this.topicId, this.partition, markerOffset), value));
    }
    const apply = () => {
      this.#openTransactions.delete(producerId);
      if (marker === "abort") this.aborted.add({ producerId, firstOffset, markerOffset });
      this.#appended([parsed]);
    };
    return { writes, apply };
  }

  /** @throws LOG_OFFSET_OUT_OF_RANGE if the offset lies after the end */
  assertReached(offset: number): void {
    if (offset > this.#endOffset) throw offsetOutOfRange(this, offset, this.#startOffset, this.#endOffset);
  }

  /** Moves the start. What lies before it is removed from the disk by maintenance. */
  moveStart(startOffset: number): Change {
    this.assertReached(startOffset);
    if (startOffset <= this.#status.startOffset) return { writes: [], apply() {} };
    this.#status = { ...this.#status, startOffset };
    const apply = () => {
      this.#startOffset = startOffset;
      this.#cache.dropBefore(startOffset);
      this.#moved();
    };
    return { writes: [this.#statusWrite()], apply };
  }

  /** What compaction has learnt; a part of its own change. */
  updateStatus(change: Partial<PartitionStatus>): Write {
    this.#status = { ...this.#status, ...change };
    return this.#statusWrite();
  }

  /** Readers shall read the database, not the cache, below the offset: compaction has rewritten it. */
  forgetCachedBefore(offset: number): void {
    this.#cache.dropBefore(offset);
  }

  /** A transaction that was open when the log was opened. Calls come in the order of the first offsets. */
  restoreOpenTransaction(producerId: number, firstOffset: number): void {
    this.#openTransactions.set(producerId, firstOffset);
  }

  /** Frees what it holds; readers find out. */
  markDeleted(): void {
    this.isDeleted = true;
    this.#cache.dropBefore(Number.MAX_SAFE_INTEGER);
    this.#moved();
  }

  /**
   * Reads from a position until `bytesMax`; without a promise if the tail cache has it. @throws LOG_OFFSET_OUT_OF_RANGE, LOG_CORRUPT
   */
  read(position: number, isolation: Isolation, bytesMax: number): PartitionRead | Promise<PartitionRead> {
    if (position < this.#startOffset || position > this.#endOffset) {
      throw offsetOutOfRange(this, position, this.#startOffset, this.#endOffset);
    }
    const limit = this.limit(isolation);
    if (position >= limit) return { records: [], nextOffset: position, endOffset: limit };
    const aborted = isolation === "read_committed" ? this.aborted : undefined;
    if (position < this.#cache.startOffset) return this.#readStored(position, limit, aborted, bytesMax);
    const batches = this.#cache.read(position, limit, bytesMax);
    const nextOffset = batches.at(-1)!.header.lastOffset + 1;
    return { records: visibleRecords(batches, position, aborted), nextOffset, endOffset: limit };
  }

  async #readStored(
    position: number,
    limit: number,
    aborted: AbortedTransactions | undefined,
    bytesMax: number,
  ): Promise<PartitionRead> {
    const { topic, topicId, partition } = this;
    const scan = await scanBatches(this.#services.database, { topic, topicId, partition, position, limit }, bytesMax);
    if (!this.isCompacted) assertNoHole(this, scan.batches, position, scan.isComplete ? limit : undefined);
    const nextOffset = scan.isComplete ? limit : scan.batches.at(-1)!.header.lastOffset + 1;
    return { records: visibleRecords(scan.batches, position, aborted), nextOffset, endOffset: limit };
  }

  #encode(records: readonly ProducerRecord[], producerId: number, marker: Marker | undefined) {
    const nowMs = this.#services.now();
    const baseOffset = this.#status.endOffset;
    const lastOffset = baseOffset + Math.max(1, records.length) - 1;
    let maxTimestampMs = records.length === 0 ? nowMs : 0;
    const placed: OffsetRecord[] = [];
    for (const { key, value, timestampMs, headers } of records) {
      if (timestampMs > maxTimestampMs) maxTimestampMs = timestampMs;
      placed.push({ key, value, timestampMs, headers, offset: baseOffset + placed.length });
    }
    const header = { baseOffset, lastOffset, producerId, marker, maxTimestampMs, tombstonesDueMs: undefined };
    const encoded = this.#services.encoder.encode(header, placed);
    this.#advance(lastOffset + 1, encoded.length, nowMs);
    return {
      parsed: parseBatch(encoded, baseOffset),
      write: put(batchKey(this.topicId, this.partition, baseOffset), encoded),
    };
  }

  #advance(endOffset: number, bytes: number, nowMs: number): void {
    const { dirtyBytes, dirtySinceMs } = this.#status;
    this.#status = this.isCompacted
      ? {
          ...this.#status,
          endOffset,
          dirtyBytes: dirtyBytes + bytes,
          dirtySinceMs: dirtyBytes === 0 ? nowMs : dirtySinceMs,
        }
      : { ...this.#status, endOffset };
  }

  #statusWrite(): Write {
    return put(partitionKey(this.topicId, this.partition), encodePartitionStatus(this.#status));
  }

  #appended(batches: readonly StoredBatch[]): void {
    for (const batch of batches) {
      this.#endOffset = batch.header.lastOffset + 1;
      this.#cache.add(batch);
    }
    this.#moved();
  }

  #moved(): void {
    for (const callback of this.#listeners) callback();
  }
}
