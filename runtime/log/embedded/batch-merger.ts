import type { FetchedRecord } from "../port.ts";
import type { BatchEncoder } from "./batch-encoding.ts";
import type { PartitionLog } from "./partition-log.ts";
import { del, put, type Write } from "./storage.ts";
import { batchKey } from "./storage-keys.ts";
import type { StoredBatch } from "./stored-batch.ts";

/** Small batches that compaction leaves are joined up to this size. */
const MERGED_BYTES_MAX = 256 * 1024;

interface Group {
  readonly sources: StoredBatch[];
  readonly records: FetchedRecord[];
  bytes: number;
  tombstonesDueMs: number | undefined;
}

const emptyGroup = (): Group => ({ sources: [], records: [], bytes: 0, tombstonesDueMs: undefined });

/** Replaces consecutive batches by what compaction keeps of them. */
export class BatchMerger {
  readonly #log: PartitionLog;
  readonly #encoder: BatchEncoder;
  readonly #nowMs: number;
  readonly #writes: Write[] = [];
  #bytes = 0;
  #tombstonesDueMs: number | undefined;
  #group = emptyGroup();

  constructor(log: PartitionLog, encoder: BatchEncoder, nowMs: number) {
    this.#log = log;
    this.#encoder = encoder;
    this.#nowMs = nowMs;
  }

  add(source: StoredBatch, kept: readonly FetchedRecord[]): void {
    const hasTombstone = kept.some(({ value }) => value === null);
    const due = hasTombstone
      ? (source.header.tombstonesDueMs ?? this.#nowMs + this.#log.config.deleteRetentionMs)
      : undefined;
    if (!this.#fits(source, due)) this.#closeGroup();
    const group = this.#group;
    group.sources.push(source);
    for (const record of kept) group.records.push(record);
    group.bytes += source.bytes;
    group.tombstonesDueMs ??= due;
  }

  /** The writes, the bytes that stay, and when the first tombstone among them is due. */
  finish(): {
    readonly writes: readonly Write[];
    readonly bytes: number;
    readonly tombstonesDueMs: number | undefined;
  } {
    this.#closeGroup();
    return { writes: this.#writes, bytes: this.#bytes, tombstonesDueMs: this.#tombstonesDueMs };
  }

  /** Tombstones of different age stay apart: joined, the younger would keep the older. */
  #fits(source: StoredBatch, due: number | undefined): boolean {
    const group = this.#group;
    if (group.bytes + source.bytes > MERGED_BYTES_MAX) return false;
    return due === undefined || group.tombstonesDueMs === undefined || due === group.tombstonesDueMs;
  }

  #closeGroup(): void {
    const { sources, records, tombstonesDueMs } = this.#group;
    this.#group = emptyGroup();
    if (sources.length === 0) return;
    if (tombstonesDueMs !== undefined) {
      this.#tombstonesDueMs = Math.min(this.#tombstonesDueMs ?? tombstonesDueMs, tombstonesDueMs);
    }
    if (isUnchanged(sources, records, tombstonesDueMs)) {
      this.#bytes += sources[0]!.bytes;
      return;
    }
    const { topicId, partition } = this.#log;
    for (const { header } of sources) this.#writes.push(del(batchKey(topicId, partition, header.baseOffset)));
    if (records.length === 0) return;
    const baseOffset = records[0]!.offset;
    const encoded = this.#encoder.encode(
      {
        baseOffset,
        lastOffset: records.at(-1)!.offset,
        producerId: 0,
        marker: undefined,
        maxTimestampMs: records.reduce((newest, { timestampMs }) => Math.max(newest, timestampMs), 0),
        tombstonesDueMs,
      },
      records,
    );
    this.#bytes += encoded.length;
    this.#writes.push(put(batchKey(topicId, partition, baseOffset), encoded));
  }
}

const isUnchanged = (
  sources: readonly StoredBatch[],
  records: readonly FetchedRecord[],
  tombstonesDueMs: number | undefined,
): boolean =>
  sources.length === 1 &&
  sources[0]!.recordCount === records.length &&
  sources[0]!.header.producerId === 0 &&
  sources[0]!.header.tombstonesDueMs === tombstonesDueMs;
