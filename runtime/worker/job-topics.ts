import { ConfigError, type Issue } from "../errors/errors.ts";
import type { LogAccess, TopicDescription, TopicSpec } from "../log/port.ts";
import type { Plan, PlannedTopic, TopicRole } from "../plan/plan.ts";

const DELETE_RETENTION_MS = 7 * 86_400_000;
/**
 * Of topics that hold what came from others, and more beside it: a record that a source took, whatever its limit is, must not stop the job on its
 * way to the DLQ, to the next step, or into state. Brokers take a megabyte by default.
 */
export const BATCH_BYTES_MAX = 16 * 1024 * 1024;

/** "ensure": what is missing is made. "verify": topics are checked, and never made, changed or deleted. */
export type TopicsPolicy = "ensure" | "verify";

/** The number of partitions of every topic of a job, as they are. */
export type PartitionCounts = ReadonlyMap<string, number>;

/**
 * Makes the topics of some jobs that start together. Outputs come first, so that a job may read what another one writes; a source that nobody
 * writes must exist.
 * @throws {ConfigError} TOPIC_MISSING, TOPIC_COPARTITION, TOPIC_PARTITIONS with every mistake of all jobs; nothing internal has been created then
 */
export async function ensureJobTopics(
  log: LogAccess,
  plans: readonly Plan[],
): Promise<ReadonlyMap<string, PartitionCounts>> {
  const before = byName(await log.describeTopics());
  const outputs = plans.flatMap((plan) =>
    plan.topics.filter(({ role, topic }) => (role === "sink" || role === "dlq") && !before.has(topic)),
  );
  await log.ensureTopics(
    [...new Map(outputs.map((topic) => [topic.topic, topic])).values()].map((topic) =>
      spec(topic, topic.partitions as number),
    ),
  );
  const existing = byName(await log.describeTopics());
  const resolved = plans.map((plan) => resolve(plan, existing));
  const issues = resolved.flatMap((result) => result.issues);
  if (issues.length > 0) throw new ConfigError("the topics do not fit:", issues);
  for (const { internal } of resolved) await log.ensureTopics(internal);
  return new Map(plans.map((plan, index) => [plan.job, resolved[index]!.counts]));
}

const INTERNAL_ROLES: ReadonlySet<TopicRole> = new Set(["repartition", "retry", "changelog", "circuits"]);

export type Topics = ReadonlyMap<string, TopicDescription>;

export const byName = (topics: readonly TopicDescription[]): Topics =>
  new Map(topics.map((topic) => [topic.topic, topic]));

/** As if somebody had made it already. */
export const asMade = (wanted: TopicSpec): TopicDescription => ({ ...wanted, incarnation: "" });

export const spec = (topic: PlannedTopic, partitions: number): TopicSpec => ({
  topic: topic.topic,
  partitions,
  ...(topic.role !== "source" && topic.role !== "sink" && { batchBytesMax: BATCH_BYTES_MAX }),
  config: {
    cleanupPolicy: topic.cleanupPolicy,
    retentionMs: topic.retentionMs,
    deleteRetentionMs: DELETE_RETENTION_MS,
  },
});

/** The partitions of a job's topics, the internal ones that it needs, and what does not fit. */
export function resolve(plan: Plan, existing: Topics) {
  const issues: Issue[] = [];
  const counts = new Map<string, number>();
  for (const { topic, role } of plan.topics) {
    const found = existing.get(topic);
    if (found !== undefined) counts.set(topic, found.partitions);
    else if (role === "source") {
      issues.push({
        code: "TOPIC_MISSING",
        at: `job ${plan.job}`,
        message: `topic "${topic}" does not exist: write to it first (mulgil write ${topic} --file …), create it, or run the job that writes it at the same time`,
      });
    }
  }
  issues.push(...copartitionIssues(plan, counts));
  if (issues.length > 0) return { issues, counts, internal: [] };
  const internal: TopicSpec[] = [];
  for (const topic of plan.topics.filter(({ role }) => INTERNAL_ROLES.has(role))) {
    const like = typeof topic.partitions === "number" ? [] : topic.partitions.like;
    const wanted = wantedPartitions(plan, counts, topic);
    const found = existing.get(topic.topic)?.partitions;
    internal.push(spec(topic, wanted));
    if (found !== undefined && found !== wanted) {
      issues.push({
        code: "TOPIC_PARTITIONS",
        at: `job ${plan.job}`,
        message: `topic "${topic.topic}" has ${found} partitions but needs ${wanted}, as ${like.join(", ")}: the number of source partitions has changed, and state cannot follow; give the job a new name, or restore the number`,
      });
    }
    counts.set(topic.topic, wanted);
  }
  return { issues, counts, internal };
}

/** As many as the largest of the topics that it is like; those may be internal themselves. */
function wantedPartitions(plan: Plan, counts: PartitionCounts, { partitions }: PlannedTopic): number {
  if (typeof partitions === "number") return partitions;
  const countOf = (name: string): number => {
    const planned = plan.topics.find(({ topic }) => topic === name);
    return planned?.role === "repartition" || planned?.role === "retry"
      ? wantedPartitions(plan, counts, planned)
      : counts.get(name)!;
  };
  return Math.max(...partitions.like.map(countOf));
}

function copartitionIssues(plan: Plan, counts: PartitionCounts): Issue[] {
  return plan.subTopologies.flatMap((part) => {
    const known = part.sources.flatMap((topic) =>
      counts.has(topic) && plan.topics.find((planned) => planned.topic === topic)?.role === "source"
        ? [[topic, counts.get(topic)!] as const]
        : [],
    );
    if (new Set(known.map(([, count]) => count)).size < 2) return [];
    const listed = known.map(([topic, count]) => `"${topic}" has ${count}`).join(" but ");
    return [
      {
        code: "TOPIC_COPARTITION",
        at: `job ${plan.job}, ${part.name}`,
        message: `${listed} partitions; read together they need the same number: repartition one of them with keyBy, or create it anew with as many`,
      },
    ];
  });
}
