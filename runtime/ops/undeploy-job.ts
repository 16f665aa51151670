import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { CommittedOffset, LogAccess } from "../log/port.ts";
import { replayTopicOf } from "../plan/internal-topics.ts";
import type { Plan, TopicRole } from "../plan/plan.ts";
import { type Deployment, forgetDeployment, readDeployments } from "../worker/deployments.ts";
import { forgetPlan, readPlans } from "../worker/remembered-plans.ts";

export interface UndeployOptions {
  /** Takes back only that the job is deployed: its state, its group and the plan that its state fits stay. */
  readonly keepState: boolean;
  /** Deletes the dead letters, too. */
  readonly dlq: boolean;
}

/** What a job leaves on a log, divided by what undeploying it takes away. */
export interface Removal {
  readonly job: string;
  readonly deployment: Deployment | undefined;
  /** The plan that it last ran by; undefined if it never ran. */
  readonly ran: Plan | undefined;
  readonly deletedTopics: readonly RemovedTopic[];
  readonly keptTopics: readonly RemovedTopic[];
  /** Of its group; they go with it. Empty if they stay. */
  readonly offsets: readonly CommittedOffset[];
  readonly keepsState: boolean;
}

export interface RemovedTopic {
  readonly topic: string;
  readonly role: TopicRole | "replay";
  /** From the start to the end of its partitions; counts markers. */
  readonly records: number;
}

/**
 * What undeploying a job would take away. Changes nothing.
 * @throws {MulgilError} JOB_UNKNOWN, UNDEPLOY_RUNNING if its group has members, UNDEPLOY_READ if another job reads what would be deleted
 */
export async function assessRemoval(log: LogAccess, job: string, options: UndeployOptions): Promise<Removal> {
  const [deployments, plans] = [await readDeployments(log), await readPlans(log)];
  const [deployment, ran] = [deployments.get(job), plans.get(job)];
  const known = [deployment?.plan, ran].filter((plan) => plan !== undefined);
  if (known.length === 0) throw unknown(job, [...new Set([...deployments.keys(), ...plans.keys()])]);
  await assertStopped(log, job);
  const topics = await ownTopics(log, known);
  const isDeleted = ({ role }: RemovedTopic) =>
    !options.keepState && role !== "source" && role !== "sink" && (role !== "dlq" || options.dlq);
  const deletedTopics = topics.filter(isDeleted);
  const others = [...deployments.values()].map(({ plan }) => plan).concat([...plans.values()]);
  assertUnread(
    deletedTopics,
    others.filter((plan) => plan.job !== job),
  );
  return {
    ...{ job, deployment, ran, deletedTopics, keepsState: options.keepState },
    keptTopics: topics.filter((topic) => !isDeleted(topic)),
    offsets: options.keepState ? [] : await offsetsOf(log, job),
  };
}

/**
 * Topics first, then the group, what is remembered last: a removal that was interrupted can be begun again.
 * @throws {MulgilError} UNDEPLOY_RUNNING if somebody has started the job meanwhile
 */
export async function remove(log: LogAccess, removal: Removal, atMs: number): Promise<void> {
  const { job, deployment, ran, deletedTopics, keepsState } = removal;
  await assertStopped(log, job);
  if (!keepsState) {
    for (const { topic } of deletedTopics) await log.deleteTopic(topic);
    await log.deleteGroup(job);
    if (ran !== undefined) await forgetPlan(log, job, atMs);
  }
  if (deployment !== undefined) await forgetDeployment(log, job, atMs);
}

async function assertStopped(log: LogAccess, job: string): Promise<void> {
  const { members } = await log.describeGroup(job);
  if (members.length === 0) return;
  throw new MulgilError(
    `job "${job}" is running: its group has ${members.length === 1 ? "a member" : `${members.length} members`} (${members.map(({ clientId }) => clientId).join(", ")}). Stop its workers first; one that was killed counts until its session is over`,
    { code: "UNDEPLOY_RUNNING", context: { job } },
  );
}

/** All that the job knows by name and that exists, by name. */
async function ownTopics(log: LogAccess, plans: readonly Plan[]): Promise<readonly RemovedTopic[]> {
  const roles = new Map<string, RemovedTopic["role"]>();
  for (const { job, topics } of plans) {
    for (const { topic, role } of topics) {
      roles.set(topic, role);
      if (role === "source") roles.set(replayTopicOf(job, topic), "replay");
    }
  }
  const existing = (await log.describeTopics()).filter(({ topic }) => roles.has(topic));
  const found: RemovedTopic[] = [];
  for (const { topic, partitions: count } of existing) {
    const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
    const starts = await log.listOffsets(partitions, "earliest", "read_committed");
    const ends = await log.listOffsets(partitions, "latest", "read_committed");
    const records = ends.reduce((sum, { offset }, index) => sum + offset - starts[index]!.offset, 0);
    found.push({ topic, role: roles.get(topic)!, records });
  }
  return found.sort((left, right) => (left.topic < right.topic ? -1 : 1));
}

async function offsetsOf(log: LogAccess, job: string): Promise<readonly CommittedOffset[]> {
  const all = (await log.describeTopics()).flatMap(({ topic, partitions: count }) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
  return await log.committedOffsets(job, all);
}

function assertUnread(deleted: readonly RemovedTopic[], others: readonly Plan[]): void {
  const read = deleted.flatMap(({ topic }) =>
    others
      .filter(({ topics }) => topics.some((planned) => planned.role === "source" && planned.topic === topic))
      .map(({ job }) => `"${topic}" is read by job "${job}"`),
  );
  if (read.length === 0) return;
  throw new MulgilError(
    `this would delete what others read: ${[...new Set(read)].join(", ")}. Undeploy those jobs first, or keep it`,
    { code: "UNDEPLOY_READ" },
  );
}

function unknown(job: string, known: readonly string[]): MulgilError {
  const there = known.length === 0 ? "none" : [...known].sort().join(", ");
  return new MulgilError(`no job "${job}" was deployed or has run here: there is ${there}`, { code: "JOB_UNKNOWN" });
}
