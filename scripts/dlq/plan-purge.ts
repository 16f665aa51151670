import type { LogAccess, PartitionOffset } from "../../runtime/log/port.ts";
import type { DeadLetterMarks, LetterPosition } from "../../runtime/ops/dead-letter-marks.ts";
import { upTo } from "../read/read-topic.ts";
import { Counts } from "./counts.ts";
import type { Dlq } from "./dlq.ts";
import type { LetterMatcher } from "./letter-matcher.ts";
import { readLetters } from "./read-letters.ts";

/** What a purge does. A log deletes from the beginning of a partition only. */
export interface Purge {
  /** By code. */
  readonly codes: Counts<string>;
  /** Letters among them that were not redriven. */
  readonly open: number;
  /** Before these offsets everything goes; partitions where nothing does are left out. */
  readonly deletedBefore: readonly PartitionOffset[];
  /** Selected, but behind letters that stay: they are only marked. */
  readonly marked: readonly LetterPosition[];
}

export interface PlanPurgeOptions {
  readonly log: LogAccess;
  readonly dlq: Dlq;
  readonly matcher: LetterMatcher;
  /** Only letters that were redriven. */
  readonly isRedriven: boolean;
  readonly marks: DeadLetterMarks;
  readonly onProgress: (done: number, total: number) => void;
}

/** Finds out what a purge would do. Changes nothing. */
export async function planPurge(options: PlanPurgeOptions): Promise<Purge> {
  const { dlq, marks, isRedriven } = options;
  const codes = new Counts<string>();
  const selected = new Map<number, Set<number>>(dlq.ends.map(({ partition }) => [partition, new Set()]));
  let open = 0;
  const isWanted = (letter: LetterPosition) => {
    const mark = marks.of(letter);
    return mark !== "purged" && (!isRedriven || mark === "redriven");
  };
  for await (const letters of readLetters({ ...options, isWanted })) {
    for (const letter of letters) {
      codes.add(letter.code);
      selected.get(letter.partition)!.add(letter.offset);
      if (marks.of(letter) === undefined) open++;
    }
  }
  const isGoing = (letter: LetterPosition) =>
    selected.get(letter.partition)!.has(letter.offset) || marks.of(letter) === "purged";
  const stays = await firstThatStay(options, isGoing);
  const marked = [...selected].flatMap(([partition, offsets]) =>
    [...offsets].filter((offset) => offset >= stays.get(partition)!).map((offset) => ({ partition, offset })),
  );
  const deletedBefore = dlq.starts.flatMap(({ topic, partition, offset }) =>
    stays.get(partition)! > offset ? [{ topic, partition, offset: stays.get(partition)! }] : [],
  );
  return { codes, open, deletedBefore, marked };
}

/** By partition, the offset of the first letter that does not go; the end where all do. */
async function firstThatStay(
  { log, dlq }: PlanPurgeOptions,
  isGoing: (letter: LetterPosition) => boolean,
): Promise<ReadonlyMap<number, number>> {
  const stays = new Map<number, number>();
  const reader = await log.openReader({ isolation: "read_committed" });
  try {
    for (const [index, start] of dlq.starts.entries()) {
      const end = dlq.ends[index]!.offset;
      let first: number | undefined;
      for await (const records of upTo(reader, start, end, undefined)) {
        first = records.find((record) => !isGoing(record))?.offset;
        if (first !== undefined) break;
      }
      stays.set(start.partition, first ?? end);
    }
  } finally {
    await reader.close();
  }
  return stays;
}
