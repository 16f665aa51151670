import type { TopicDescription } from "../../../log/port.ts";
import type { PlannedTopic } from "../../../plan/plan.ts";
import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { age } from "../words.ts";

/** Topics of plans that are missing, or that no longer keep what their job needs. */
export function checkTopics({ jobs, topics }: Facts): readonly Finding[] {
  return jobs.flatMap(({ plan }) =>
    plan.topics.flatMap((planned) => {
      const found = topics.get(planned.topic);
      const where = { job: plan.job, topic: planned.topic };
      if (found === undefined) return [{ ...missing(planned), where }];
      const wrong = differences(planned, found);
      return wrong.length === 0 ? [] : [{ ...different(planned, wrong), where }];
    }),
  );
}

const missing = ({ topic, role }: PlannedTopic): Omit<Finding, "where"> => ({
  check: "topics",
  severity: "error",
  what: `topic "${topic}" does not exist`,
  evidence: [`the plan has it as ${role}`],
  ageMs: undefined,
  todo:
    role === "source"
      ? `write to it (mulgil write ${topic} --file …), or run the job that writes it`
      : "run the job again: it makes what is missing, and says what was lost with it",
});

/** Sources and sinks are configured by others. */
function differences({ role, cleanupPolicy, retentionMs }: PlannedTopic, { config }: TopicDescription): string[] {
  if (role === "source" || role === "sink") return [];
  const wrong: string[] = [];
  if (config.cleanupPolicy !== cleanupPolicy)
    wrong.push(`clean-up is "${config.cleanupPolicy}", the job needs "${cleanupPolicy}"`);
  const isShorter = config.retentionMs !== -1 && (retentionMs === -1 || config.retentionMs < retentionMs);
  if (isShorter && config.cleanupPolicy !== "compact")
    wrong.push(`it keeps records for ${age(config.retentionMs)}, the job needs ${kept(retentionMs)}`);
  return wrong;
}

const kept = (retentionMs: number): string => (retentionMs === -1 ? "all of them" : age(retentionMs));

const different = ({ topic, role }: PlannedTopic, evidence: readonly string[]): Omit<Finding, "where"> => ({
  check: "topics",
  severity: "error",
  what: `topic "${topic}" is not configured as its job made it: state or records in flight can be lost`,
  evidence: [...evidence, `it is the job's ${role} topic`],
  ageMs: undefined,
  todo: "give the topic its configuration back (kafka-configs --alter); a start of the job raises a retention that is too short",
});
