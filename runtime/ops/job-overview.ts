import type { DescribedMember, GroupDescription, LogAccess, TopicPartition } from "../log/port.ts";
import type { Plan } from "../plan/plan.ts";
import { type InputPosition, inputPositions } from "../worker/input-positions.ts";
import { decodeMemberData, type ToldMemberData } from "../worker/member-data.ts";
import type { ProcessIdentity } from "../worker/member-status.ts";
import { readPlans } from "../worker/remembered-plans.ts";
import { tasksOf } from "../worker/task-assignor.ts";

/** What the log knows of a job: all but what goes on inside its workers. */
export interface JobOverview {
  readonly job: string;
  /** The one that ran last. */
  readonly plan: Plan;
  /** Of that plan. */
  readonly version: number;
  readonly group: GroupDescription["status"];
  readonly members: readonly MemberOverview[];
  readonly tasks: readonly TaskOverview[];
}

export interface MemberOverview {
  readonly memberId: string;
  /** As the log sees it; "" where that is in the same process. */
  readonly connectsFrom: string;
  /** Where it says that it runs; undefined while the group is rebalancing, and for strangers in the group. */
  readonly process: ProcessIdentity | undefined;
  /** The plan that it would run tasks by; undefined where nothing is known of it. */
  readonly plan: { readonly version: number; readonly hash: string } | undefined;
}

export interface TaskOverview {
  readonly task: string;
  /** The member that has it; undefined if none does. */
  readonly memberId: string | undefined;
  readonly inputs: readonly InputPosition[];
}

/** All jobs that ever ran on the log, by name, as the log knows them: also while their workers do not answer. */
export async function describeJobs(log: LogAccess): Promise<readonly JobOverview[]> {
  const plans = [...(await readPlans(log)).values()].sort((left, right) => (left.job < right.job ? -1 : 1));
  const partitionCounts = new Map((await log.describeTopics()).map(({ topic, partitions }) => [topic, partitions]));
  return await Promise.all(plans.map((plan) => describeJob(log, plan, partitionCounts)));
}

/** The members of a job's group, and where they say that they run. */
export async function describeMembers(log: LogAccess, job: string): Promise<readonly MemberOverview[]> {
  return (await log.describeGroup(job)).members.map(memberOverview);
}

async function describeJob(
  log: LogAccess,
  plan: Plan,
  partitionCounts: ReadonlyMap<string, number>,
): Promise<JobOverview> {
  const { job, version } = plan;
  const group = await log.describeGroup(job);
  const owners = ownersOf(group.members);
  // A topic of a job that ran long ago may be gone, or be another one by now.
  const exists = ({ topic, partition }: TopicPartition) => partition < (partitionCounts.get(topic) ?? 0);
  const tasks = tasksOf(plan, partitionCounts).map(({ id, inputs }) => ({ task: id, inputs: inputs.filter(exists) }));
  const all = tasks.flatMap(({ inputs }) => inputs);
  const positions = new Map((await inputPositions(log, job, all)).map((each) => [keyOf(each), each]));
  return {
    ...{ job, plan, version },
    group: group.status,
    members: group.members.map(memberOverview),
    tasks: tasks.map(({ task, inputs }) => ({
      task,
      memberId: inputs.map((input) => owners.get(keyOf(input))).find((owner) => owner !== undefined),
      inputs: inputs.map((input) => positions.get(keyOf(input))!),
    })),
  };
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

/** By topic and partition, as `topic/partition`. */
export const ownersOf = (members: readonly DescribedMember[]): ReadonlyMap<string, string> =>
  new Map(
    members.flatMap(({ memberId, assignment }) => assignment.map((partition) => [keyOf(partition), memberId] as const)),
  );

function memberOverview({ memberId, host, userData }: DescribedMember): MemberOverview {
  const told = toldBy(userData);
  return { memberId, connectsFrom: host, process: told?.process, plan: told?.plan };
}

/** Where a member says that it runs. */
export const processOf = (userData: Uint8Array): ProcessIdentity | undefined => toldBy(userData)?.process;

function toldBy(userData: Uint8Array): ToldMemberData | undefined {
  try {
    return decodeMemberData(userData);
  } catch {
    // Nothing is known while the group is rebalancing, and other consumers may use its name.
    return undefined;
  }
}
