import type { AbstractIteratorOptions, AbstractSnapshot } from "abstract-level";
import type { TopicPartition } from "../port.ts";
import { openBatch } from "./batch-encoding.ts";
import type { LogDatabase } from "./storage.ts";
import { baseOffsetOf, batchKey } from "./storage-keys.ts";
import type { StoredBatch } from "./stored-batch.ts";

/** Which stored batches: of a partition, holding offsets from `position` up to `limit`. */
export interface ScanRange extends TopicPartition {
  readonly topicId: number;
  readonly position: number;
  readonly limit: number;
}

export interface Scan {
  readonly batches: readonly StoredBatch[];
  /** No stored batch follows below the limit. */
  readonly isComplete: boolean;
}

/** Entries fetched at once; LevelDB also stops at the high-water mark. */
const ENTRIES_AT_ONCE = 256;
const HIGH_WATER_MARK_BYTES = 256 * 1024;

type IteratorOptions = AbstractIteratorOptions<Buffer, Buffer> & { readonly highWaterMarkBytes: number };

/**
 * Reads stored batches until `bytesMax`, at least one if there is any. It looks at one version of the database, because
 * compaction may merge the batch that holds the position into an earlier one in between.
 */
export async function scanBatches(database: LogDatabase, range: ScanRange, bytesMax: number): Promise<Scan> {
  await using snapshot = database.snapshot();
  const forward = await scanForward(database, range, bytesMax, snapshot);
  if (forward.batches[0]?.header.baseOffset === range.position) return forward;
  const holder = await batchHolding(database, range, snapshot);
  return holder === undefined ? forward : { ...forward, batches: [holder, ...forward.batches] };
}

async function scanForward(
  database: LogDatabase,
  range: ScanRange,
  bytesMax: number,
  snapshot: AbstractSnapshot,
): Promise<Scan> {
  const options: IteratorOptions = {
    gte: batchKey(range.topicId, range.partition, range.position),
    lt: batchKey(range.topicId, range.partition, range.limit),
    highWaterMarkBytes: HIGH_WATER_MARK_BYTES,
    snapshot,
  };
  await using iterator = database.iterator<Buffer, Buffer>(options);
  const batches: StoredBatch[] = [];
  let bytes = 0;
  for (;;) {
    const entries = await iterator.nextv(ENTRIES_AT_ONCE);
    if (entries.length === 0) return { batches, isComplete: true };
    for (const [key, value] of entries) {
      if (bytes >= bytesMax) return { batches, isComplete: false };
      batches.push(openBatch(value, baseOffsetOf(key), range));
      bytes += value.length;
    }
  }
}

/** The batch that begins before the position and reaches it. */
async function batchHolding(
  database: LogDatabase,
  { topicId, partition, topic, position }: ScanRange,
  snapshot: AbstractSnapshot,
): Promise<StoredBatch | undefined> {
  await using iterator = database.iterator<Buffer, Buffer>({
    gte: batchKey(topicId, partition, 0),
    lt: batchKey(topicId, partition, position),
    reverse: true,
    limit: 1,
    snapshot,
  });
  const entry = await iterator.next();
  if (entry === undefined) return undefined;
  const batch = openBatch(entry[1], baseOffsetOf(entry[0]), { topic, partition });
  return batch.header.lastOffset >= position ? batch : undefined;
}
