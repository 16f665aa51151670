import type { LogAccess } from "../../runtime/log/port.ts";
import type { StoreReport } from "../../runtime/ops/state/local-state.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { knownPlan } from "../environment/known-jobs.ts";
import { messageOf } from "../output/problem.ts";
import { type TaskOwner, taskOwners } from "./owners.ts";
import { storesOf } from "./store-of-job.ts";
import { type AskWorker, LONG_ANSWER_MAX_MS, queryOf } from "./worker-request.ts";

/** A store of a task, as its worker and the log know it. What nobody says is absent. */
export interface StoreSize {
  readonly store: string;
  readonly kind: string;
  readonly task: string;
  /** Live ones, committed. */
  readonly entries?: number;
  readonly bytesOnDisk?: number;
  readonly changelog: {
    readonly topic: string;
    readonly startOffset: number;
    readonly endOffset: number;
    /** Offsets between the two: compaction leaves holes, and transactions end in markers, so that it holds fewer records. */
    readonly offsets: number;
  };
  readonly checkpoint?: {
    readonly nextOffset: number;
    /** Offsets of the changelog that a restart would replay. */
    readonly behind: number;
    readonly ageMs: number;
  };
  /** Why its worker says nothing. */
  readonly problem?: string;
}

/** How large the stores of a job are. `counts`: also how many entries they have, which reads all of them. */
export async function storeSizes(
  log: LogAccess,
  ask: AskWorker,
  { job, counts }: { readonly job: string; readonly counts: boolean },
): Promise<readonly StoreSize[]> {
  const plan = await knownPlan(log, job);
  const { owners, isStopped } = await taskOwners(log, plan);
  const stores = storesOf(plan).flatMap(({ planned, part }) =>
    owners.filter((owner) => owner.part === part.name).map((owner) => ({ planned, owner })),
  );
  const changelogs = stores.map(({ planned, owner }) => ({ topic: planned.changelog, partition: owner.partition }));
  const starts = await log.listOffsets(changelogs, "earliest", "read_committed");
  const ends = await log.listOffsets(changelogs, "latest", "read_committed");
  const sizes: StoreSize[] = [];
  for (const [at, { planned, owner }] of stores.entries()) {
    const [startOffset, endOffset] = [starts[at]!.offset, ends[at]!.offset];
    const told = isStopped
      ? "the job does not run"
      : await reportOf(
          ask,
          owner,
          `/jobs/${encodeURIComponent(job)}/stores${queryOf({ task: owner.task, store: planned.name, counts })}`,
        );
    sizes.push({
      ...{ store: planned.name, kind: planned.kind, task: owner.task },
      changelog: { topic: planned.changelog, startOffset, endOffset, offsets: endOffset - startOffset },
      ...(typeof told === "string" ? { problem: told } : ofReport(told, endOffset)),
    });
  }
  return sizes;
}

async function reportOf(ask: AskWorker, { process, problem }: TaskOwner, path: string): Promise<StoreReport | string> {
  if (process === undefined) return problem;
  try {
    const { stores } = await ask<{ readonly stores: readonly StoreReport[] }>(process, path, {
      answerMaxMs: LONG_ANSWER_MAX_MS,
    });
    return stores[0] ?? "it is on its way to another worker";
  } catch (error) {
    return messageOf(error);
  }
}

function ofReport({ status, entries, bytesOnDisk, checkpoint }: StoreReport, endOffset: number) {
  return {
    bytesOnDisk,
    ...(entries !== undefined && { entries }),
    ...(checkpoint !== undefined && {
      checkpoint: {
        nextOffset: checkpoint.nextOffset,
        behind: Math.max(0, endOffset - checkpoint.nextOffset),
        ageMs: Math.max(0, systemClock.now() - checkpoint.writtenAtMs),
      },
    }),
    ...(status !== "running" && { problem: `it is ${status}` }),
  };
}
