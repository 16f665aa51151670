import type { Verification } from "../../runtime/ops/state/verifications.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { ProcessIdentity } from "../../runtime/worker/member-status.ts";
import { messageOf } from "../output/problem.ts";
import { WorkProgress } from "../output/work-progress.ts";
import { type Ownership, ofTask, ownersOfPart, type TaskOwner } from "./owners.ts";
import { revealRequest } from "./shown-state.ts";
import type { StoreOfJob } from "./store-of-job.ts";
import type { VerifiedStore, VerifyRequest } from "./verified-store.ts";
import { storePath } from "./worker-request.ts";

const LOOK_EVERY_MS = 200;

/** Has the workers of a job verify its stores: each one after the other, all workers at the same time. */
export async function verifyRunning(
  stores: readonly StoreOfJob[],
  ownership: Ownership,
  request: VerifyRequest,
): Promise<readonly VerifiedStore[]> {
  const wanted = stores.flatMap(({ part, planned }) =>
    ownersOfPart(ownership, part)
      .filter(({ task }) => (request.task ?? task) === task)
      .map((owner) => ({ store: planned.name, owner })),
  );
  if (request.task !== undefined) ofTask(ownership.owners, request.task);
  const byWorker = Map.groupBy(wanted, ({ owner }) => owner.process?.address);
  const done = new Map<string, VerifiedStore>();
  const keyOf = (store: string, task: string) => `${store}/${task}`;
  await Promise.all(
    [...byWorker.values()].map(async (queue) => {
      for (const { store, owner } of queue) done.set(keyOf(store, owner.task), await verifyOne(store, owner, request));
    }),
  );
  return wanted.map(({ store, owner }) => done.get(keyOf(store, owner.task))!);
}

async function verifyOne(store: string, owner: TaskOwner, request: VerifyRequest): Promise<VerifiedStore> {
  const { task, process, problem } = owner;
  if (process === undefined) return { store, task, problem };
  try {
    const ended = await verification(process, store, task, request);
    return ended.status === "done"
      ? { store, task, report: ended.report }
      : { store, task, problem: ended.error.message };
  } catch (error) {
    request.signal.throwIfAborted();
    return { store, task, problem: messageOf(error) };
  }
}

async function verification(
  process: ProcessIdentity,
  store: string,
  task: string,
  { job, recordsPerSecond, showing, ask, signal }: VerifyRequest,
): Promise<Extract<Verification, { status: "done" | "failed" }>> {
  signal.throwIfAborted();
  const path = `${storePath(job, store)}/tasks/${encodeURIComponent(task)}/verifications`;
  const { reveal: reveals, ...told } = revealRequest(showing);
  const body = { recordsPerSecond, ...(reveals && { reveals, ...told }) };
  let standing = await ask<Verification>(process, path, { body });
  const own = `/verifications/${standing.id}`;
  const progress = new WorkProgress(`of ${store} in ${task} verified`);
  try {
    while (standing.status === "waiting" || standing.status === "running") {
      await systemClock.sleep(LOOK_EVERY_MS, signal);
      signal.throwIfAborted();
      standing = await ask<Verification>(process, own);
      if (standing.status === "running" && standing.progress !== undefined)
        progress.show(standing.progress.done, standing.progress.total);
    }
    return standing;
  } catch (error) {
    // It would go on for half a minute; whoever gives up does not wait for that to be understood.
    if (signal.aborted) await ask(process, `${own}/cancel`, { body: {} }).catch(() => undefined);
    throw error;
  } finally {
    progress.close();
  }
}
