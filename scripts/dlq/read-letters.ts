import type { LogAccess, PartitionOffset } from "../../runtime/log/port.ts";
import { type DeadLetter, deadLetterOf } from "../../runtime/ops/dead-letters.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { upTo } from "../read/read-topic.ts";
import type { Dlq } from "./dlq.ts";
import type { LetterMatcher } from "./letter-matcher.ts";

export interface ReadLettersOptions {
  readonly log: LogAccess;
  readonly dlq: Dlq;
  readonly matcher: LetterMatcher;
  /** Those that are dealt with, say. */
  readonly isWanted?: (letter: DeadLetter) => boolean;
  readonly signal?: AbortSignal;
  /** Once a batch: letters looked at, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** The selected dead letters in bulk, partition by partition, in order, up to the ends that the DLQ had when it was opened. */
export async function* readLetters(options: ReadLettersOptions): AsyncGenerator<readonly DeadLetter[]> {
  const { log, matcher, isWanted = () => true, signal, onProgress } = options;
  const { selection } = matcher;
  const ranges = await rangesOf(options);
  const total = ranges.reduce((sum, { start, end }) => sum + Math.max(0, end - start.offset), 0);
  let left = selection.limit ?? Number.POSITIVE_INFINITY;
  let done = 0;
  const reader = await log.openReader({ isolation: "read_committed" });
  try {
    for (const { start, end } of ranges) {
      for await (const records of upTo(reader, start, end, signal)) {
        const letters = (await matcher.select(records.map(deadLetterOf).filter(isWanted))).slice(0, left);
        left -= letters.length;
        done += records.length;
        onProgress?.(done, total);
        if (letters.length > 0) yield letters;
        if (left === 0 || signal?.aborted) return;
      }
    }
  } finally {
    await reader.close();
  }
}

interface Range {
  readonly start: PartitionOffset;
  readonly end: number;
}

async function rangesOf({ log, dlq, matcher }: ReadLettersOptions): Promise<readonly Range[]> {
  const { partition, offset, fromMs } = matcher.selection;
  if (partition !== undefined && partition >= dlq.topic.partitions)
    throw new MulgilError(
      `"${dlq.topic.topic}" has the partitions 0 to ${dlq.topic.partitions - 1}, and no ${partition}`,
      { code: "PARTITION_UNKNOWN" },
    );
  const wanted = dlq.starts.filter((start) => partition === undefined || start.partition === partition);
  const starts =
    fromMs === undefined ? wanted : await log.listOffsets(wanted, { atOrAfterMs: fromMs }, "read_committed");
  return starts.map((start) => {
    const end = dlq.ends.find((each) => each.partition === start.partition)!.offset;
    if (offset === undefined) return { start, end };
    return offset < start.offset
      ? { start, end: start.offset }
      : { start: { ...start, offset: Math.min(offset, end) }, end: Math.min(offset + 1, end) };
  });
}
