import type { PlannedItem } from "../../schemas/types/mydata/planning.ts";

/** A request that has no end after that is taken to be lost. Tries end after a week, but waiting for an institution counts as none. */
const OUTSTANDING_MAX_MS = 60 * 86_400_000;

export interface Demand {
  readonly nowMs: number;
  readonly forced: boolean;
  readonly wishedAt: number;
  readonly freshForMs: number;
}

/**
 * Whether something has to be requested now. One request at a time is under way, unless a forced one is wished behind it; what was requested behind
 * the wish fulfils it; what is fresh is not asked for again, unless forced.
 */
export function isDue({ outstanding, requestedAt, collectedAt }: PlannedItem, demand: Demand): boolean {
  const { nowMs, forced, wishedAt, freshForMs } = demand;
  const isUnderWay = outstanding !== null && nowMs - outstanding.requestedAt < OUTSTANDING_MAX_MS;
  if (forced) return Math.max(requestedAt ?? 0, isUnderWay ? outstanding.requestedAt : 0) < wishedAt;
  return !isUnderWay && (collectedAt === null || nowMs - collectedAt >= freshForMs);
}
