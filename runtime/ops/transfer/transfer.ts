import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { TaskMigratedError } from "../../errors/errors.ts";
import { IndefiniteTransactionError } from "../../log/log-errors.ts";
import type { FetchedRecord, LogAccess, TransactionalProducer } from "../../log/port.ts";
import type { Clock } from "../../time/clock.ts";
import { Pace } from "./pace.ts";
import {
  initialProgress,
  progressOffsets,
  readProgress,
  type TransferCounts,
  type TransferProgress,
  transferIdOf,
} from "./progress.ts";
import { type RangeBatch, readRanges } from "./range-reader.ts";
import type { PartitionRange } from "./ranges.ts";

/** A record, and where it is from. */
export interface TransferRecord extends FetchedRecord {
  readonly topic: string;
  readonly partition: number;
}

/** Which of some records are meant, and how many are not meant for which reason. */
export interface Selection {
  readonly records: readonly TransferRecord[];
  readonly failed: number;
  readonly copies: number;
}

/** Where records go. */
export interface TransferTarget {
  /** Before anything else: what a batch that did not end has left behind `bytes` is removed. */
  open(bytes: number): Promise<void>;
  /**
   * Writes in the transaction that is open. What is not in the log has to survive a crash when this resolves, before the transaction ends.
   * @returns how many bytes that was, of a file; 0 otherwise
   */
  write(records: readonly TransferRecord[], producer: TransactionalProducer): Promise<number>;
  close(): Promise<void>;
}

export interface TransferOptions {
  readonly log: LogAccess;
  readonly clock: Clock;
  readonly id: string;
  readonly topic: string;
  readonly ranges: readonly PartitionRange[];
  readonly select: (records: readonly TransferRecord[]) => Promise<Selection>;
  readonly target: TransferTarget;
  /** Undefined if it may be as fast as it can. */
  readonly recordsPerSecond?: number | undefined;
  /** Ends it after the batch that is under way. */
  readonly signal: AbortSignal;
  /** The positions are known to the log from now on; later, their absence means that they are lost. */
  readonly onBegun: () => Promise<void>;
  readonly onProgress: (progress: TransferProgress) => void;
}

const BATCH_RECORDS_MAX = 2_000;
const ATTEMPTS_MAX = 5;

/**
 * Moves the records of ranges that are meant to a target, each exactly once, however often it is killed and begun again: what a batch writes and how far it
 * came is one transaction. Whoever begins last goes on, and fences the one before.
 * @returns how far it came: the end, unless the signal aborted
 * @throws {MulgilError} REPLAY_FENCED, REPLAY_PROGRESS_LOST, REPLAY_RANGE_GONE
 */
export async function transfer(options: TransferOptions): Promise<TransferProgress> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptTransfer(options);
    } catch (error) {
      if (error instanceof TaskMigratedError) throw fenced(options.id, error);
      // Whether the last batch counts is in the log: that is where the next attempt begins.
      if (!(error instanceof IndefiniteTransactionError) || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function attemptTransfer(options: TransferOptions): Promise<TransferProgress> {
  const { log, id, topic, ranges, target, signal } = options;
  const producer = await log.openTransactionalProducer(transferIdOf(id));
  try {
    let progress = await begun(options, producer);
    await assertThere(log, topic, ranges, progress);
    await target.open(progress.bytes);
    const pace = options.recordsPerSecond === undefined ? undefined : new Pace(options.clock, options.recordsPerSecond);
    const left = ranges.map((range) => ({ ...range, from: progress.positions.get(range.partition)! }));
    const recordsMax = Math.min(BATCH_RECORDS_MAX, pace?.recordsMax ?? BATCH_RECORDS_MAX);
    for await (const batch of readRanges(log, { topic, ranges: left, recordsMax, signal })) {
      if (signal.aborted) break;
      const before = progress.counts.written;
      progress = await moveBatch(options, producer, progress, batch);
      options.onProgress(progress);
      await pace?.passed(progress.counts.written - before, signal);
      if (signal.aborted) break;
    }
    return progress;
  } finally {
    await target.close();
    await producer.close().catch(() => undefined);
  }
}

/** The progress that there is; at the very first start the positions are committed, so that a missing one is never taken for a beginning. */
async function begun(options: TransferOptions, producer: TransactionalProducer): Promise<TransferProgress> {
  const { log, id, topic, ranges, onBegun } = options;
  const found = await readProgress(log, { id, topic, ranges });
  if (found !== undefined) return found;
  const progress = initialProgress(ranges);
  await producer.begin();
  await producer.sendOffsets(transferIdOf(id), progressOffsets(topic, progress));
  await producer.commit();
  await onBegun();
  return progress;
}

async function moveBatch(
  { id, topic, select, target }: TransferOptions,
  producer: TransactionalProducer,
  before: TransferProgress,
  { partition, records, nextOffset }: RangeBatch,
): Promise<TransferProgress> {
  const selected = await select(records.map((record) => ({ ...record, topic, partition })));
  await producer.begin();
  try {
    const bytes = await target.write(selected.records, producer);
    const progress = {
      positions: new Map(before.positions).set(partition, nextOffset),
      counts: added(before.counts, selected, records.length),
      bytes: before.bytes + bytes,
    };
    await producer.sendOffsets(transferIdOf(id), progressOffsets(topic, progress));
    await producer.commit();
    return progress;
  } catch (error) {
    if (!(error instanceof IndefiniteTransactionError)) await producer.abort().catch(() => undefined);
    throw error;
  }
}

const added = (counts: TransferCounts, selected: Selection, records: number): TransferCounts => ({
  records: counts.records + records,
  written: counts.written + selected.records.length,
  failed: counts.failed + selected.failed,
  copies: counts.copies + selected.copies,
});

/** @throws {MulgilError} REPLAY_RANGE_GONE if records that are still to come have been removed */
async function assertThere(
  log: Pick<LogAccess, "listOffsets">,
  topic: string,
  ranges: readonly PartitionRange[],
  { positions }: TransferProgress,
): Promise<void> {
  const left = ranges.filter(({ partition, to }) => positions.get(partition)! < to);
  const starts = await log.listOffsets(
    left.map(({ partition }) => ({ topic, partition })),
    "earliest",
    "read_committed",
  );
  const gone = starts.find(({ partition, offset }) => offset > positions.get(partition)!);
  if (gone === undefined) return;
  throw new MulgilError(
    `topic "${topic}" partition ${gone.partition} begins at offset ${gone.offset} now, and offset ${positions.get(gone.partition)} would be next: records of the range have been removed, by retention or by hand. Begin another replay with what is left (--from offset:${gone.offset} --partition ${gone.partition})`,
    { code: "REPLAY_RANGE_GONE", context: { topic, partition: gone.partition } },
  );
}

const fenced = (id: string, cause: unknown): MulgilError =>
  new MulgilError(
    `another process goes on with replay "${id}", and this one has ended: nothing is written twice. Watch it with mulgil replay ls`,
    { code: "REPLAY_FENCED", cause },
  );
