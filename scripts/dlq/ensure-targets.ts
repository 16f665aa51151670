import type { LogAccess } from "../../runtime/log/port.ts";
import type { RedriveRules } from "../../runtime/ops/redrive-target.ts";
import { jobReplaySpec } from "../../runtime/ops/replay/replay-target.ts";
import { replayTopicOf } from "../../runtime/plan/internal-topics.ts";

/** Makes the replay topics that are missing among those that letters go to. */
export async function ensureTargets(
  log: LogAccess,
  { plan, partitionCounts }: RedriveRules,
  targets: readonly string[],
): Promise<void> {
  const specs = plan.topics.flatMap(({ topic }) => {
    const replay = replayTopicOf(plan.job, topic);
    return targets.includes(replay) ? [jobReplaySpec(replay, partitionCounts.get(topic)!)] : [];
  });
  if (specs.length > 0) await log.ensureTopics(specs);
}
