import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConcurrencyLimit } from "./concurrency-limit.ts";

const BOUNDS = { min: 1, max: 64, initial: 10 };

/** So many successes in calls that began now. */
function succeed(limit: ConcurrencyLimit, times: number, latencyMs: number, wasUsed = true) {
  for (let call = 0; call < times; call++) limit.succeeded(latencyMs, limit.round, wasUsed);
  return limit.limit;
}

describe("a limit that adapts", () => {
  it("grows by one after each round of as many successes", () => {
    const limit = new ConcurrencyLimit(BOUNDS);
    expect([succeed(limit, 9, 100), succeed(limit, 1, 100), succeed(limit, 10, 100), succeed(limit, 1, 100)]).toEqual([
      10, 11, 11, 12,
    ]);
  });

  it("does not grow while nobody needs it", () => {
    expect(succeed(new ConcurrencyLimit(BOUNDS), 1_000, 100, false)).toBe(10);
  });

  it("is cut once a round trip, whatever fails of it", () => {
    const limit = new ConcurrencyLimit(BOUNDS);
    const { round } = limit;
    for (let call = 0; call < 10; call++) limit.overloaded(round);
    expect(limit.limit).toBe(7);
    limit.overloaded(limit.round);
    expect(limit.limit).toBe(4);
  });

  it("is cut when latency rises far above what is usual, and not by one slow answer", () => {
    const limit = new ConcurrencyLimit({ ...BOUNDS, initial: 64 });
    expect(succeed(limit, 200, 100)).toBe(64);
    expect(succeed(limit, 1, 5_000)).toBe(64);
    expect(succeed(limit, 200, 100)).toBe(64);
    expect(succeed(limit, 40, 500)).toBeLessThan(64);
  });

  it("takes for usual what stays", () => {
    const limit = new ConcurrencyLimit({ ...BOUNDS, initial: 64 });
    succeed(limit, 200, 100);
    succeed(limit, 5_000, 500);
    expect(succeed(limit, 5_000, 500)).toBe(64);
  });

  it("is not impressed by differences of a few milliseconds", () => {
    const limit = new ConcurrencyLimit({ ...BOUNDS, initial: 64 });
    succeed(limit, 200, 1);
    expect(succeed(limit, 200, 8)).toBe(64);
  });

  it("holds still for an institution that is merely irregular", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const limit = new ConcurrencyLimit({ min: 1, max: 64, initial: 32 });
        for (const latencyMs of logNormal(seed, 4_000)) limit.succeeded(latencyMs, limit.round, true);
        expect(limit.limit).toBeGreaterThanOrEqual(32);
      }),
      { numRuns: 30 },
    );
  });

  it("stays within its bounds, whatever happens", () => {
    const bounds = fc
      .tuple(fc.integer({ min: 1, max: 100 }), fc.nat(100), fc.nat(100))
      .map(([min, more, some]) => ({ min, max: min + more, initial: min + Math.min(some, more) }));
    const events = fc.array(fc.record({ isSuccess: fc.boolean(), latencyMs: fc.nat(100_000), isOld: fc.boolean() }), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(bounds, events, (given, all) => {
        const limit = new ConcurrencyLimit(given);
        for (const { isSuccess, latencyMs, isOld } of all) {
          const round = isOld ? 0 : limit.round;
          if (isSuccess) limit.succeeded(latencyMs, round, true);
          else limit.overloaded(round);
          expect(Number.isInteger(limit.limit)).toBe(true);
          expect(limit.limit).toBeGreaterThanOrEqual(given.min);
          expect(limit.limit).toBeLessThanOrEqual(given.max);
        }
      }),
    );
  });
});

/** Around 100 ms, one in a hundred above a second. */
function logNormal(seed: number, count: number): number[] {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 1) / 4_294_967_297;
  };
  return Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    return 100 * Math.exp(normal);
  });
}
