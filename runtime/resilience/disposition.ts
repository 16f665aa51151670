import type { Outcome } from "../dsl/outcome.ts";
import type { Travel } from "./parcel.ts";

/** What becomes of a record whose call has ended, or could not be made. */
export type Disposition =
  | { readonly kind: "done"; readonly values: readonly unknown[] }
  /** To the tier of this number. */
  | { readonly kind: "tier"; readonly tier: number; readonly travel: Travel }
  | { readonly kind: "dead"; readonly code: string; readonly reason: string };

/** The limits of one institution's policy that decide over a record. Durations in ms. */
export interface RetryLimits {
  readonly attemptsMax: number;
  readonly ageMaxMs: number;
  readonly backoffMs: number;
}

export interface DispositionOptions {
  readonly limits: RetryLimits;
  /** Delays of the tiers, ascending. */
  readonly tierDelaysMs: readonly number[];
  readonly nowMs: number;
  /** When the call began; undefined if none was made. */
  readonly calledAtMs: number | undefined;
}

/**
 * done → on; retry → a tier, until attempts or age are used up; wait → a tier, spending neither; dead → the DLQ.
 * A record that must not be tried before a tier's end hops: it takes the longest tier that fits, and the next one from there.
 */
export function dispositionOf(outcome: Outcome<unknown>, travel: Travel, options: DispositionOptions): Disposition {
  const { nowMs, calledAtMs } = options;
  const firstCallMs = travel.firstCallMs ?? calledAtMs;
  switch (outcome.kind) {
    case "done":
      return { kind: "done", values: outcome.values };
    case "dead":
      return { kind: "dead", code: outcome.code, reason: outcome.reason };
    case "retry":
      return again(outcome, { ...travel, firstCallMs }, options);
    case "wait": {
      const { untilMs } = outcome;
      // For ever is no time to come back at: it may be over sooner, and nobody would ask.
      const isKnown = untilMs !== undefined && Number.isFinite(untilMs);
      const notBeforeMs = isKnown ? untilMs : nowMs + backedOff(options, travel.waits);
      return {
        kind: "tier",
        tier: longestWithin(options.tierDelaysMs, notBeforeMs - nowMs),
        travel: {
          ...travel,
          firstCallMs,
          waits: travel.waits + 1,
          waitingFromMs: nowMs,
          sinceMs: travel.sinceMs ?? nowMs,
          notBeforeMs,
        },
      };
    }
  }
}

/** The tier for a record that is not to be tried yet. */
export const hop = (travel: Travel, tierDelaysMs: readonly number[], nowMs: number): number =>
  longestWithin(tierDelaysMs, travel.notBeforeMs - nowMs);

/** A record comes out of a tier: what it waited there does not make it older. */
export function arrived(travel: Travel, nowMs: number): Travel {
  const { waitingFromMs } = travel;
  if (waitingFromMs === undefined) return travel;
  return { ...travel, waitingFromMs: undefined, waitedMs: travel.waitedMs + Math.max(0, nowMs - waitingFromMs) };
}

function again(
  outcome: Extract<Outcome<unknown>, { kind: "retry" }>,
  travel: Travel,
  options: DispositionOptions,
): Disposition {
  const { reason } = outcome;
  // A number that the institution's answer did not have.
  const afterMs = Number.isFinite(outcome.afterMs) ? outcome.afterMs : undefined;
  const { limits, tierDelaysMs, nowMs } = options;
  const attempts = travel.attempts + 1;
  const ageMs = nowMs - (travel.firstCallMs ?? nowMs) - travel.waitedMs;
  if (attempts >= limits.attemptsMax)
    return { kind: "dead", code: "CALL_ATTEMPTS", reason: `${attempts} calls failed, the last one: ${reason}` };
  if (ageMs > limits.ageMaxMs)
    return {
      kind: "dead",
      code: "CALL_AGE",
      reason: `calls failed for ${Math.round(ageMs / 1_000)} s, the last one: ${reason}`,
    };
  const tier = shortestFrom(tierDelaysMs, backedOff(options, attempts - 1));
  const notBeforeMs = afterMs === undefined ? nowMs : nowMs + afterMs;
  return {
    kind: "tier",
    tier: afterMs !== undefined && afterMs > tierDelaysMs[tier]! ? longestWithin(tierDelaysMs, afterMs) : tier,
    travel: { ...travel, attempts, waits: 0, waitingFromMs: undefined, sinceMs: travel.sinceMs ?? nowMs, notBeforeMs },
  };
}

const backedOff = ({ limits, tierDelaysMs }: DispositionOptions, times: number): number =>
  Math.min(limits.backoffMs * 2 ** Math.min(times, 30), tierDelaysMs.at(-1)!);

function longestWithin(delaysMs: readonly number[], ms: number): number {
  const index = delaysMs.findLastIndex((delayMs) => delayMs <= ms);
  return Math.max(0, index);
}

function shortestFrom(delaysMs: readonly number[], ms: number): number {
  const index = delaysMs.findIndex((delayMs) => delayMs >= ms);
  return index < 0 ? delaysMs.length - 1 : index;
}
