import type { Issue } from "../errors/errors.ts";
import type { LogAccess } from "../log/port.ts";
import type { Plan } from "../plan/plan.ts";
import { inputPositions } from "./input-positions.ts";

/** Retry tiers that a new plan has no more, and in which records of the former one still wait: nobody would ever read them. */
export async function leftTiers(log: LogAccess, before: Plan | undefined, after: Plan): Promise<readonly Issue[]> {
  const kept = new Set(after.topics.map(({ topic }) => topic));
  const gone = new Set(
    before?.topics.filter(({ role, topic }) => role === "retry" && !kept.has(topic)).map(({ topic }) => topic),
  );
  if (gone.size === 0) return [];
  const partitions = (await log.describeTopics())
    .filter(({ topic }) => gone.has(topic))
    .flatMap(({ topic, partitions: count }) => Array.from({ length: count }, (_, partition) => ({ topic, partition })));
  const waiting = (await inputPositions(log, after.job, partitions)).filter(({ lag }) => lag > 0);
  return [...Map.groupBy(waiting, ({ topic }) => topic)].map(([topic, positions]) => ({
    code: "PLAN_TIER_REMOVED",
    at: `job ${after.job}`,
    message: `records wait in the retry tier "${topic}" (up to ${positions.reduce((sum, { lag }) => sum + lag, 0)}), and this version has no such tier: they would never be tried again. Keep its delay among the tiers until it is empty, and remove it then`,
  }));
}
