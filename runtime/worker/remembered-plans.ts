import { ConfigError, type Issue } from "../errors/errors.ts";
import type { LogAccess, TopicSpec } from "../log/port.ts";
import { readPartition } from "../log/read-partition.ts";
import { comparePlans } from "../plan/compare.ts";
import { lostRepartitions, lostStores } from "../plan/lost-topics.ts";
import type { Plan } from "../plan/plan.ts";
import type { Clock } from "../time/clock.ts";
import type { TopicsPolicy } from "./job-topics.ts";
import { leftTiers } from "./left-tiers.ts";

/** Remembers the plan that each job last ran by: a compacted topic of one partition, job name to plan as JSON. */
const PLANS_TOPIC = "mulgil.plans";
export const PLANS: TopicSpec = {
  topic: PLANS_TOPIC,
  partitions: 1,
  config: { cleanupPolicy: "compact", retentionMs: -1, deleteRetentionMs: 86_400_000 },
};

export type RememberedPlans = ReadonlyMap<string, Plan>;

export interface PlanComparison {
  readonly remembered: RememberedPlans;
  /** Changelogs of stores that do not fit and may be forgotten. */
  readonly forgotten: readonly string[];
}

/**
 * Compares plans with those that the jobs last ran by. Changes nothing. `droppedStores` are the stores that the user has said may go; one that
 * fits stays all the same.
 * @throws {ConfigError} PLAN_STORE_REMOVED, PLAN_STORE_CHANGED, PLAN_STORE_MOVED, PLAN_STORE_LOST, PLAN_TOPIC_LOST, PLAN_TOPIC_TAKEN, PLAN_TIER_REMOVED with all that would break state
 */
export async function comparedPlans(
  log: LogAccess,
  plans: readonly Plan[],
  droppedStores: readonly string[],
): Promise<PlanComparison> {
  const all = await readPlans(log);
  const remembered = new Map([...all].filter(([name]) => plans.some(({ job }) => job === name)));
  const existing = new Set((await log.describeTopics()).map(({ topic }) => topic));
  const misfits = plans.flatMap((plan) => {
    const before = remembered.get(plan.job);
    if (before === undefined) return [];
    const stores = [...comparePlans(before, plan), ...lostStores(before, plan, existing)];
    return stores.map((issue) => ({ ...issue, before }));
  });
  const left = await Promise.all(plans.map((plan) => leftTiers(log, remembered.get(plan.job), plan)));
  const issues = [
    ...left.flat(),
    ...misfits.filter(({ store }) => !droppedStores.includes(store)),
    ...plans.flatMap((plan) => lostRepartitions(remembered.get(plan.job), plan, existing)),
    ...takenTopics(
      plans,
      [...all.values()].filter(({ job }) => !plans.some((plan) => plan.job === job)),
    ),
  ];
  if (issues.length > 0) throw new ConfigError("this version does not fit the state of the one before:", issues);
  const forgotten = misfits.flatMap(({ store, before }) =>
    before.subTopologies.flatMap(({ stores }) =>
      stores.flatMap(({ name, changelog }) => (name === store ? [changelog] : [])),
    ),
  );
  return { remembered, forgotten };
}

/**
 * Deletes changelogs. What lies on disks is of another incarnation from then on, and is not read again, also if a later store takes the name.
 */
export async function forgetChangelogs(log: LogAccess, { forgotten }: PlanComparison): Promise<void> {
  const existing = new Set((await log.describeTopics()).map(({ topic }) => topic));
  for (const changelog of forgotten) if (existing.has(changelog)) await log.deleteTopic(changelog);
}

export async function rememberPlans(options: {
  readonly log: LogAccess;
  readonly clock: Clock;
  readonly plans: readonly Plan[];
  readonly remembered: RememberedPlans;
  readonly topics: TopicsPolicy;
}): Promise<void> {
  const { log, clock, plans, remembered } = options;
  const fresh = plans.filter(({ job, hash, version, personal }) => {
    const before = remembered.get(job);
    return (
      before?.hash !== hash ||
      before.version !== version ||
      JSON.stringify(before.personal) !== JSON.stringify(personal)
    );
  });
  if (fresh.length === 0) return;
  if (options.topics === "ensure") await log.ensureTopics([PLANS]);
  const records = fresh.map((plan) => ({
    key: Buffer.from(plan.job),
    value: Buffer.from(JSON.stringify(plan)),
    timestampMs: clock.now(),
  }));
  await log.produce([{ topic: PLANS_TOPIC, partition: 0, records }]);
}

/**
 * Names of jobs and steps hold dots, so two jobs can come to the same name for an internal topic, and a sink can be given one. Each would take the
 * other's records for its own.
 */
function takenTopics(plans: readonly Plan[], others: readonly Plan[]): readonly Issue[] {
  const owners = new Map(others.flatMap(internalTopics));
  const issues: Issue[] = [];
  for (const [topic, job] of plans.flatMap(internalTopics)) {
    const owner = owners.get(topic);
    if (owner === undefined) owners.set(topic, job);
    else issues.push(taken(job, topic, owner, "give one of the jobs or steps another name"));
  }
  for (const { job, topics } of plans) {
    for (const { topic, role } of topics) {
      const owner = role === "sink" ? owners.get(topic) : undefined;
      if (owner !== undefined) issues.push(taken(job, topic, owner, "write to another topic"));
    }
  }
  return issues;
}

const internalTopics = ({ job, topics }: Plan) =>
  topics.flatMap(({ topic, role }) =>
    role === "source" || role === "sink" || role === "dlq" ? [] : [[topic, job] as const],
  );

const taken = (job: string, topic: string, owner: string, remedy: string): Issue => ({
  code: "PLAN_TOPIC_TAKEN",
  at: `job ${job}`,
  message: `"${topic}" is an internal topic of job "${owner}": ${remedy}`,
});

/** The plan that each job last ran by. */
export async function readPlans(log: LogAccess): Promise<RememberedPlans> {
  const remembered = new Map<string, Plan>();
  if (!(await log.describeTopics()).some(({ topic }) => topic === PLANS_TOPIC)) return remembered;
  for (const { key, value } of await readPartition(log, { topic: PLANS_TOPIC, partition: 0 })) {
    if (key === null) continue;
    if (value === null) remembered.delete(key.toString());
    else remembered.set(key.toString(), JSON.parse(value.toString()) as Plan);
  }
  return remembered;
}

/** For a job whose state is gone: the next version has nothing to fit. */
export async function forgetPlan(log: LogAccess, job: string, atMs: number): Promise<void> {
  const tombstone = { key: Buffer.from(job), value: null, timestampMs: atMs };
  await log.produce([{ topic: PLANS_TOPIC, partition: 0, records: [tombstone] }]);
}
