import type { StateDisk } from "../../../state/disk.ts";
import type { CommittedEntries } from "../../../state/store.ts";
import { type VerifyProgress, type VerifyResult, verifyStore } from "../../../state/verify-store.ts";
import type { LogAccess } from "../../log/port.ts";
import { openPlannedStore } from "../../operators/open-store.ts";
import type { StoreOfStep } from "../../operators/store-codecs.ts";
import type { Plan, PlannedStore } from "../../plan/plan.ts";
import type { Clock } from "../../time/clock.ts";
import { openChangelogReader } from "../../worker/changelog-reader.ts";
import { STATE_AGES } from "../../worker/task-stores.ts";

export interface VerifyTaskStoreOptions {
  readonly log: LogAccess;
  readonly clock: Clock;
  /** Where the replica is built and removed: for the time it takes, the store needs its space twice. */
  readonly disk: StateDisk;
  readonly plan: Plan;
  readonly task: string;
  readonly partition: number;
  readonly of: StoreOfStep & { readonly planned: PlannedStore };
  readonly committed: CommittedEntries;
  /** Of the changelog and of the store. */
  readonly recordsPerSecond: number;
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly signal: AbortSignal;
}

/** No job is called so: names begin with a letter or a digit. */
export const REPLICAS = ".verify";

/** Verifies a store of a task: see `verifyStore`. */
export async function verifyTaskStore(options: VerifyTaskStoreOptions): Promise<VerifyResult> {
  const { log, clock, disk, plan, task, partition, of, committed, signal, onProgress } = options;
  const { planned } = of;
  const changelog = { topic: planned.changelog, partition };
  const incarnation = (await log.describeTopics()).find(({ topic }) => topic === changelog.topic)?.incarnation ?? "";
  const path = `${REPLICAS}/${plan.job}/${task}/${planned.name}`;
  // A verification that was killed has left it.
  await disk.remove(path);
  try {
    return await verifyStore({
      store: committed,
      openReader: (upTo) => openChangelogReader(log, changelog, incarnation, upTo),
      openReplica: async () => await openPlannedStore({ ...of, database: await disk.open(path) }),
      expiredBefore: expiryOf(planned),
      ...{ nowMs: clock.now(), ...STATE_AGES, signal },
      expires: plan.topics.find(({ topic }) => topic === changelog.topic)?.cleanupPolicy !== "compact",
      pace: pacer(clock, options.recordsPerSecond, signal),
      ...(onProgress !== undefined && { onProgress }),
    });
  } finally {
    await disk.remove(path);
  }
}

/** As a restore drops them. */
function expiryOf({ kind, retentionMs }: PlannedStore): ((streamTimeMs: number) => number) | undefined {
  if (kind !== "window") return undefined;
  return (streamTimeMs) => (retentionMs === null ? -Infinity : streamTimeMs - retentionMs + 1);
}

/** So short waits are saved up. */
const WAIT_MIN_MS = 10;

function pacer(clock: Clock, perSecond: number, signal: AbortSignal): (entries: number) => Promise<void> {
  let freeAtMs = clock.now();
  return async (entries) => {
    const nowMs = clock.now();
    freeAtMs = Math.max(freeAtMs, nowMs) + (entries * 1_000) / perSecond;
    if (freeAtMs - nowMs >= WAIT_MIN_MS) await clock.sleep(freeAtMs - nowMs, signal);
  };
}
