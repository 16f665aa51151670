import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { LogAccess } from "../../runtime/log/port.ts";
import type { EntryMask } from "../../runtime/operators/entry-mask.ts";
import { assertAskable, type EntryQuery, selectEntries } from "../../runtime/operators/entry-query.ts";
import { entryReader } from "../../runtime/operators/entry-reader.ts";
import { openPlannedStore } from "../../runtime/operators/open-store.ts";
import type { StoreOfStep } from "../../runtime/operators/store-codecs.ts";
import { readPage } from "../../runtime/ops/state/page.ts";
import type { Plan, PlannedStore } from "../../runtime/plan/plan.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { openChangelogReader } from "../../runtime/worker/changelog-reader.ts";
import { dropExpired, STATE_AGES } from "../../runtime/worker/task-stores.ts";
import { levelDisk } from "../../state/level-disk.ts";
import { restoreStore } from "../../state/restore.ts";
import { WorkProgress } from "../output/work-progress.ts";
import type { FoundEntry } from "./found-entries.ts";
import type { TaskOwner } from "./owners.ts";

const PAGE = 500;

/**
 * The entries that a restore of a task's store would bring now, out of one: it is made in a folder for the owner only, which is removed afterwards. So the
 * memory is bounded, and the disk holds what the store does.
 */
export async function* replicaPages(options: {
  readonly log: LogAccess;
  readonly plan: Plan;
  readonly of: StoreOfStep & { readonly planned: PlannedStore };
  /** What of it may be shown. */
  readonly mask: EntryMask;
  readonly owner: TaskOwner;
  readonly query: EntryQuery;
  readonly signal: AbortSignal;
}): AsyncGenerator<readonly FoundEntry[]> {
  const { of, mask, owner, query } = options;
  const selection = selectEntries(of, query);
  assertAskable(of.planned.name, query, mask);
  const folder = await mkdtemp(path.join(tmpdir(), "mulgil-state-"));
  try {
    const database = await levelDisk(folder).open("replica");
    const store = await openPlannedStore({ ...of, database });
    try {
      await restore(options, store);
      dropExpired(of.planned, store);
      // The bound of what has expired becomes visible to readers with a commit.
      store.seal();
      await store.applySealed(store.checkpoint!);
      const read = entryReader(of, mask);
      let after: Buffer | undefined;
      do {
        const page = await readPage({
          ...{ committed: store.committed, isWindowed: of.planned.kind === "window" },
          ...{ selection, read, after, entriesMax: PAGE },
        });
        if (page.entries.length > 0) yield page.entries.map((entry) => ({ task: owner.task, ...entry }));
        after = page.next;
      } while (after !== undefined);
    } finally {
      await store.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function restore(
  { log, plan, of, owner, signal }: Parameters<typeof replicaPages>[0],
  store: Awaited<ReturnType<typeof openPlannedStore>>,
): Promise<void> {
  const changelog = { topic: of.planned.changelog, partition: owner.partition };
  const reader = await openChangelogReader(log, changelog, "");
  const progress = new WorkProgress(`changelog records of ${owner.task} read`);
  try {
    await restoreStore({
      ...{ store, reader, signal, nowMs: systemClock.now(), ...STATE_AGES },
      expires: plan.topics.find(({ topic }) => topic === changelog.topic)?.cleanupPolicy !== "compact",
      onProgress: ({ done, total }) => progress.show(done, total),
    });
  } finally {
    progress.close();
    await reader.close();
  }
}
