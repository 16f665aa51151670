import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { CommittedOffset, LogAccess } from "../../log/port.ts";
import type { PartitionRange } from "./ranges.ts";

/** What a transfer has done so far. */
export interface TransferCounts {
  /** Looked at. */
  readonly records: number;
  readonly written: number;
  /** Left out because nobody could say whether they were meant. */
  readonly failed: number;
  /** Left out because they came from this topic by a replay. */
  readonly copies: number;
}

export const NO_COUNTS: TransferCounts = { records: 0, written: 0, failed: 0, copies: 0 };

/** How far a transfer is, as its last batch left it: in the log, in one transaction with what that wrote. */
export interface TransferProgress {
  /** The next offset of each partition of the ranges. */
  readonly positions: ReadonlyMap<number, number>;
  readonly counts: TransferCounts;
  /** Of a file: everything behind it is of a batch that did not end. */
  readonly bytes: number;
}

/** The group in whose offsets a transfer keeps its progress, and the transactional id that fences whoever had it before. */
export const transferIdOf = (id: string): string => `mulgil.replay.${id}`;

export const initialProgress = (ranges: readonly PartitionRange[]): TransferProgress => ({
  positions: new Map(ranges.map(({ partition, from }) => [partition, from])),
  counts: NO_COUNTS,
  bytes: 0,
});

/** Undefined if it has none. */
export async function readProgress(
  log: Pick<LogAccess, "committedOffsets">,
  options: { readonly id: string; readonly topic: string; readonly ranges: readonly PartitionRange[] },
): Promise<TransferProgress | undefined> {
  const { id, topic, ranges } = options;
  const committed = await log.committedOffsets(
    transferIdOf(id),
    ranges.map(({ partition }) => ({ topic, partition })),
  );
  if (committed.length === 0) return undefined;
  if (committed.length < ranges.length) throw progressLost(id);
  const { counts, bytes } = JSON.parse(committed[0]!.metadata) as Pick<TransferProgress, "counts" | "bytes">;
  return { positions: new Map(committed.map(({ partition, offset }) => [partition, offset])), counts, bytes };
}

/** As the group's offsets have it. */
export function progressOffsets(topic: string, { positions, counts, bytes }: TransferProgress): CommittedOffset[] {
  const metadata = JSON.stringify({ counts, bytes });
  return [...positions].map(([partition, offset]) => ({ topic, partition, offset, metadata }));
}

export const progressLost = (id: string): MulgilError =>
  new MulgilError(
    `how far replay "${id}" had come is not known any more: the log has forgotten the offsets of the group "${transferIdOf(id)}" (Kafka does after offsets.retention.minutes, 7 days by default), and to begin anew could write records twice. Look at what the target has, and begin another replay behind it`,
    { code: "REPLAY_PROGRESS_LOST" },
  );
