import type { Issue } from "../errors/errors.ts";
import type { LogAccess, TopicSpec } from "../log/port.ts";
import type { Plan } from "../plan/plan.ts";
import { asMade, byName, resolve, spec } from "./job-topics.ts";

export interface TopicsToMake {
  readonly missing: readonly TopicSpec[];
  /** TOPIC_MISSING (of sources), TOPIC_COPARTITION, TOPIC_PARTITIONS */
  readonly issues: readonly Issue[];
}

/** What `ensureJobTopics` would make, and what would keep it from it. Changes nothing. */
export async function topicsToMake(log: LogAccess, plans: readonly Plan[]): Promise<TopicsToMake> {
  const existing = byName(await log.describeTopics());
  const outputs = plans
    .flatMap(({ topics }) => topics)
    .filter(({ role, topic }) => (role === "sink" || role === "dlq") && !existing.has(topic))
    .map((topic) => spec(topic, topic.partitions as number));
  // A job may read what another one writes.
  const assumed = new Map([...outputs.map((each) => [each.topic, asMade(each)] as const), ...existing]);
  const resolved = plans.map((plan) => resolve(plan, assumed));
  const wanted = [...outputs, ...resolved.flatMap(({ internal }) => internal)];
  const missing = [...new Map(wanted.map((each) => [each.topic, each])).values()];
  return {
    missing: missing.filter(({ topic }) => !existing.has(topic)),
    issues: resolved.flatMap(({ issues }) => issues),
  };
}
