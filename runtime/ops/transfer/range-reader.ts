import type { FetchedRecord, LogAccess } from "../../log/port.ts";
import type { PartitionRange } from "./ranges.ts";

/** Records of one partition that follow each other in a range. */
export interface RangeBatch {
  readonly partition: number;
  readonly records: readonly FetchedRecord[];
  /** Where the next batch of the partition begins. */
  readonly nextOffset: number;
}

const POLL_WAIT_MS = 250;

/** The committed records of ranges, each partition in its order, up to `recordsMax` at once. Ends with the last range, or when the signal aborts. */
export async function* readRanges(
  log: Pick<LogAccess, "openReader">,
  options: {
    readonly topic: string;
    readonly ranges: readonly PartitionRange[];
    readonly recordsMax: number;
    readonly signal?: AbortSignal | undefined;
  },
): AsyncGenerator<RangeBatch> {
  const { topic, ranges, recordsMax, signal } = options;
  const open = new Map(ranges.filter(({ from, to }) => from < to).map((range) => [range.partition, range]));
  if (open.size === 0) return;
  const reader = await log.openReader({ isolation: "read_committed" });
  try {
    reader.assign([...open.values()].map(({ partition, from }) => ({ topic, partition, offset: from })));
    while (open.size > 0 && signal?.aborted !== true) {
      for (const { partition, records, nextOffset } of await reader.poll(POLL_WAIT_MS)) {
        const range = open.get(partition);
        if (range === undefined) continue;
        const own = records.filter(({ offset }) => offset < range.to);
        yield* slices(partition, own, Math.min(nextOffset, range.to), recordsMax);
        if (nextOffset < range.to) continue;
        open.delete(partition);
        reader.unassign([{ topic, partition }]);
      }
    }
  } finally {
    await reader.close();
  }
}

function* slices(
  partition: number,
  records: readonly FetchedRecord[],
  nextOffset: number,
  recordsMax: number,
): Generator<RangeBatch> {
  for (let start = 0; start < records.length || start === 0; start += recordsMax) {
    const end = start + recordsMax;
    const isLast = end >= records.length;
    yield {
      partition,
      records: records.slice(start, end),
      nextOffset: isLast ? nextOffset : records[end]!.offset,
    };
  }
}
