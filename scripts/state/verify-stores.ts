import { randomUUID } from "node:crypto";
import { appendAudit } from "../../runtime/ops/audit.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { actor } from "../change/actor.ts";
import { reasonFor } from "../change/confirm.ts";
import { knownPlan } from "../environment/known-jobs.ts";
import type { LogLocation, OpenLog } from "../environment/open-log.ts";
import { taskOwners } from "./owners.ts";
import { storeOf, storesOf } from "./store-of-job.ts";
import type { VerifiedStore, VerifyRequest } from "./verified-store.ts";
import { verifyRunning } from "./verify-running.ts";
import { verifyStopped } from "./verify-stopped.ts";

/**
 * Verifies stores of a job: those of one that runs by its workers, those of one that does not in the data directory.
 * @throws {MulgilError} JOB_UNKNOWN, STATE_STORE_UNKNOWN, STATE_TASK_UNKNOWN, STATE_NOT_HERE, CHANGE_REASON_MISSING
 */
export async function verifyStores(
  open: OpenLog,
  where: LogLocation,
  request: VerifyRequest & { readonly why?: string },
): Promise<readonly VerifiedStore[]> {
  const plan = await knownPlan(open.log, request.job);
  const stores = request.store === undefined ? storesOf(plan) : [storeOf(plan, request.store)];
  if (request.reveals) await noteReveal(open, request);
  const ownership = await taskOwners(open.log, plan);
  return ownership.isStopped
    ? await verifyStopped(open, where, stores, request)
    : await verifyRunning(stores, ownership, request);
}

/** Before anything is shown. */
async function noteReveal({ log }: OpenLog, { job, store, why }: Parameters<typeof verifyStores>[2]): Promise<void> {
  await appendAudit(log, {
    ...{ id: randomUUID(), atMs: systemClock.now(), by: actor(), outcome: "done", why: await reasonFor(why) },
    action: "state verify --reveal",
    target: `job ${job}${store === undefined ? "" : `, store ${store}`}`,
  });
}
