import { keyRequired, timestampRefused } from "../embedded/refusals.ts";
import type { ProduceBatch, ProducerRecord, TopicPartition } from "../port.ts";
import { keyOf } from "./grouping.ts";
import { sizeBound } from "./protocol/record-batch-encoder.ts";
import type { TopicSettings } from "./topic-configs.ts";

/** Records that go out as one record batch, and the batches of the caller that begin in it. */
export interface Chunk extends TopicPartition {
  readonly records: readonly ProducerRecord[];
  readonly starts: readonly { readonly batch: number; readonly index: number }[];
}

/** Of one record batch; below the broker's usual limit of a message, and so that one partition does not hold up others for long. */
const CHUNK_BYTES_MAX = 512 * 1024;

/**
 * Checks a whole call before anything of it is written, as far as this client can know.
 * @throws {MulgilError} LOG_TIMESTAMP_REFUSED, LOG_KEY_REQUIRED
 */
export function checkRecords(
  batches: readonly ProduceBatch[],
  settings: ReadonlyMap<string, TopicSettings>,
  nowMs: number,
): void {
  for (const batch of batches) {
    const topic = settings.get(batch.topic);
    const latestMs = topic === undefined || topic.isAppendTime ? Infinity : nowMs + topic.aheadMsMax;
    const needsKeys = topic !== undefined && topic.cleanupPolicy !== "delete";
    for (let index = 0; index < batch.records.length; index++) {
      const { timestampMs, key } = batch.records[index]!;
      if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
        throw timestampRefused(batch, index, timestampMs, "is not a time in whole ms since 1970");
      }
      if (timestampMs > latestMs)
        throw timestampRefused(batch, index, timestampMs, `is more than ${topic!.aheadMsMax} ms ahead of the clock`);
      if (key === null && needsKeys) throw keyRequired(batch, index);
    }
  }
}

/** What goes to each partition, in order. Batches of one partition are put together, and cut where they get large. */
export function planChunks(batches: readonly ProduceBatch[]): Chunk[][] {
  const lanes = new Map<string, LaneBuilder>();
  batches.forEach((batch, index) => {
    const key = keyOf(batch);
    let lane = lanes.get(key);
    if (lane === undefined) {
      lane = new LaneBuilder(batch);
      lanes.set(key, lane);
    }
    lane.add(index, batch.records);
  });
  return [...lanes.values()].map((lane) => lane.chunks).filter((chunks) => chunks.length > 0);
}

class LaneBuilder {
  readonly chunks: Chunk[] = [];
  readonly #where: TopicPartition;
  #records: ProducerRecord[] = [];
  #starts: { batch: number; index: number }[] = [];
  #bytes = Infinity;

  constructor({ topic, partition }: TopicPartition) {
    this.#where = { topic, partition };
  }

  add(batch: number, records: readonly ProducerRecord[]): void {
    records.forEach((record, index) => {
      const bytes = sizeBound(record);
      if (this.#bytes + bytes > CHUNK_BYTES_MAX) this.#open();
      if (index === 0) this.#starts.push({ batch, index: this.#records.length });
      this.#records.push(record);
      this.#bytes += bytes;
    });
  }

  #open(): void {
    this.#records = [];
    this.#starts = [];
    this.#bytes = 0;
    this.chunks.push({ ...this.#where, records: this.#records, starts: this.#starts });
  }
}
