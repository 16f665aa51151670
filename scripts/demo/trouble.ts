import type { Institution } from "../../jobs/mydata/institutions.ts";
import type { Behaviour } from "../institutions/behaviour.ts";
import { institutionsOf } from "../institutions/institutions-of.ts";
import type { DemoOptions } from "./demo-options.ts";

export const definitions = institutionsOf(20);

/** The institution that is away for a while. */
export const DOWN = "bank-03";
const FLAPPING = "card-04";
const LIMITED = "insu-02";
const SLOW = ["card-02", "bank-05"];

const LIMITED_CALLS_PER_SECOND = 60;
/** Half of what it bears: a collection is two calls where it needs a token first. */
const LIMITED_COLLECTIONS_PER_SECOND = 30;
/** Longer than any answer takes, so that no answer is lost that the institution takes for delivered. */
const TIMEOUT = "20 seconds";

/** What makes an institution different, in a word. */
export function peculiarityOf(id: string): string {
  if (id === DOWN) return "down for a while";
  if (id === FLAPPING) return "flapping";
  if (id === LIMITED) return "rate-limited";
  return SLOW.includes(id) ? "slow" : "";
}

/** How an institution behaves from the start; times of trouble are counted from `startMs`. */
export function behaviourOf(id: string, startMs: number, { outage }: DemoOptions): Partial<Behaviour> {
  const latency = SLOW.includes(id)
    ? ({ kind: "logNormal", medianMs: 700, p99Ms: 2_500, capMs: 4_000 } as const)
    : ({ kind: "logNormal", medianMs: 40, p99Ms: 250, capMs: 2_000 } as const);
  const span = { fromMs: startMs + outage.fromMs, untilMs: startMs + outage.untilMs };
  return {
    latency,
    ...(id === DOWN && { outage: { kind: "reset", ...span } }),
    ...(id === FLAPPING && {
      flapping: { kind: "unavailable", upMs: 6_000, downMs: 2_000, sinceMs: startMs },
    }),
    ...(id === LIMITED && { callsPerSecondMax: LIMITED_CALLS_PER_SECOND }),
  };
}

/** The institutions as the jobs know them. */
export const tableOf = (urlOf: (id: string) => string): ReadonlyMap<string, Institution> =>
  new Map(
    definitions.map(({ id, industry }) => [
      id,
      {
        ...{ id, industry, baseUrl: urlOf(id), timeout: TIMEOUT, windows: [{ from: "00:00", to: "24:00" }] },
        ...(id === LIMITED && { callsPerSecond: LIMITED_COLLECTIONS_PER_SECOND }),
      },
    ]),
  );
