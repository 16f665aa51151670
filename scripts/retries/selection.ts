import type { LogAccess } from "../../runtime/log/port.ts";
import type { WaitingSelection } from "../../runtime/ops/waiting-overview.ts";
import { callSteps } from "../../runtime/ops/waiting-records.ts";
import type { Plan } from "../../runtime/plan/plan.ts";
import { readPlans } from "../../runtime/worker/remembered-plans.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";

interface Options {
  readonly step?: string;
  readonly institution?: string;
  readonly key?: string;
}

export const waitingSelection = ({ step, institution, key }: Options): WaitingSelection => ({
  ...{ step, resource: institution, key },
});

/** In words, for the audit trail; without the key. */
export function selectionText({ step, institution, key }: Options): string {
  const parts = [
    ...(step === undefined ? [] : [`step ${step}`]),
    ...(institution === undefined ? [] : [`institution ${institution}`]),
    ...(key === undefined ? [] : ["key …"]),
  ];
  return parts.length === 0 ? "all" : parts.join(", ");
}

/** Of the jobs that call institutions, by name. */
export async function plansWithCalls(log: LogAccess): Promise<readonly Plan[]> {
  const plans = [...(await readPlans(log)).values()].filter((plan) => callSteps(plan).length > 0);
  return plans.sort((left, right) => (left.job < right.job ? -1 : 1));
}

/** @throws {MulgilError} CIRCUITS_JOB_UNKNOWN */
export async function planWithCalls(log: LogAccess, job: string): Promise<Plan> {
  const plans = await plansWithCalls(log);
  const plan = plans.find((each) => each.job === job);
  if (plan !== undefined) return plan;
  const known = plans.map((each) => each.job).join(", ");
  throw new MulgilError(`no job "${job}" calls institutions here: there is ${known === "" ? "none" : known}`, {
    code: "CIRCUITS_JOB_UNKNOWN",
  });
}
