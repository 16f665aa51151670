import type { LogAccess } from "../../runtime/log/port.ts";
import { type KnownReplay, readReplays } from "../../runtime/ops/replay/replay-store.ts";
import { readProgress, type TransferCounts } from "../../runtime/ops/transfer/progress.ts";
import { table } from "../output/table.ts";
import { percentText, targetText } from "./replay-text.ts";

/** A replay as `mulgil replay ls` shows it. */
export interface ListedReplay {
  readonly id: string;
  readonly status: KnownReplay["status"];
  readonly source: string;
  readonly target: string;
  readonly progress: string;
  readonly counts: TransferCounts | undefined;
  readonly effects: boolean;
  readonly where: string | undefined;
  readonly created: string;
  readonly changed: string;
  readonly error: KnownReplay["error"];
}

export async function listReplays(log: LogAccess): Promise<readonly ListedReplay[]> {
  return await Promise.all((await readReplays(log)).map((replay) => listed(log, replay)));
}

async function listed(log: LogAccess, replay: KnownReplay): Promise<ListedReplay> {
  const { definition, status, changedAtMs, error } = replay;
  const { id, source, ranges, target, hasEffects, filter, createdAtMs } = definition;
  const isThere = (await log.describeTopics()).some(({ topic }) => topic === source.topic);
  const progress =
    status === "done" || !isThere
      ? undefined
      : await readProgress(log, { id, topic: source.topic, ranges }).catch(() => undefined);
  return {
    ...{ id, status, error, source: source.topic, target: targetText(target) },
    progress: status === "done" ? "100%" : percentText(definition, progress?.positions),
    counts: progress?.counts ?? replay.counts,
    effects: hasEffects,
    where: filter.where,
    created: new Date(createdAtMs).toISOString(),
    changed: new Date(changedAtMs).toISOString(),
  };
}

export const replaysTable = (all: readonly ListedReplay[]): string =>
  all.length === 0
    ? "nothing has been replayed here yet"
    : table(
        ["id", "status", "source", "target", "progress", "written", "begun"],
        all.map(({ id, status, source, target, progress, counts, created }) => [
          ...[id, status, source, target, progress],
          ...[counts === undefined ? "" : counts.written.toLocaleString("en-US"), created],
        ]),
        ["progress", "written"],
      );
