import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import type { LogAccess, ProducerRecord } from "../../log/port.ts";
import { REPLAY_HEADERS, replayedFrom, replayHeaders } from "../../resilience/replay-headers.ts";
import type { Clock } from "../../time/clock.ts";
import { fileTarget } from "../transfer/file-target.ts";
import { progressLost, readProgress, type TransferProgress } from "../transfer/progress.ts";
import { topicTarget } from "../transfer/topic-target.ts";
import { type TransferRecord, type TransferTarget, transfer } from "../transfer/transfer.ts";
import { RecordMatcher } from "./record-matcher.ts";
import type { FileFormat, ReplayDefinition } from "./replay-definition.ts";
import { type KnownReplay, type ReplayStatus, rememberReplay } from "./replay-store.ts";

export interface RunReplayOptions {
  readonly log: LogAccess;
  readonly registry: SchemaRegistry;
  readonly clock: Clock;
  readonly replay: KnownReplay;
  /** Ends it after the batch that is under way. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TransferProgress) => void;
  /** For files: records as lines. */
  readonly linesOf: (records: readonly TransferRecord[], format: FileFormat) => Promise<readonly string[]>;
}

/**
 * Begins a replay, or goes on with it: each record that is meant is written exactly once.
 * @returns how far it came; to its end, unless the signal aborted
 * @throws {MulgilError} REPLAY_FENCED, REPLAY_PROGRESS_LOST, REPLAY_RANGE_GONE, REPLAY_SOURCE_REPLACED, REPLAY_WHERE_FAILED, REPLAY_FILE
 */
export async function runReplay(options: RunReplayOptions): Promise<TransferProgress> {
  const { log, clock, replay, signal, onProgress } = options;
  const { definition } = replay;
  const { id, source, ranges, recordsPerSecond } = definition;
  let hasPositions = replay.hasPositions;
  const note = (status: ReplayStatus, rest: Pick<KnownReplay, "counts" | "error"> = {}) =>
    rememberReplay(log, { definition, status, hasPositions, changedAtMs: clock.now(), ...rest });
  await assertSame(log, definition);
  if (hasPositions && (await readProgress(log, { id, topic: source.topic, ranges })) === undefined)
    throw progressLost(id);
  const matcher = matcherOf(definition, options.registry);
  await note("begun");
  try {
    const progress = await transfer({
      ...{ log, clock, id, ranges, signal, onProgress, recordsPerSecond, topic: source.topic },
      select: (records) => matcher.select(records),
      target: await openTarget(options),
      onBegun: async () => {
        hasPositions = true;
        await note("begun");
      },
    });
    await note(isOver(definition, progress) ? "done" : "interrupted", { counts: progress.counts });
    return progress;
  } catch (error) {
    const { code, message } = error instanceof MulgilError ? error : { code: "UNEXPECTED", message: String(error) };
    // Whoever fenced it notes what becomes of it.
    if (code !== "REPLAY_FENCED") await note("failed", { error: { code, message } }).catch(() => undefined);
    throw error;
  }
}

export const isOver = ({ ranges }: ReplayDefinition, { positions }: TransferProgress): boolean =>
  ranges.every(({ partition, to }) => (positions.get(partition) ?? 0) >= to);

export function matcherOf(definition: ReplayDefinition, registry: SchemaRegistry): RecordMatcher {
  const { filter, keyType, source, target } = definition;
  const origins = new Set(target.kind === "topic" ? [source.topic, target.topic] : [source.topic]);
  return new RecordMatcher({ filter, keyType, registry, origins });
}

async function openTarget({ log, replay, linesOf }: RunReplayOptions): Promise<TransferTarget> {
  const { definition } = replay;
  const { source, target } = definition;
  if (target.kind === "file")
    return fileTarget({ path: target.path, linesOf: (records) => linesOf(records, target.format) });
  const { topic, kind } = target;
  const found = (await log.describeTopics()).find((each) => each.topic === topic);
  if (found === undefined)
    throw new MulgilError(`topic "${topic}" is not there any more, and replay "${definition.id}" writes to it`, {
      code: "TOPIC_UNKNOWN",
      context: { topic },
    });
  return topicTarget({
    ...{ topic, partitions: found.partitions, sourcePartitions: source.partitions },
    convert: (record) => replayed(record, definition, kind === "topic"),
  });
}

/** A job knows a record by its place in the source; in a topic, one that was replayed before is known by where it first lay. */
function replayed(
  { topic, partition, offset, key, value, timestampMs, headers }: TransferRecord,
  { id, hasEffects }: ReplayDefinition,
  keepsOrigin: boolean,
): ProducerRecord {
  const place = { topic, partition, offset };
  const from = keepsOrigin ? (replayedFrom(headers) ?? place) : place;
  // That a former replay was to have effects says nothing of this one.
  const { [REPLAY_HEADERS.effects]: _, ...own } = headers ?? {};
  return { key, value, timestampMs, headers: { ...own, ...replayHeaders({ id, from, hasEffects }) } };
}

async function assertSame(log: LogAccess, { id, source }: ReplayDefinition): Promise<void> {
  const found = (await log.describeTopics()).find(({ topic }) => topic === source.topic);
  if (found?.incarnation === source.incarnation) return;
  throw new MulgilError(
    `topic "${source.topic}" was deleted${found === undefined ? "" : " and made again"} after replay "${id}" had begun: its offsets mean nothing any more. Begin another replay`,
    { code: "REPLAY_SOURCE_REPLACED", context: { topic: source.topic } },
  );
}
