import type { ProduceBatch, ProducerRecord } from "../port.ts";
import type { PartitionLog } from "./partition-log.ts";
import { keyRequired, timestampRefused } from "./refusals.ts";
import type { TopicCatalog } from "./topic-catalog.ts";

/** Kafka's default of message.timestamp.after.max.ms: one hour. */
const AHEAD_MS_MAX = 3_600_000;

/** Records for one partition. */
export type Append = readonly [PartitionLog, readonly ProducerRecord[]];

/**
 * Checks a whole call before anything of it is written, as a broker would.
 * @throws LOG_UNKNOWN_TOPIC, LOG_UNKNOWN_PARTITION, LOG_TIMESTAMP_REFUSED, LOG_KEY_REQUIRED
 */
export function checkedAppends(
  catalog: TopicCatalog,
  batches: readonly ProduceBatch[],
  nowMs: number,
): readonly Append[] {
  return batches.map((batch) => {
    const log = catalog.require(batch);
    batch.records.forEach((record, index) => {
      const { timestampMs } = record;
      if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
        throw timestampRefused(log, index, timestampMs, "is not a time in whole ms since 1970");
      }
      if (timestampMs > nowMs + AHEAD_MS_MAX) {
        throw timestampRefused(log, index, timestampMs, "is more than an hour ahead of the clock");
      }
      if (record.key === null && log.isCompacted) throw keyRequired(log, index);
    });
    return [log, batch.records] as const;
  });
}
