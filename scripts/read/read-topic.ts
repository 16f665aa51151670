import type { FetchedRecord, LogAccess, LogReader, PartitionOffset, TopicPartition } from "../../runtime/log/port.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { type StartPosition, startOffsets } from "./start-position.ts";

export interface ReadOptions {
  readonly topic: string;
  readonly from: StartPosition;
  /** @default all of them */
  readonly partition?: number | undefined;
  /** Go on at the end and wait for more. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export interface ReadRecord extends FetchedRecord, TopicPartition {}

const WAIT_MS = 250;

/**
 * The committed records of a topic up to its end as of now: partition by partition, each in order of offset, so that two readings of
 * the same topic are equal. With `follow`, from all partitions as they come, until the signal.
 * @throws {MulgilError} TOPIC_UNKNOWN, PARTITION_UNKNOWN
 */
export async function* readTopic(log: LogAccess, options: ReadOptions): AsyncGenerator<readonly ReadRecord[]> {
  const partitions = await partitionsOf(log, options.topic, options.partition);
  const starts = await startOffsets(log, partitions, options.from);
  const reader = await log.openReader({ isolation: "read_committed" });
  try {
    if (options.follow) {
      yield* following(reader, starts, options.signal);
      return;
    }
    const ends = await log.listOffsets(partitions, "latest", "read_committed");
    for (const [index, start] of starts.entries()) {
      yield* upTo(reader, start, ends[index]!.offset, options.signal);
    }
  } finally {
    await reader.close();
  }
}

export async function partitionsOf(
  log: LogAccess,
  topic: string,
  partition: number | undefined,
): Promise<readonly TopicPartition[]> {
  const topics = await log.describeTopics();
  const found = topics.find((each) => each.topic === topic);
  if (found === undefined) {
    const known = topics.map((each) => each.topic).sort();
    const hint =
      known.length === 0
        ? "there are no topics yet"
        : `there are ${known.slice(0, 20).join(", ")}${known.length > 20 ? ", … (mulgil topics)" : ""}`;
    throw new MulgilError(`topic "${topic}" does not exist: ${hint}`, { code: "TOPIC_UNKNOWN", context: { topic } });
  }
  if (partition !== undefined && partition >= found.partitions) {
    throw new MulgilError(`topic "${topic}" has the partitions 0 to ${found.partitions - 1}, and no ${partition}`, {
      code: "PARTITION_UNKNOWN",
      context: { topic },
    });
  }
  const numbers =
    partition === undefined ? Array.from({ length: found.partitions }, (_, number) => number) : [partition];
  return numbers.map((number) => ({ topic, partition: number }));
}

/** The committed records of one partition from a position up to an offset. */
export async function* upTo(
  reader: LogReader,
  start: PartitionOffset,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ReadRecord[]> {
  const { topic, partition } = start;
  if (start.offset >= end) return;
  reader.assign([start]);
  for (let next = start.offset; next < end && !signal?.aborted; ) {
    for (const batch of await reader.poll(WAIT_MS)) {
      next = batch.nextOffset;
      const records = batch.records.filter((record) => record.offset < end);
      if (records.length > 0) yield records.map((record) => ({ ...record, topic, partition }));
    }
  }
  reader.unassign([start]);
}

async function* following(
  reader: LogReader,
  starts: readonly PartitionOffset[],
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ReadRecord[]> {
  reader.assign(starts);
  while (!signal?.aborted) {
    for (const { topic, partition, records } of await reader.poll(WAIT_MS)) {
      if (records.length > 0) yield records.map((record) => ({ ...record, topic, partition }));
    }
  }
}
