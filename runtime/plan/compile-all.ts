import type { Job } from "../dsl/define-job.ts";
import { ConfigError, DefinitionError, type Issue } from "../errors/errors.ts";
import { compile } from "./compile.ts";
import type { Plan } from "./plan.ts";

/** The plans of several jobs, in their order. @throws {DefinitionError | ConfigError} with the mistakes of all of them */
export function compileAll(jobs: readonly Job[]): readonly Plan[] {
  const issues: Issue[] = [];
  const plans: Plan[] = [];
  for (const job of jobs) {
    try {
      plans.push(compile(job));
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
      if (jobs.length === 1) throw error;
      issues.push(...error.issues.map((issue) => ({ ...issue, at: `${job.name}: ${issue.at}` })));
    }
  }
  if (issues.length > 0) throw new ConfigError("some jobs have mistakes:", issues);
  return plans;
}
