import type { FetchedRecord, LogAccess, TopicPartition } from "./port.ts";

const POLL_WAIT_MS = 1_000;

/** All records of a partition that read_committed shows now. */
export async function readPartition(log: LogAccess, partition: TopicPartition): Promise<readonly FetchedRecord[]> {
  const [start] = await log.listOffsets([partition], "earliest", "read_committed");
  const [end] = await log.listOffsets([partition], "latest", "read_committed");
  const reader = await log.openReader({ isolation: "read_committed" });
  const records: FetchedRecord[] = [];
  try {
    reader.assign([start!]);
    for (let position = start!.offset; position < end!.offset; ) {
      for (const batch of await reader.poll(POLL_WAIT_MS)) {
        records.push(...batch.records.filter(({ offset }) => offset < end!.offset));
        position = batch.nextOffset;
      }
    }
  } finally {
    await reader.close();
  }
  return records;
}
