import { BatchMerger } from "./batch-merger.ts";
import { scanBatches } from "./batch-scan.ts";
import { CHUNK_BYTES, type MaintenanceServices } from "./maintenance-services.ts";
import type { PartitionLog } from "./partition-log.ts";
import { del } from "./storage.ts";
import { abortedKey } from "./storage-keys.ts";
import type { StoredBatch } from "./stored-batch.ts";
import { visibleRecords } from "./visible-records.ts";

/** How long a record that has a newer one may stay, also where little is dirty: Kafka's max.compaction.lag.ms. */
const COMPACTION_LAG_MS_MAX = 24 * 3_600_000;
/** Keys that one pass remembers; more wait for the next one. */
const KEYS_MAX = 500_000;

/** More than half of the partition is new, or something has been waiting for too long. */
export function needsCompaction(log: PartitionLog, nowMs: number): boolean {
  if (!log.isCompacted || log.isDeleted) return false;
  const { compactedTo, compactedBytes, dirtyBytes, dirtySinceMs, tombstonesDueMs } = log.status;
  if (tombstonesDueMs !== undefined && tombstonesDueMs <= nowMs) return true;
  if (dirtyBytes === 0 || log.lastStableOffset <= Math.max(compactedTo, log.startOffset)) return false;
  return dirtyBytes > compactedBytes || dirtySinceMs + COMPACTION_LAG_MS_MAX <= nowMs;
}

/**
 * One pass over a compacted partition, up to its last stable offset: it learns the newest offset of every key in the dirty part,
 * then rewrites everything in order, chunk by chunk. A record goes only when a newer one of its key is stored, so it may be
 * interrupted anywhere; "compacted to" moves when all is done. Offsets never change.
 */
export class CompactionPass {
  readonly log: PartitionLog;
  readonly #services: MaintenanceServices;
  readonly #nowMs: number;
  readonly #newest = new Map<string, number>();
  #phase: "learning" | "rewriting" | "done" = "learning";
  #position: number;
  #limit: number;
  #learntBytes = 0;
  #keptBytes = 0;
  #tombstonesDueMs: number | undefined;

  constructor(log: PartitionLog, services: MaintenanceServices) {
    this.log = log;
    this.#services = services;
    this.#nowMs = services.now();
    this.#position = Math.max(log.status.compactedTo, log.startOffset);
    this.#limit = log.lastStableOffset;
  }

  get isDone(): boolean {
    return this.#phase === "done" || this.log.isDeleted;
  }

  /** Works on one chunk; returns the bytes it read. */
  async step(): Promise<number> {
    const batches = await this.#nextChunk();
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0);
    if (this.isDone) return bytes;
    if (this.#phase === "learning") this.#learn(batches, bytes);
    else await this.#rewrite(batches);
    return bytes;
  }

  async #nextChunk(): Promise<readonly StoredBatch[]> {
    const { topic, topicId, partition } = this.log;
    const range = { topic, topicId, partition, position: this.#position, limit: this.#limit };
    const { batches, isComplete } = await scanBatches(this.#services.database, range, CHUNK_BYTES);
    this.#position = isComplete ? this.#limit : batches.at(-1)!.header.lastOffset + 1;
    return batches;
  }

  #learn(batches: readonly StoredBatch[], bytes: number): void {
    this.#learntBytes += bytes;
    for (const { key, offset } of visibleRecords(batches, 0, this.log.aborted)) {
      if (key !== null) this.#newest.set(key.toString("latin1"), offset);
    }
    if (this.#newest.size > KEYS_MAX) this.#limit = this.#position;
    if (this.#position < this.#limit) return;
    this.#phase = "rewriting";
    this.#position = this.log.startOffset;
  }

  async #rewrite(batches: readonly StoredBatch[]): Promise<void> {
    const { log } = this;
    const merger = new BatchMerger(log, this.#services.encoder, this.#nowMs);
    for (const batch of batches) merger.add(batch, this.#keptOf(batch));
    const { writes, bytes, tombstonesDueMs } = merger.finish();
    this.#keptBytes += bytes;
    this.#tombstonesDueMs = earlier(this.#tombstonesDueMs, tombstonesDueMs);
    const position = this.#position;
    const apply = () => log.forgetCachedBefore(position);
    if (writes.length > 0) await this.#services.queue.submit({ writes, apply });
    else apply();
    if (position >= this.#limit && !log.isDeleted) await this.#finish();
  }

  #keptOf(batch: StoredBatch) {
    const due = batch.header.tombstonesDueMs;
    const tombstonesVanish = due !== undefined && due <= this.#nowMs;
    return visibleRecords([batch], this.log.startOffset, this.log.aborted).filter(({ key, value, offset }) => {
      if (value === null && tombstonesVanish) return false;
      const newest = key === null ? undefined : this.#newest.get(key.toString("latin1"));
      return newest === undefined || newest <= offset;
    });
  }

  async #finish(): Promise<void> {
    const { log } = this;
    const { topicId, partition } = log;
    const dirtyBytes = Math.max(0, log.status.dirtyBytes - this.#learntBytes);
    const status = log.updateStatus({
      compactedTo: this.#limit,
      compactedBytes: this.#keptBytes,
      dirtyBytes,
      dirtySinceMs: this.#nowMs,
      tombstonesDueMs: this.#tombstonesDueMs,
    });
    // No batch before the limit is aborted any more: those records are gone.
    const aborted = log.aborted.before(this.#limit);
    await this.#services.queue.submit({
      writes: [status, ...aborted.map(({ markerOffset }) => del(abortedKey(topicId, partition, markerOffset)))],
      apply: () => {
        log.aborted = log.aborted.from(this.#limit);
      },
    });
    this.#phase = "done";
  }
}

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b);
