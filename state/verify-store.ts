import { MulgilError } from "../schemas/mulgil-error.ts";
import type { ChangelogReader, ClosableReader } from "./changelog.ts";
import { decodeCheckpoint } from "./checkpoint.ts";
import { type Difference, differencesBetween, type Entry } from "./differences.ts";
import {
  checkpointKey,
  clearingKey,
  dataRange,
  expiryKey,
  indexPrefix,
  indexRange,
  metaPrefix,
  readOrderedInteger,
  streamTimeKey,
  wholeRange,
} from "./key-layout.ts";
import { restoreStore } from "./restore.ts";
import { type Distrust, distrustOf } from "./restore-decision.ts";
import { settle } from "./second-look.ts";
import type { Checkpoint, CommittedEntries, Store } from "./store.ts";

export interface VerifyOptions {
  readonly store: CommittedEntries;
  /** Opens the changelog up to this offset; up to its end without one. */
  readonly openReader: (upTo?: number) => Promise<ClosableReader>;
  /** Opens an empty store of the same layout, for the restore to fill. It is closed in the end. */
  readonly openReplica: () => Promise<Store>;
  /** Of a window store: windows that start before have expired at this stream time. Undefined for the others. */
  readonly expiredBefore?: ((streamTimeMs: number) => number) | undefined;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  readonly marginMs: number;
  /** Whether the changelog's retention removes old records. */
  readonly expires: boolean;
  /** Called for what was read of the changelog and of the store, to keep to a rate. */
  readonly pace?: (entries: number) => Promise<void>;
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly signal?: AbortSignal;
  /** So many differences are looked at twice and told; the others are counted. @default 1_000 */
  readonly differencesMax?: number;
}

export interface VerifyProgress {
  /** "replaying": offsets of the changelog; "comparing": entries of the store, of which nobody knows how many there are. */
  readonly phase: "replaying" | "comparing";
  readonly done: number;
  readonly total: number | undefined;
}

/**
 * What came of it. "empty": there is no checkpoint, so the next start rebuilds the store whatever it holds. "distrusted": the next start rebuilds it, and
 * why. "unrebuildable": the changelog lacks what a rebuild needs.
 */
export type VerifyResult =
  | { readonly status: "empty" }
  | { readonly status: "distrusted"; readonly reason: Distrust; readonly checkpoint: Checkpoint }
  | { readonly status: "unrebuildable"; readonly reason: string; readonly checkpoint: Checkpoint }
  | {
      readonly status: "compared";
      readonly checkpoint: Checkpoint;
      /** Why the next start would rebuild the store, be it right or wrong; undefined if it would not. */
      readonly distrust: Distrust | undefined;
      /** Live entries of the store, without the time index. */
      readonly entries: number;
      /** All of them; `differences` are the first. */
      readonly differing: number;
      readonly differences: readonly Difference[];
      /** Entries that a restore would not bring back because the changelog's retention has removed their records. */
      readonly aged: number;
      /** Entries that cannot be judged: compaction has replaced what the checkpoint stands on by later records. */
      readonly overtaken: number;
    };

const DIFFERENCES_MAX = 1_000;
const PACE_ENTRIES = 1_000;
/** The checkpoint is of another log, or of a part that is gone: there is nothing to compare with. */
const INCOMPARABLE: ReadonlySet<Distrust> = new Set(["another incarnation", "after the end", "before the start"]);

/**
 * Compares what LevelDB holds with what a restore would build of the changelog up to the same checkpoint, entry by entry, byte for byte, time index and
 * stream time included. The restore is the real one, into a store beside; the store itself is read as one snapshot, which a commit under way does not
 * disturb. Memory is bounded; the disk holds the store twice meanwhile.
 * @throws MulgilError STATE_RESTORE_INTERRUPTED when the signal is aborted, STATE_READ_FAILED if the store is closed meanwhile
 */
export async function verifyStore(options: VerifyOptions): Promise<VerifyResult> {
  const contents = options.store.iterate(wholeRange)[Symbol.asyncIterator]();
  try {
    const meta = await readMeta(contents);
    if (meta.checkpoint === undefined) return { status: "empty" };
    const { checkpoint } = meta;
    const now = await options.openReader();
    await now.close();
    const reason = distrustOf({ ...options, ...boundsOf(now), checkpoint });
    if (reason !== undefined && INCOMPARABLE.has(reason)) return { status: "distrusted", reason, checkpoint };
    const reader = await options.openReader(checkpoint.nextOffset);
    const replica = await options.openReplica();
    try {
      const refusal = await replay(options, reader, replica);
      if (refusal !== undefined) return { status: "unrebuildable", reason: refusal, checkpoint };
      return await compare(options, { ...meta, checkpoint, distrust: reason, reader, replica, contents });
    } finally {
      await Promise.all([reader.close(), replica.close()]);
    }
  } finally {
    await contents.return?.();
  }
}

const boundsOf = ({ startOffset, endOffset, incarnation }: ChangelogReader) => ({
  startOffset,
  endOffset,
  incarnation,
});

interface Meta {
  readonly checkpoint: Checkpoint | undefined;
  readonly streamTimeMs: number;
  readonly expiryMs: number;
  /** The first entry behind the meta entries; it has been taken from the iterator. */
  readonly first: Entry | undefined;
}

async function readMeta(contents: AsyncIterator<Entry>): Promise<Meta> {
  const meta = new Map<string, Buffer>();
  for (;;) {
    const { value, done } = await contents.next();
    if (done !== true && value[0][0] === metaPrefix) {
      meta.set(value[0].toString("latin1"), value[1]);
      continue;
    }
    const find = (key: Buffer) => meta.get(key.toString("latin1"));
    const checkpoint = find(clearingKey) === undefined ? find(checkpointKey) : undefined;
    return {
      checkpoint: checkpoint && decodeCheckpoint(checkpoint),
      streamTimeMs: find(streamTimeKey)?.readDoubleBE(0) ?? Number.NEGATIVE_INFINITY,
      expiryMs: find(expiryKey)?.readDoubleBE(0) ?? Number.NEGATIVE_INFINITY,
      first: done === true ? undefined : value,
    };
  }
}

/** @returns why a restore refuses the changelog; undefined if it does not */
async function replay(options: VerifyOptions, reader: ChangelogReader, replica: Store): Promise<string | undefined> {
  const { nowMs, deleteRetentionMs, marginMs, expires, onProgress, signal, pace } = options;
  const paced: ChangelogReader = {
    ...reader,
    async read(offset) {
      const read = await reader.read(offset);
      await pace?.(read.records.length);
      return read;
    },
  };
  try {
    await restoreStore({
      ...{ store: replica, reader: paced, nowMs, deleteRetentionMs, marginMs, expires },
      ...(signal !== undefined && { signal }),
      onProgress: ({ done, total }) => onProgress?.({ phase: "replaying", done, total }),
    });
    return undefined;
  } catch (error) {
    if (error instanceof MulgilError && error.code === "STATE_CHANGELOG_TRUNCATED") return error.message;
    throw error;
  }
}

interface Compared extends Meta {
  readonly checkpoint: Checkpoint;
  readonly distrust: Distrust | undefined;
  readonly reader: ChangelogReader;
  readonly replica: Store;
  readonly contents: AsyncIterator<Entry>;
}

async function compare(options: VerifyOptions, compared: Compared): Promise<VerifyResult> {
  const { checkpoint, distrust, reader, replica, first, contents, streamTimeMs } = compared;
  const { expiredBefore, differencesMax = DIFFERENCES_MAX } = options;
  const boundMs = Math.max(compared.expiryMs, expiredBefore?.(streamTimeMs) ?? Number.NEGATIVE_INFINITY);
  const isLive = ([key]: Entry) => expiredBefore === undefined || readOrderedInteger(key, 1) >= boundMs;
  let entries = 0;
  const stored = filtered(behind(first, contents), isLive, async (seen, entry) => {
    if (entry[0][0] !== indexPrefix) entries++;
    if (seen % PACE_ENTRIES !== 0) return;
    options.signal?.throwIfAborted();
    options.onProgress?.({ phase: "comparing", done: seen, total: undefined });
    await options.pace?.(PACE_ENTRIES);
  });
  const replayed = filtered(replica.committed.iterate({ gte: dataRange.gte!, lt: indexRange.lt! }), isLive);
  const kept: Difference[] = [];
  let uncounted = 0;
  let aged = 0;
  const take = (difference: Difference) => {
    if (difference.replayed === undefined && options.expires && reader.startOffset > 0) aged++;
    else if (kept.length < differencesMax) kept.push(difference);
    else uncounted++;
  };
  const times = differenceInTime(streamTimeMs, replica.streamTimeMs);
  if (times !== undefined) take(times);
  for await (const difference of differencesBetween(stored, replayed)) take(difference);
  const { differences, overtaken } = await settle(kept, checkpoint.nextOffset, options.openReader);
  return {
    ...{ status: "compared", checkpoint, distrust, entries, differences, aged, overtaken },
    differing: differences.length + uncounted,
  };
}

function differenceInTime(stored: number, replayed: number): Difference | undefined {
  if (stored === replayed) return undefined;
  const bytesOf = (timeMs: number) => {
    if (timeMs === Number.NEGATIVE_INFINITY) return undefined;
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(timeMs);
    return bytes;
  };
  return { key: streamTimeKey, stored: bytesOf(stored), replayed: bytesOf(replayed) };
}

async function* behind(first: Entry | undefined, rest: AsyncIterator<Entry>): AsyncGenerator<Entry> {
  if (first === undefined) return;
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function* filtered(
  entries: AsyncIterable<Entry>,
  isWanted: (entry: Entry) => boolean,
  onEntry?: (seen: number, entry: Entry) => Promise<void>,
): AsyncGenerator<Entry> {
  let seen = 0;
  for await (const entry of entries) {
    if (!isWanted(entry)) continue;
    await onEntry?.(++seen, entry);
    yield entry;
  }
}
