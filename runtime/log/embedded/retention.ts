import { scanBatches } from "./batch-scan.ts";
import { CHUNK_BYTES, type MaintenanceServices } from "./maintenance-services.ts";
import type { PartitionLog } from "./partition-log.ts";

export interface RetentionResult {
  readonly bytesRead: number;
  readonly hasMoved: boolean;
  /** Nothing expires before, as long as the start stays; undefined if that is not known. */
  readonly nextDueMs: number | undefined;
}

export const expires = ({ config }: PartitionLog): boolean =>
  config.cleanupPolicy !== "compact" && config.retentionMs >= 0;

/**
 * Moves the start of a partition past the batches whose newest record is older than the retention. Only a prefix goes, and never
 * what an open transaction may still change.
 */
export async function expireBatches(
  log: PartitionLog,
  bytesMax: number,
  { database, queue, now }: MaintenanceServices,
): Promise<RetentionResult> {
  const { topic, topicId, partition, config } = log;
  const oldestMs = now() - config.retentionMs;
  const limit = log.lastStableOffset;
  const startOffset = log.startOffset;
  let position = startOffset;
  let bytesRead = 0;
  let nextDueMs: number | undefined;
  while (bytesRead < bytesMax && position < limit && nextDueMs === undefined) {
    const scan = await scanBatches(database, { topic, topicId, partition, position, limit }, CHUNK_BYTES);
    for (const { header, bytes } of scan.batches) {
      bytesRead += bytes;
      if (header.maxTimestampMs >= oldestMs) {
        nextDueMs = header.maxTimestampMs + config.retentionMs + 1;
        break;
      }
      position = header.lastOffset + 1;
    }
    if (scan.isComplete && nextDueMs === undefined) position = limit;
  }
  const hasMoved = position > startOffset && !log.isDeleted;
  if (hasMoved) await queue.submit(log.moveStart(position));
  return { bytesRead, hasMoved, nextDueMs };
}
