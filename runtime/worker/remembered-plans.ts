import { ConfigError } from "../errors/errors.ts";
import type { LogAccess } from "../log/port.ts";
import { readPartition } from "../log/read-partition.ts";
import { comparePlans } from "../plan/compare.ts";
import type { Plan } from "../plan/plan.ts";
import type { Clock } from "../time/clock.ts";

/** Remembers the plan that each job last ran by: a compacted topic of one partition, job name to plan as JSON. */
const PLANS_TOPIC = "mulgil.plans";

/**
 * Compares plans with those that the jobs last ran by, then remembers them.
 * @throws {ConfigError} PLAN_STORE_REMOVED, PLAN_STORE_CHANGED, PLAN_STORE_MOVED with all that would break state; nothing has been remembered then
 */
export async function acceptPlans(options: {
  readonly log: LogAccess;
  readonly clock: Clock;
  readonly plans: readonly Plan[];
  readonly droppedStores: readonly string[];
}): Promise<void> {
  const { log, clock, plans, droppedStores } = options;
  await log.ensureTopics([
    {
      topic: PLANS_TOPIC,
      partitions: 1,
      config: { cleanupPolicy: "compact", retentionMs: -1, deleteRetentionMs: 86_400_000 },
    },
  ]);
  const remembered = await rememberedPlans(log);
  const issues = plans.flatMap((plan) => {
    const before = remembered.get(plan.job);
    return before === undefined ? [] : comparePlans(before, plan, droppedStores);
  });
  if (issues.length > 0) throw new ConfigError("this version does not fit the state of the one before:", issues);
  const fresh = plans.filter(
    (plan) => remembered.get(plan.job)?.hash !== plan.hash || remembered.get(plan.job)?.version !== plan.version,
  );
  if (fresh.length === 0) return;
  const records = fresh.map((plan) => ({
    key: Buffer.from(plan.job),
    value: Buffer.from(JSON.stringify(plan)),
    timestampMs: clock.now(),
  }));
  await log.produce([{ topic: PLANS_TOPIC, partition: 0, records }]);
}

async function rememberedPlans(log: LogAccess): Promise<ReadonlyMap<string, Plan>> {
  const plans = new Map<string, Plan>();
  for (const { key, value } of await readPartition(log, { topic: PLANS_TOPIC, partition: 0 })) {
    if (key !== null && value !== null) plans.set(key.toString(), JSON.parse(value.toString()) as Plan);
  }
  return plans;
}
