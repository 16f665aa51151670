import type { LogAccess } from "../../runtime/log/port.ts";
import type { Plan } from "../../runtime/plan/plan.ts";
import { readPlans } from "../../runtime/worker/remembered-plans.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";

/** @throws {MulgilError} JOB_UNKNOWN */
export function assertJobKnown(name: string, known: readonly string[]): void {
  if (!known.includes(name)) throw unknownJob(name, known);
}

/** The plan that a job last ran by. @throws {MulgilError} JOB_UNKNOWN */
export async function knownPlan(log: LogAccess, job: string): Promise<Plan> {
  const plans = await readPlans(log);
  const found = plans.get(job);
  if (found === undefined) throw unknownJob(job, [...plans.keys()].sort());
  return found;
}

const unknownJob = (name: string, known: readonly string[]): MulgilError =>
  new MulgilError(`no job "${name}" has ever run here: there is ${known.length === 0 ? "none" : known.join(", ")}`, {
    code: "JOB_UNKNOWN",
  });
