import type { LogAccess } from "../../runtime/log/port.ts";
import type { Plan } from "../../runtime/plan/plan.ts";
import { readPlans } from "../../runtime/worker/remembered-plans.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";

/** The plan that a job last ran by. @throws {MulgilError} JOB_UNKNOWN */
export async function knownPlan(log: LogAccess, job: string): Promise<Plan> {
  const plans = await readPlans(log);
  const found = plans.get(job);
  if (found !== undefined) return found;
  const known = [...plans.keys()].sort().join(", ");
  throw new MulgilError(`no job "${job}" has ever run here: there is ${known === "" ? "none" : known}`, {
    code: "JOB_UNKNOWN",
  });
}
