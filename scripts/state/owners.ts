import type { LogAccess } from "../../runtime/log/port.ts";
import { ownersOf, processOf } from "../../runtime/ops/job-overview.ts";
import type { Plan, SubTopology } from "../../runtime/plan/plan.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { ProcessIdentity } from "../../runtime/worker/member-status.ts";
import { tasksOf } from "../../runtime/worker/task-assignor.ts";
import { parseTaskId } from "../../runtime/worker/task-id.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";

/** A task, and where it is. */
export interface TaskOwner {
  readonly task: string;
  readonly part: string;
  readonly partition: number;
  /** Where its worker answers; undefined if nobody has it, or whoever has it does not say where. */
  readonly process: ProcessIdentity | undefined;
  /** Why nobody can be asked. */
  readonly problem: string;
}

export interface Ownership {
  readonly isStopped: boolean;
  readonly owners: readonly TaskOwner[];
}

/** A group that is rebalancing tells nothing of its members; mostly that is over in a moment. */
const SETTLES_MAX_MS = 5_000;
const LOOK_EVERY_MS = 200;

/** Who has the tasks of a job, as its group says now. */
export async function taskOwners(log: LogAccess, plan: Plan): Promise<Ownership> {
  const giveUpAtMs = systemClock.now() + SETTLES_MAX_MS;
  let group = await log.describeGroup(plan.job);
  while (group.status === "rebalancing" && systemClock.now() < giveUpAtMs) {
    await systemClock.sleep(LOOK_EVERY_MS);
    group = await log.describeGroup(plan.job);
  }
  const partitionCounts = new Map((await log.describeTopics()).map(({ topic, partitions }) => [topic, partitions]));
  const byPartition = ownersOf(group.members);
  const processes = new Map(group.members.map(({ memberId, userData }) => [memberId, processOf(userData)]));
  const owners = tasksOf(plan, partitionCounts).map(({ id, part, inputs }): TaskOwner => {
    const owner = inputs.map(({ topic, partition }) => byPartition.get(`${topic}/${partition}`)).find(Boolean);
    return {
      ...{ task: id, part, partition: parseTaskId(id).partition },
      process: owner === undefined ? undefined : processes.get(owner),
      problem:
        group.status === "rebalancing"
          ? "the workers are dividing the tasks"
          : owner === undefined
            ? "no worker has it"
            : "its worker has not said where it answers",
    };
  });
  return { isStopped: group.status === "empty", owners };
}

/** Of a part of the job: the tasks that have a store. */
export const ownersOfPart = ({ owners }: Ownership, part: SubTopology): readonly TaskOwner[] =>
  owners.filter((owner) => owner.part === part.name);

/** @throws {MulgilError} STATE_JOB_STOPPED */
export function assertRuns({ isStopped }: Ownership, job: string): void {
  if (!isStopped) return;
  throw new MulgilError(
    `job "${job}" does not run, so nobody can be asked for its state: --from-changelog reads it from the log`,
    { code: "STATE_JOB_STOPPED", context: { job } },
  );
}

/** @throws {MulgilError} STATE_TASK_UNKNOWN */
export function ofTask(owners: readonly TaskOwner[], task: string | undefined): readonly TaskOwner[] {
  if (task === undefined) return owners;
  const found = owners.filter((owner) => owner.task === task);
  if (found.length > 0) return found;
  throw new MulgilError(`there is no task "${task}": there is ${owners.map((owner) => owner.task).join(", ")}`, {
    code: "STATE_TASK_UNKNOWN",
  });
}
