import type { LogAccess, OffsetSpec, TopicPartition } from "../../log/port.ts";

/** Records of one partition, by offset. */
export interface PartitionRange {
  readonly partition: number;
  /** Inclusive. */
  readonly from: number;
  /** Exclusive. Fixed when the range is made, so that what is written meanwhile is not in it. */
  readonly to: number;
}

/** One end of a range: an offset in every partition, or what the log finds there. */
export type RangeEnd = OffsetSpec | { readonly offset: number };

export interface RangesOptions {
  readonly log: Pick<LogAccess, "listOffsets">;
  readonly partitions: readonly TopicPartition[];
  readonly from: RangeEnd;
  /** Exclusive. */
  readonly to: RangeEnd;
}

/** The range of each partition, within what is there and committed now; those with nothing in them are left out. */
export async function rangesOf({ log, partitions, from, to }: RangesOptions): Promise<readonly PartitionRange[]> {
  const starts = await log.listOffsets(partitions, "earliest", "read_committed");
  const ends = await log.listOffsets(partitions, "latest", "read_committed");
  const offsetsOf = async (end: RangeEnd): Promise<readonly number[]> =>
    typeof end === "object" && "offset" in end
      ? partitions.map(() => end.offset)
      : (await log.listOffsets(partitions, end, "read_committed")).map(({ offset }) => offset);
  const [first, last] = [await offsetsOf(from), await offsetsOf(to)];
  return partitions.flatMap(({ partition }, index) => {
    const within = (offset: number) => Math.min(Math.max(offset, starts[index]!.offset), ends[index]!.offset);
    const range = { partition, from: within(first[index]!), to: within(last[index]!) };
    return range.from < range.to ? [range] : [];
  });
}

/** Offsets in ranges: as many records at most, for markers and compacted records have some, too. */
export const offsetsIn = (ranges: readonly PartitionRange[]): number =>
  ranges.reduce((sum, { from, to }) => sum + to - from, 0);
