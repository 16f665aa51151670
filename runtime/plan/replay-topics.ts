import { replayTopicOf } from "./internal-topics.ts";
import type { Plan, SubTopology } from "./plan.ts";

/** An input of a part, and the topic of records of it that the job shall process once more. That exists only after a first replay. */
export interface ReplayableInput {
  readonly topic: string;
  readonly replayTopic: string;
}

/** Sources and repartition topics. A table is none: old rows would take the place of newer ones. What waits in a tier is tried again by itself. */
export function replayableInputs(plan: Plan, { sources }: Pick<SubTopology, "sources">): readonly ReplayableInput[] {
  return sources.flatMap((topic) => {
    const planned = plan.topics.find((each) => each.topic === topic);
    const isTable = planned?.cleanupPolicy === "compact";
    const isRead = planned?.role === "source" || planned?.role === "repartition";
    return isRead && !isTable ? [{ topic, replayTopic: replayTopicOf(plan.job, topic) }] : [];
  });
}
