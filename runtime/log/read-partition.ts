import type { FetchedRecord, LogAccess, PartitionOffset, TopicPartition } from "./port.ts";

const POLL_WAIT_MS = 1_000;

/** All records of a partition that read_committed shows now. */
export async function readPartition(log: LogAccess, partition: TopicPartition): Promise<readonly FetchedRecord[]> {
  const [start] = await log.listOffsets([partition], "earliest", "read_committed");
  const records: FetchedRecord[] = [];
  await scanPartition(log, start!, (some) => void records.push(...some));
  return records;
}

/** Hands over, batch by batch, what read_committed shows of a partition now, from an offset on. */
export async function scanPartition(
  log: LogAccess,
  { topic, partition, offset }: PartitionOffset,
  visit: (records: readonly FetchedRecord[]) => void,
): Promise<void> {
  const [end] = await log.listOffsets([{ topic, partition }], "latest", "read_committed");
  const reader = await log.openReader({ isolation: "read_committed" });
  try {
    reader.assign([{ topic, partition, offset }]);
    for (let position = offset; position < end!.offset; ) {
      for (const batch of await reader.poll(POLL_WAIT_MS)) {
        visit(batch.records.filter((record) => record.offset < end!.offset));
        position = batch.nextOffset;
      }
    }
  } finally {
    await reader.close();
  }
}
