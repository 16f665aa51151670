import { MulgilError } from "../schemas/mulgil-error.ts";
import type { ChangelogReader } from "./changelog.ts";
import { decideRestore, isTruncated, type RestoreDecision, type RestoreFacts } from "./restore-decision.ts";
import type { ChangelogRecord, Checkpoint, Store } from "./store.ts";

export interface RestoreProgress {
  /** Offsets behind and in all, from where this restore began. */
  readonly done: number;
  readonly total: number;
  /** Changelog records written. */
  readonly entries: number;
}

export interface RestoreOptions {
  readonly store: Store;
  readonly reader: ChangelogReader;
  readonly nowMs: number;
  /** The changelog's delete.retention.ms. */
  readonly deleteRetentionMs: number;
  readonly marginMs: number;
  /** Whether the changelog's retention removes old records; otherwise it is only compacted. */
  readonly expires: boolean;
  /** Called after each batch. */
  readonly onProgress?: (progress: RestoreProgress) => void;
  readonly signal?: AbortSignal;
}

export interface RestoreResult extends RestoreDecision {
  readonly entries: number;
  readonly checkpoint: Checkpoint;
}

const batchEntriesMax = 10_000;

interface Batch {
  readonly records: ChangelogRecord[];
  readonly nextOffset: number;
}

/**
 * Brings a store to the end of its changelog, from its checkpoint if that can be trusted, else from nothing. Reads the next batch while
 * one is written. If interrupted, what was restored stays with its position, and the next restore goes on from there.
 * @throws MulgilError STATE_CHANGELOG_TRUNCATED if records that the store needs are gone; it is left as it was
 * @throws MulgilError STATE_RESTORE_INTERRUPTED when the signal is aborted, STATE_RESTORE_STALLED if the reader makes no progress
 */
export async function restoreStore(options: RestoreOptions): Promise<RestoreResult> {
  const { store, reader, signal } = options;
  const facts: RestoreFacts = {
    checkpoint: store.checkpoint,
    startOffset: reader.startOffset,
    endOffset: reader.endOffset,
    incarnation: reader.incarnation,
    nowMs: options.nowMs,
    deleteRetentionMs: options.deleteRetentionMs,
    marginMs: options.marginMs,
    expires: options.expires,
  };
  if (isTruncated(facts)) throw truncatedError(store, reader);
  const decision = decideRestore(facts);
  throwIfInterrupted(store, signal);
  if (decision.wipe) await store.clear();
  const entries = await copy(options, decision);
  await store.finishRestore();
  return { ...decision, entries, checkpoint: store.checkpoint! };
}

async function copy(options: RestoreOptions, { from, wipe }: RestoreDecision): Promise<number> {
  const { store, reader, signal, nowMs } = options;
  const { incarnation, endOffset } = reader;
  // Tombstones between a position on the way and the end are kept only as long as whoever was there at this time needs them.
  const sinceMs = wipe ? nowMs : store.checkpoint!.writtenAtMs;
  const isPartial = wipe || store.checkpoint!.isPartial === true;
  const checkpointAt = (nextOffset: number): Checkpoint =>
    nextOffset >= endOffset
      ? { nextOffset, incarnation, writtenAtMs: nowMs }
      : { nextOffset, incarnation, writtenAtMs: sinceMs, ...(isPartial && { isPartial }) };
  let entries = 0;
  let position = from;
  let reading = readBatch(options, from);
  for (;;) {
    const { records, nextOffset } = await orInterrupted(reading, store, signal);
    const isEnd = nextOffset >= endOffset;
    if (!isEnd) {
      reading = readBatch(options, nextOffset);
      // It is awaited in the next turn; until then its failure is nobody's.
      reading.catch(() => undefined);
    }
    await write(options, records, checkpointAt(position), checkpointAt(nextOffset));
    position = nextOffset;
    entries += records.length;
    options.onProgress?.({ done: position - from, total: endOffset - from, entries });
    if (isEnd) return entries;
    throwIfInterrupted(store, signal);
  }
}

/** Reads until a batch is full or the changelog ends. */
async function readBatch({ reader, store }: RestoreOptions, offset: number): Promise<Batch> {
  const records: ChangelogRecord[] = [];
  let nextOffset = offset;
  while (nextOffset < reader.endOffset && records.length < batchEntriesMax) {
    const read = await reader.read(nextOffset);
    if (read.nextOffset <= nextOffset) throw stalledError(store, reader, nextOffset);
    for (const record of read.records) records.push(record);
    nextOffset = read.nextOffset;
  }
  return { records, nextOffset };
}

/** In parts, of which only the last moves the position: replaying is idempotent. */
async function write(
  { store }: RestoreOptions,
  records: readonly ChangelogRecord[],
  before: Checkpoint,
  after: Checkpoint,
) {
  let at = 0;
  for (; records.length - at > batchEntriesMax; at += batchEntriesMax) {
    await store.restore(records.slice(at, at + batchEntriesMax), before);
  }
  await store.restore(at === 0 ? records : records.slice(at), after);
}

/** A read can take long: an interruption does not wait for it. */
function orInterrupted<T>(work: Promise<T>, store: Store, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const interrupt = () => reject(interruptedError(store, signal));
    if (signal.aborted) return interrupt();
    signal.addEventListener("abort", interrupt, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", interrupt));
  });
}

function throwIfInterrupted(store: Store, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interruptedError(store, signal);
}

const interruptedError = (store: Store, signal: AbortSignal) =>
  new MulgilError(`the restore of store "${store.name}" was interrupted; the next one goes on from where it stopped`, {
    code: "STATE_RESTORE_INTERRUPTED",
    context: { store: store.name },
    cause: signal.reason,
  });

const truncatedError = (store: Store, { topic, partition, startOffset, endOffset }: ChangelogReader) =>
  new MulgilError(
    `changelog "${topic}" [${partition}] has only the records from ${startOffset} to ${endOffset}: others, which store "${store.name}" is made of and which this disk does not have, were deleted by hand or lost by the brokers, and to go on without them would give wrong results. Start where a data directory still has this state, or bring the topic back from a copy; knowing that results will lack what the store held, delete the topic and start with --drop-store ${store.name}; or give the job another name, and have it computed anew from its sources`,
    { code: "STATE_CHANGELOG_TRUNCATED", context: { store: store.name, topic, partition, offset: startOffset } },
  );

const stalledError = (store: Store, reader: ChangelogReader, offset: number) =>
  new MulgilError(
    `changelog "${reader.topic}" of store "${store.name}" ends at ${reader.endOffset} but nothing comes after ${offset}: check the topic's replicas`,
    {
      code: "STATE_RESTORE_STALLED",
      context: { store: store.name, topic: reader.topic, partition: reader.partition, offset },
    },
  );
