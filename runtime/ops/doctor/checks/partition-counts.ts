import type { Plan, PlannedTopic } from "../../../plan/plan.ts";
import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";

/** What is read together needs as many partitions; what a job keeps for itself as many as its sources had when it began. */
export function checkPartitionCounts({ jobs, topics }: Facts): readonly Finding[] {
  const countOf = (topic: string) => topics.get(topic)?.partitions;
  return jobs.flatMap(({ plan }) => [...copartition(plan, countOf), ...changed(plan, countOf)]);
}

type CountOf = (topic: string) => number | undefined;

function copartition(plan: Plan, countOf: CountOf): readonly Finding[] {
  return plan.subTopologies.flatMap(({ name, sources }): Finding[] => {
    const known = sources.flatMap((topic) => (countOf(topic) === undefined ? [] : [[topic, countOf(topic)!] as const]));
    if (new Set(known.map(([, count]) => count)).size < 2) return [];
    return [
      finding(plan.job, {
        what: `topics that "${name}" reads together have different numbers of partitions`,
        evidence: known.map(([topic, count]) => `"${topic}" has ${count}`),
        todo: "repartition one of them with keyBy, or create it anew with as many; some partitions are not read as things are",
      }),
    ];
  });
}

function changed(plan: Plan, countOf: CountOf): readonly Finding[] {
  return plan.topics.flatMap((planned): Finding[] => {
    const found = countOf(planned.topic);
    const like = likeTopics(planned);
    const wanted = Math.max(0, ...like.flatMap((topic) => countOf(topic) ?? []));
    if (planned.role === "sink" || found === undefined || wanted === 0 || found === wanted) return [];
    return [
      {
        ...finding(plan.job, {
          what: `topic "${planned.topic}" has ${found} partitions, but ${like.map((topic) => `"${topic}"`).join(", ")} ${wanted}: the number of partitions has changed`,
          evidence: [`it is the job's ${planned.role} topic; keys lie elsewhere now than their state`],
          todo: "restore the number, or give the job a new name and let it begin anew: a start refuses this (TOPIC_PARTITIONS)",
        }),
        where: { job: plan.job, topic: planned.topic },
      },
    ];
  });
}

const likeTopics = ({ partitions }: PlannedTopic): readonly string[] =>
  typeof partitions === "number" ? [] : partitions.like;

const finding = (job: string, told: Pick<Finding, "what" | "evidence" | "todo">): Finding => ({
  ...{ check: "partition-counts", severity: "error", where: { job }, ageMs: undefined },
  ...told,
});
