import type { TopicPartition } from "../log/port.ts";
import { replayTopicOf } from "../plan/internal-topics.ts";
import type { Plan, PlannedTopic } from "../plan/plan.ts";
import { replayableInputs } from "../plan/replay-topics.ts";
import type { DeadLetter } from "./dead-letters.ts";

/** Why a dead letter stays where it is. */
export type RedriveRefusal = "derived" | "tier" | "unread" | "table" | "partition" | "attempts";

export type RedriveTarget =
  | { readonly kind: "to"; readonly to: TopicPartition }
  | { readonly kind: "refused"; readonly why: RedriveRefusal };

export const REFUSALS: Readonly<Record<RedriveRefusal, string>> = {
  derived: "made by a timer, or by a result at a commit: there is no record to process again",
  tier: "written to a retry tier by somebody else: it does not say what it is",
  unread: "the job does not read the topic any more that it came from",
  table: "a row of a table, and the job would take it for newer than what is there now: see --target source",
  partition: "the topic that it came from has not so many partitions any more",
  attempts: "redriven as often as allowed, and here again: see --attempts-max",
};

export interface RedriveRules {
  readonly plan: Plan;
  readonly partitionCounts: ReadonlyMap<string, number>;
  /** "replay": seen by this job alone. "source": also by everybody else who reads the topic. */
  readonly to: "replay" | "source";
  /** A letter that was redriven so often stays. */
  readonly attemptsMax: number;
}

/**
 * Where a dead letter goes back to: the job's replay topic of what it was read from, source or repartition topic, in the same partition. There nobody else
 * sees it, and the job knows it by the place where it lay first. Pure.
 */
export function redriveTarget(letter: DeadLetter, rules: RedriveRules): RedriveTarget {
  const { source } = letter;
  const { plan, partitionCounts, to, attemptsMax } = rules;
  if (source === undefined) return refused("derived");
  const topic = plannedTopic(plan, source.topic);
  if (topic === undefined) return refused("unread");
  if (topic.role === "retry") return refused("tier");
  if (source.partition >= (partitionCounts.get(topic.topic) ?? 0)) return refused("partition");
  if (letter.redrives >= attemptsMax) return refused("attempts");
  if (to === "source") return { kind: "to", to: { topic: topic.topic, partition: source.partition } };
  const replayed = plan.subTopologies
    .flatMap((part) => replayableInputs(plan, part))
    .find((input) => input.topic === topic.topic);
  if (replayed === undefined) return refused("table");
  return { kind: "to", to: { topic: replayed.replayTopic, partition: source.partition } };
}

/** The topic of the plan that a record was read from, perhaps by way of its replay topic. */
function plannedTopic({ job, topics }: Plan, name: string): PlannedTopic | undefined {
  const read = topics.filter(({ role }) => role === "source" || role === "repartition" || role === "retry");
  return read.find(({ topic }) => topic === name) ?? read.find(({ topic }) => replayTopicOf(job, topic) === name);
}

const refused = (why: RedriveRefusal): RedriveTarget => ({ kind: "refused", why });
