import fc from "fast-check";
import { expect, it } from "vitest";
import { bucketName, mergePairs, pairsOf, percentile } from "./latency-histogram.ts";

const counted = (latencies: readonly number[]) => {
  const counts: Record<string, number> = {};
  for (const latency of latencies) counts[bucketName(latency)] = (counts[bucketName(latency)] ?? 0) + 1;
  return pairsOf(counts);
};

const latencies = fc.array(fc.integer({ min: 0, max: 3_600_000 }), { minLength: 1, maxLength: 500 });

it("finds every percentile of a sorted list, up to 5 %", () => {
  fc.assert(
    fc.property(latencies, fc.constantFrom(0, 0.01, 0.5, 0.95, 0.99, 1), (all, share) => {
      const sorted = [...all].sort((left, right) => left - right);
      const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1]!;
      const found = percentile(counted(all), share)!;
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.0489);
    }),
  );
});

it("adds what several workers measured, as if one had", () => {
  fc.assert(
    fc.property(fc.array(latencies, { maxLength: 5 }), (parts) => {
      expect(mergePairs(parts.map(counted))).toEqual(counted(parts.flat()));
    }),
  );
});

it("knows nothing of no calls, counts what is over an hour as its last bucket, and drops what is no bucket", () => {
  expect(percentile([], 0.5)).toBeUndefined();
  expect(percentile(counted([1e12]), 0.5)).toBeGreaterThan(3_500_000);
  expect(mergePairs([[9_999, 1, -1, 2]])).toEqual([]);
});
