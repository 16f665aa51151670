import { parseDuration } from "../dsl/duration.ts";
import type { CallNode } from "../dsl/topology.ts";
import { retryTopic } from "./internal-topics.ts";
import type { PlannedTier } from "./plan.ts";

/** The retry tiers of a call, as it names them; delays that cannot be read are left out, for `validate` to tell. */
export const tiersOf = (job: string, { id, tiers }: CallNode): readonly PlannedTier[] =>
  tiers.flatMap((delay) => {
    const delayMs = parseDuration(delay);
    return delayMs === undefined ? [] : [{ topic: retryTopic(job, id, delay), delayMs }];
  });
