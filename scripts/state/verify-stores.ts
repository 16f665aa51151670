import { knownPlan } from "../environment/known-jobs.ts";
import type { LogLocation, OpenLog } from "../environment/open-log.ts";
import { auditReveal } from "../reveal/reveal.ts";
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
  request: VerifyRequest,
): Promise<readonly VerifiedStore[]> {
  const plan = await knownPlan(open.log, request.job);
  const stores = request.store === undefined ? storesOf(plan) : [storeOf(plan, request.store)];
  const ownership = await taskOwners(open.log, plan);
  // Workers write to the audit trail themselves.
  if (!ownership.isStopped) return await verifyRunning(stores, ownership, request);
  const target = request.store === undefined ? "" : `, store ${request.store}`;
  await auditReveal(open.log, `job ${request.job}${target}, what differs`, request.showing);
  return await verifyStopped(open, where, stores, request);
}
