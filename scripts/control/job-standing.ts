import type { LogAccess } from "../../runtime/log/port.ts";
import { type Addressee, addresseesOf, forgottenReports } from "../../runtime/ops/addressees.ts";
import { forgetReports, readControl } from "../../runtime/ops/control.ts";
import { describeMembers } from "../../runtime/ops/job-overview.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { WantedState } from "../../runtime/worker/control-records.ts";
import { readPlans } from "../../runtime/worker/remembered-plans.ts";
import { assertJobKnown } from "../environment/known-jobs.ts";

/** What an order for a job finds. */
export interface JobStanding {
  readonly job: string;
  /** Undefined: nobody ever wanted anything, and it runs. */
  readonly wanted: WantedState | undefined;
  readonly addressees: readonly Addressee[];
}

/** @throws {MulgilError} JOB_UNKNOWN */
export async function standingOf(log: LogAccess, job: string): Promise<JobStanding> {
  assertJobKnown(job, [...(await readPlans(log)).keys()].sort());
  const members = await describeMembers(log, job);
  const { wanted, reports } = await readControl(log);
  const nowMs = systemClock.now();
  const forgotten = forgottenReports(job, members, reports, nowMs);
  if (forgotten.length > 0) await forgetReports(log, forgotten, nowMs);
  return { job, wanted: wanted.get(job), addressees: addresseesOf(job, members, reports, nowMs) };
}

/** "2 workers in 1 process" */
export function countOf(addressees: readonly Addressee[]): string {
  const workers = addressees.reduce((sum, { memberIds }) => sum + Math.max(1, memberIds.length), 0);
  const processes = new Set(addressees.map(({ process, host, pid }) => process ?? `${host}:${pid}`)).size;
  return `${plural(workers, "worker")} in ${plural(processes, "process", "processes")}`;
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
