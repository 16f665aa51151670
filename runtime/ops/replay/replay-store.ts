import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { LogAccess, TopicSpec } from "../../log/port.ts";
import { readPartition } from "../../log/read-partition.ts";
import type { TransferCounts } from "../transfer/progress.ts";
import type { ReplayDefinition } from "./replay-definition.ts";

/** Every replay that was ever begun, by id: what `resume` and `ls` need, and nothing of the records. */
export const REPLAYS: TopicSpec = {
  topic: "mulgil.replays",
  partitions: 1,
  config: { cleanupPolicy: "compact", retentionMs: -1, deleteRetentionMs: 86_400_000 },
};

/**
 *   defined ──► begun ──► done
 *                 ├─────► interrupted ──► begun …
 *                 └─────► failed ──► begun …
 *
 * One that was killed stays "begun", as one that runs is.
 */
export type ReplayStatus = "defined" | "begun" | "interrupted" | "failed" | "done";

export interface KnownReplay {
  readonly definition: ReplayDefinition;
  readonly status: ReplayStatus;
  /** Its positions have been committed once: if there are none, they are lost. */
  readonly hasPositions: boolean;
  readonly changedAtMs: number;
  /** As of the last change of its status. */
  readonly counts?: TransferCounts;
  /** Why it failed. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** All of them, the oldest first. */
export async function readReplays(log: LogAccess): Promise<readonly KnownReplay[]> {
  if (!(await hasReplays(log))) return [];
  const found = new Map<string, KnownReplay>();
  for (const { key, value } of await readPartition(log, { topic: REPLAYS.topic, partition: 0 })) {
    if (key !== null && value !== null) found.set(key.toString(), JSON.parse(value.toString()) as KnownReplay);
  }
  return [...found.values()].sort((left, right) => left.definition.createdAtMs - right.definition.createdAtMs);
}

/** @throws {MulgilError} REPLAY_UNKNOWN */
export async function knownReplay(log: LogAccess, id: string): Promise<KnownReplay> {
  const all = await readReplays(log);
  const found = all.find(({ definition }) => definition.id === id);
  if (found !== undefined) return found;
  const last = all.slice(-5).map(({ definition }) => definition.id);
  throw new MulgilError(
    `there is no replay "${id}": ${last.length === 0 ? "none was ever begun here" : `the last ones are ${last.join(", ")}`} (mulgil replay ls)`,
    { code: "REPLAY_UNKNOWN" },
  );
}

/** When it resolves the replay survives a crash. */
export async function rememberReplay(log: LogAccess, replay: KnownReplay): Promise<void> {
  if (!(await hasReplays(log))) await log.ensureTopics([REPLAYS]);
  const key = Buffer.from(replay.definition.id);
  const value = Buffer.from(JSON.stringify(replay));
  await log.produce([
    { topic: REPLAYS.topic, partition: 0, records: [{ key, value, timestampMs: replay.changedAtMs }] },
  ]);
}

async function hasReplays(log: LogAccess): Promise<boolean> {
  return (await log.describeTopics()).some(({ topic }) => topic === REPLAYS.topic);
}
