import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../runtime/testing/seeded-random.ts";
import { standardBehaviour } from "./behaviour.ts";
import { latencyOf, outageAt } from "./faults.ts";

const SAMPLES = 20_000;

function sorted(latency: Parameters<typeof latencyOf>[0]): readonly number[] {
  const random = new SeededRandom(7);
  return Array.from({ length: SAMPLES }, () => latencyOf(latency, random)).sort((a, b) => a - b);
}

const at = (samples: readonly number[], share: number) => samples[Math.floor(samples.length * share)]!;

describe("latencyOf", () => {
  it("has the median and the p99 of its log-normal distribution", () => {
    const samples = sorted({ kind: "logNormal", medianMs: 100, p99Ms: 2_000 });
    expect(at(samples, 0.5)).toBeGreaterThan(95);
    expect(at(samples, 0.5)).toBeLessThan(105);
    expect(at(samples, 0.99)).toBeGreaterThan(1_700);
    expect(at(samples, 0.99)).toBeLessThan(2_300);
  });

  it("never goes beyond its cap", () => {
    expect(sorted({ kind: "logNormal", medianMs: 100, p99Ms: 2_000, capMs: 500 }).at(-1)).toBe(500);
    expect(sorted({ kind: "logNormal", medianMs: 50_000, p99Ms: 2_000_000 }).at(-1)).toBe(60_000);
  });

  it("spreads evenly between its bounds", () => {
    const samples = sorted({ kind: "uniform", fromMs: 100, toMs: 300 });
    expect(samples[0]!).toBeGreaterThanOrEqual(100);
    expect(samples.at(-1)!).toBeLessThan(300);
    for (const share of [0.25, 0.5, 0.75]) expect(Math.abs(at(samples, share) - (100 + 200 * share))).toBeLessThan(5);
  });

  it("is fixed, or none", () => {
    expect(new Set(sorted({ kind: "fixed", ms: 35 }))).toEqual(new Set([35]));
    expect(new Set(sorted({ kind: "none" }))).toEqual(new Set([0]));
  });
});

describe("outageAt", () => {
  const flapping = { kind: "reset", upMs: 30, downMs: 10, sinceMs: 1_000 } as const;

  it.each([
    [1_000, undefined],
    [1_029, undefined],
    [1_030, "reset"],
    [1_039, "reset"],
    [1_040, undefined],
    [999, "reset"],
    [989, undefined],
  ])("flaps at %i: %s", (nowMs, expected) => {
    expect(outageAt({ ...standardBehaviour, flapping }, nowMs)).toBe(expected);
  });

  it("is an outage whatever the flapping says", () => {
    const behaviour = { ...standardBehaviour, flapping, outage: { kind: "silent" } } as const;
    expect([outageAt(behaviour, 1_000), outageAt(behaviour, 1_030)]).toEqual(["silent", "silent"]);
  });
});
