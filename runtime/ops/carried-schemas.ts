import { frameId } from "../../schemas/frame.ts";
import type { LogAccess, TopicDescription } from "../log/port.ts";

const NONE: ReadonlySet<number> = new Set();
const POLL_WAIT_MS = 1_000;

/** Ids of schemas that records of a topic may carry: none if it is empty or missing, else undefined, for any version may have been written. */
export async function carriedSchemas(log: LogAccess, topic: TopicDescription | undefined) {
  if (topic === undefined) return NONE;
  const { starts, ends } = await boundsOf(log, topic);
  return ends.every(({ offset }, index) => offset === starts[index]!.offset) ? NONE : undefined;
}

/** Ids of schemas that the values of a topic carry, and how many records each; found by reading all of it. */
export async function countCarriedSchemas(
  log: LogAccess,
  topic: TopicDescription,
  onProgress: (done: number, total: number) => void,
): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  const { starts, ends } = await boundsOf(log, topic);
  const total = ends.reduce((sum, { offset }, index) => sum + offset - starts[index]!.offset, 0);
  const left = new Map(ends.map(({ partition, offset }) => [partition, offset]));
  for (const { partition, offset } of starts) if (left.get(partition) === offset) left.delete(partition);
  const reader = await log.openReader({ isolation: "read_committed" });
  try {
    reader.assign(starts.filter(({ partition }) => left.has(partition)));
    for (let done = 0; left.size > 0; ) {
      for (const { partition, records, nextOffset } of await reader.poll(POLL_WAIT_MS)) {
        for (const { value } of records) {
          const id = value === null ? undefined : frameId(value);
          if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
        }
        done += records.length;
        if (nextOffset >= (left.get(partition) ?? 0)) left.delete(partition);
      }
      onProgress(done, total);
    }
  } finally {
    await reader.close();
  }
  return counts;
}

async function boundsOf(log: LogAccess, { topic, partitions: count }: TopicDescription) {
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
  const [starts, ends] = [
    await log.listOffsets(partitions, "earliest", "read_committed"),
    await log.listOffsets(partitions, "latest", "read_committed"),
  ];
  return { starts, ends };
}
