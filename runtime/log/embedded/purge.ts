import type { MaintenanceServices } from "./maintenance-services.ts";
import type { PartitionLog } from "./partition-log.ts";
import { del } from "./storage.ts";
import { abortedKey, baseOffsetOf, batchKey } from "./storage-keys.ts";

/** Removes from the disk what lies before the start of a partition. Interrupted, it is repeated after the next opening. */
export async function purge(log: PartitionLog, { database, queue }: MaintenanceServices): Promise<void> {
  const { topicId, partition, startOffset } = log;
  if (log.isDeleted || startOffset === 0) return;
  const first = startOffset === log.endOffset ? startOffset : await firstNeeded();
  await database.clear({ gte: batchKey(topicId, partition, 0), lt: batchKey(topicId, partition, first) });
  const aborted = log.aborted.before(startOffset);
  if (log.isDeleted || aborted.length === 0) return;
  await queue.submit({
    writes: aborted.map(({ markerOffset }) => del(abortedKey(topicId, partition, markerOffset))),
    apply() {
      log.aborted = log.aborted.from(startOffset);
    },
  });

  /** The start may lie within a batch, which stays. */
  async function firstNeeded(): Promise<number> {
    const range = { gte: batchKey(topicId, partition, 0), lte: batchKey(topicId, partition, startOffset) };
    await using keys = database.keys({ ...range, reverse: true, limit: 1 });
    const holder = await keys.next();
    return holder === undefined ? startOffset : baseOffsetOf(holder);
  }
}
