import { existsSync } from "node:fs";
import type { Plan } from "../../runtime/plan/plan.ts";
import { type Deployment, readDeployments } from "../../runtime/worker/deployments.ts";
import { readPlans } from "../../runtime/worker/remembered-plans.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { engine } from "../environment/engine.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { loadJobs } from "./load-jobs.ts";

/** A plan, and where it is from. */
export interface WantedPlan {
  readonly plan: Plan;
  /** "file": as the job is written now. "deployed": as it was registered. "ran": of one that somebody has run without deploying it. */
  readonly from: "file" | "deployed" | "ran";
  readonly deployment?: Deployment;
}

/**
 * The plans of what people name: job files, which are compiled, and names of jobs, whose plans are read from the log.
 * @throws {DefinitionError | ConfigError} if a job is wrong
 * @throws {MulgilError} JOB_FILE_…, JOB_UNKNOWN, DATA_DIR_MISSING
 */
export async function wantedPlans(named: readonly string[], where: LogLocation): Promise<readonly WantedPlan[]> {
  const files = named.filter(isFile);
  const names = named.filter((each) => !isFile(each));
  const { compile } = await engine();
  const compiled = files.length === 0 ? [] : (await loadJobs(files)).flatMap(({ jobs }) => jobs).map(compile);
  const known = names.length === 0 ? [] : await knownPlans(names, where);
  return [...compiled.map((plan): WantedPlan => ({ plan, from: "file" })), ...known];
}

/** A name of a job has dots, maybe, but no slash and no ending of a program. */
const isFile = (named: string): boolean =>
  /[/\\]|\.[cm]?[jt]s$/.test(named) || (existsSync(named) && !/^[\w-]+$/.test(named));

async function knownPlans(names: readonly string[], where: LogLocation): Promise<readonly WantedPlan[]> {
  assertLogExists(where);
  const [deployments, ran] = await withLog(
    where,
    async ({ log }) => [await readDeployments(log), await readPlans(log)] as const,
  );
  return names.map((name) => {
    const deployment = deployments.get(name);
    if (deployment !== undefined) return { plan: deployment.plan, from: "deployed", deployment };
    const plan = ran.get(name);
    if (plan !== undefined) return { plan, from: "ran" };
    throw unknown(name, [...new Set([...deployments.keys(), ...ran.keys()])].sort());
  });
}

const unknown = (name: string, known: readonly string[]): MulgilError =>
  new MulgilError(
    `no job "${name}" was deployed or has run here: there is ${known.length === 0 ? "none" : known.join(", ")}; a job file is named with its ending, like ${name}.ts`,
    { code: "JOB_UNKNOWN" },
  );
