import type { GroupDescription, LogAccess } from "../log/port.ts";
import type { Plan } from "../plan/plan.ts";
import { type Deployment, readDeployments } from "../worker/deployments.ts";
import { readPlans } from "../worker/remembered-plans.ts";
import { tasksOf } from "../worker/task-assignor.ts";

/** A job that was deployed, or has run, or both. */
export interface KnownJob {
  readonly job: string;
  /** Undefined of one that somebody has run without deploying it. */
  readonly deployment: Deployment | undefined;
  /** The plan that it last ran by; undefined if it never ran. */
  readonly ran: Plan | undefined;
  /** Of the plan that is deployed, else of the one that ran: given the partitions that there are. */
  readonly tasks: number;
  readonly group: GroupDescription["status"];
  readonly members: number;
}

/** By name. */
export async function knownJobs(log: LogAccess): Promise<readonly KnownJob[]> {
  const [deployments, plans] = [await readDeployments(log), await readPlans(log)];
  const partitionCounts = new Map((await log.describeTopics()).map(({ topic, partitions }) => [topic, partitions]));
  const names = [...new Set([...deployments.keys(), ...plans.keys()])].sort();
  return await Promise.all(
    names.map(async (job): Promise<KnownJob> => {
      const [deployment, ran] = [deployments.get(job), plans.get(job)];
      const { status, members } = await log.describeGroup(job);
      const tasks = tasksOf((deployment?.plan ?? ran)!, partitionCounts).length;
      return { job, deployment, ran, tasks, group: status, members: members.length };
    }),
  );
}
