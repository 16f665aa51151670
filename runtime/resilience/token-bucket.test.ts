import fc from "fast-check";
import { expect, it } from "vitest";
import { TokenBucket } from "./token-bucket.ts";

it("lets a tenth of the limit through at once, and the rest evenly", () => {
  const bucket = new TokenBucket({ calls: 100, perMs: 91_000 }, 0);
  const taken = Array.from({ length: 11 }, () => bucket.take(0));
  expect(taken).toEqual([...Array(10).fill(true), false]);
  expect([bucket.freeAtMs(0), bucket.freeAtMs(0, 2)]).toEqual([1_000, 3_000]);
  expect([bucket.take(999), bucket.take(1_000), bucket.take(1_000)]).toEqual([false, true, false]);
});

it("divides the limit by the workers", () => {
  const bucket = new TokenBucket({ calls: 10, perMs: 10_000 }, 0);
  bucket.take(0);
  expect(bucket.freeAtMs(0)).toBe(1_000);
  bucket.shareWith(4, 0);
  expect(bucket.freeAtMs(0)).toBe(4_000);
  bucket.shareWith(1, 2_000);
  expect(bucket.freeAtMs(2_000)).toBe(2_500);
});

it("survives a wall clock that is set back", () => {
  const bucket = new TokenBucket({ calls: 1, perMs: 1_000 }, 10_000);
  bucket.take(10_000);
  expect([bucket.take(5_000), bucket.take(5_999), bucket.take(6_000)]).toEqual([false, false, true]);
});

const limits = fc.record({ calls: fc.integer({ min: 1, max: 500 }), perMs: fc.integer({ min: 1, max: 100_000 }) });
const waits = fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 300 });

it("never lets more through than the limit, in whatever period", () => {
  fc.assert(
    fc.property(limits, waits, ({ calls, perMs }, steps) => {
      const bucket = new TokenBucket({ calls, perMs }, 0);
      const taken: number[] = [];
      let nowMs = 0;
      for (const step of steps) {
        while (bucket.take(nowMs)) taken.push(nowMs);
        nowMs += step;
      }
      for (const [index, startMs] of taken.entries())
        expect(taken.slice(index).filter((atMs) => atMs < startMs + perMs).length).toBeLessThanOrEqual(calls);
    }),
  );
});

it("has a token exactly when it says", () => {
  fc.assert(
    fc.property(limits, waits, ({ calls, perMs }, steps) => {
      const bucket = new TokenBucket({ calls, perMs }, 0);
      let nowMs = 0;
      for (const step of steps.slice(0, 50)) {
        while (bucket.take(nowMs));
        const freeAtMs = bucket.freeAtMs(nowMs);
        expect(freeAtMs).toBeGreaterThan(nowMs);
        expect(bucket.freeAtMs(freeAtMs - 1)).toBeGreaterThan(freeAtMs - 1);
        expect(bucket.take(freeAtMs)).toBe(true);
        nowMs = freeAtMs + step;
      }
    }),
  );
});

it("counts like one that adds its tokens millisecond by millisecond", () => {
  fc.assert(
    fc.property(
      fc.record({ calls: fc.integer({ min: 1, max: 100 }), perMs: fc.integer({ min: 1, max: 1_000 }) }),
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 60 }),
      ({ calls, perMs }, steps) => {
        const bucket = new TokenBucket({ calls, perMs }, 0);
        // In tenths of a call per period, which are whole numbers.
        const token = 10 * perMs;
        const capacity = Math.max(token, calls * perMs);
        let naive = capacity;
        let nowMs = 0;
        for (const step of steps) {
          for (let ms = 0; ms < step; ms++)
            naive = Math.min(capacity, naive + (calls <= 10 ? 10 * calls : 9 * calls + 10));
          nowMs += step;
          expect(bucket.take(nowMs)).toBe(naive >= token);
          if (naive >= token) naive -= token;
        }
      },
    ),
  );
});
