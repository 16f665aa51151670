import type { SeededRandom } from "../../runtime/testing/seeded-random.ts";
import type { Behaviour, ErrorRates, Latency, OutageKind, Span } from "./behaviour.ts";

/** What goes wrong with one call that reached the institution. */
export type CallFault = "none" | "serverError" | "connectionReset" | "okWithError";

/** The 99th percentile of the standard normal distribution. */
const NORMAL_P99 = 2.326_347_874;
const LATENCY_CAP_MS = 60_000;

/** How an institution is out of reach at a moment; undefined while it can be reached. */
export function outageAt({ outage, flapping }: Behaviour, nowMs: number): OutageKind | undefined {
  if (outage !== null && isWithin(outage, nowMs)) return outage.kind;
  if (flapping === null) return undefined;
  const { upMs, downMs, sinceMs = 0, kind } = flapping;
  const period = upMs + downMs;
  const phase = (((nowMs - sinceMs) % period) + period) % period;
  return phase >= upMs ? kind : undefined;
}

export const isWithin = ({ fromMs, untilMs }: Span, nowMs: number): boolean =>
  (fromMs === undefined || nowMs >= fromMs) && (untilMs === undefined || nowMs < untilMs);

/** Takes one number, whatever comes out. */
export function faultOf(errors: ErrorRates, random: SeededRandom): CallFault {
  const { serverErrorRate = 0, connectionResetRate = 0, okWithErrorRate = 0 } = errors;
  const share = random.next();
  if (share < serverErrorRate) return "serverError";
  if (share < serverErrorRate + connectionResetRate) return "connectionReset";
  return share < serverErrorRate + connectionResetRate + okWithErrorRate ? "okWithError" : "none";
}

/** One sample, in ms. */
export function latencyOf(latency: Latency, random: SeededRandom): number {
  switch (latency.kind) {
    case "none":
      return 0;
    case "fixed":
      return latency.ms;
    case "uniform":
      return latency.fromMs + random.next() * (latency.toMs - latency.fromMs);
    case "logNormal": {
      const sigma = Math.log(latency.p99Ms / latency.medianMs) / NORMAL_P99;
      return Math.min(latency.capMs ?? LATENCY_CAP_MS, latency.medianMs * Math.exp(sigma * normalOf(random)));
    }
  }
}

/** Box and Muller. */
const normalOf = (random: SeededRandom): number =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
