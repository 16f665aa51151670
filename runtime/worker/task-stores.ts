import { MulgilError } from "../../schemas/mulgil-error.ts";
import { restoreStore } from "../../state/restore.ts";
import type { Store, WindowStore } from "../../state/store.ts";
import { isInputsStore } from "../dsl/call-stores.ts";
import { openPlannedStore } from "../operators/open-store.ts";
import type { PlannedStore } from "../plan/plan.ts";
import { openChangelogReader } from "./changelog-reader.ts";
import type { CommittedStore } from "./commit.ts";
import type { JobRuntime } from "./job-runtime.ts";
import { restoreStatus } from "./restore-progress.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

/** Of the changelog topics; a checkpoint older than this less the margin may have missed tombstones that are gone. */
const DELETE_RETENTION_MS = 7 * 86_400_000;
const CHECKPOINT_MARGIN_MS = 3_600_000;
/** As a restore judges by them. */
export const STATE_AGES = { deleteRetentionMs: DELETE_RETENTION_MS, marginMs: CHECKPOINT_MARGIN_MS };
/** What was last written so long ago is not trusted by any start. */
export const STATE_TRUSTED_MS = DELETE_RETENTION_MS - CHECKPOINT_MARGIN_MS;
/** How long a task waits for its directory: the former owner is still closing it. */
const LOCK_WAIT_MS = 30_000;
const LOCK_RETRY_MS = 50;

export interface OpenStoresOptions {
  readonly runtime: JobRuntime;
  readonly environment: WorkerEnvironment;
  readonly task: string;
  readonly partition: number;
  readonly stores: readonly PlannedStore[];
  readonly incarnations: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
  /** They opened before, and could then not be read: they are moved aside all the same. */
  readonly areSuspect: boolean;
}

/**
 * Opens the stores of a task and restores each up to the end of its changelog. A directory that cannot be used is moved aside and built
 * anew. If one fails, those already open are closed.
 */
export async function openStores(options: OpenStoresOptions): Promise<readonly CommittedStore[]> {
  const opened: CommittedStore[] = [];
  try {
    for (const planned of options.stores) opened.push(await openRestored(options, planned));
    return opened;
  } catch (error) {
    await Promise.allSettled(opened.map(({ store }) => store.close()));
    throw error;
  }
}

async function openRestored(options: OpenStoresOptions, planned: PlannedStore): Promise<CommittedStore> {
  const { environment, partition } = options;
  const changelog = { topic: planned.changelog, partition };
  const incarnation = options.incarnations.get(planned.changelog)!;
  const path = `${options.runtime.job.name}/${options.task}/${planned.name}`;
  for (let attempt = 0; ; attempt++) {
    let store: Store | undefined;
    try {
      store = await openWhenFree(options, planned, path);
      if (options.areSuspect && attempt === 0) throw unreadable(path);
      await restore(options, planned, store, incarnation);
      const isLast = isInputsStore(options.runtime.nodes.get(planned.node), planned.name);
      return { store, changelog, incarnation, isLast };
    } catch (error) {
      await store?.close().catch(() => undefined);
      if (!(error instanceof MulgilError) || error.code !== "STATE_CORRUPTED" || attempt > 0) throw error;
      const aside = await environment.disk.quarantine(path, error.message);
      environment.onEvent({
        kind: "quarantined",
        job: options.runtime.job.name,
        task: options.task,
        store: planned.name,
        path: aside,
        reason: error.message,
      });
    }
  }
}

const unreadable = (path: string) =>
  new MulgilError(`state of the task of "${path}" could not be read while it ran: it is rebuilt`, {
    code: "STATE_CORRUPTED",
  });

async function openWhenFree(options: OpenStoresOptions, planned: PlannedStore, path: string): Promise<Store> {
  const { clock, disk } = options.environment;
  const node = options.runtime.nodes.get(planned.node)!;
  const keyCodec = options.runtime.keyCodecs.get(planned.node)!;
  const giveUpAtMs = clock.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      const database = await disk.open(path);
      return await openPlannedStore({ planned, node, database, keyCodec });
    } catch (error) {
      if (
        !(error instanceof MulgilError) ||
        error.code !== "STATE_LOCKED" ||
        clock.now() >= giveUpAtMs ||
        options.signal.aborted
      )
        throw error;
      await clock.sleep(LOCK_RETRY_MS, options.signal);
    }
  }
}

async function restore(
  options: OpenStoresOptions,
  planned: PlannedStore,
  store: Store,
  incarnation: string,
): Promise<void> {
  const { environment, runtime, task } = options;
  const names = { job: runtime.job.name, task, store: planned.name };
  const reader = await openChangelogReader(
    environment.log,
    { topic: planned.changelog, partition: options.partition },
    incarnation,
  );
  try {
    const nowMs = environment.clock.now();
    const { entries, reason } = await restoreStore({
      ...{ store, reader, nowMs, ...STATE_AGES },
      expires: expires(runtime, planned),
      signal: options.signal,
      onProgress: ({ done, total }) =>
        environment.onEvent({
          kind: "restoring",
          ...names,
          ...restoreStatus(done, total, environment.clock.now() - nowMs),
        }),
    });
    dropExpired(planned, store);
    runtime.metrics.restoredEntries += entries;
    environment.onEvent({ kind: "restored", ...names, entries, reason });
  } finally {
    await reader.close();
  }
}

const expires = ({ plan }: JobRuntime, { changelog }: PlannedStore): boolean =>
  plan.topics.find(({ topic }) => topic === changelog)!.cleanupPolicy !== "compact";

/** What had expired by the restored stream time does not come back. */
export function dropExpired(planned: PlannedStore, store: Store): void {
  if (planned.kind !== "window" || planned.retentionMs === null || store.streamTimeMs === -Infinity) return;
  (store as WindowStore<unknown, unknown>).expireBefore(store.streamTimeMs - planned.retentionMs + 1);
}
