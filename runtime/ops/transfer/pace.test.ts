import { expect, it } from "vitest";
import type { Clock } from "../../time/clock.ts";
import { Pace } from "./pace.ts";

/** A clock that sleeps at once, and notes how long. */
function sleeper() {
  let nowMs = 1_000_000;
  const slept: number[] = [];
  const clock: Clock = {
    now: () => nowMs,
    async sleep(ms) {
      slept.push(ms);
      nowMs += ms;
    },
    after: () => () => undefined,
  };
  return {
    clock,
    slept,
    pass: (ms: number): void => {
      nowMs += ms;
    },
  };
}
const never = new AbortController().signal;

it("keeps a rate over batches of any size", async () => {
  const { clock } = sleeper();
  const startMs = clock.now();
  const pace = new Pace(clock, 500);
  for (const records of [250, 1, 99, 0, 150, 500]) await pace.passed(records, never);
  expect(clock.now() - startMs).toBe(2_000);
});

it("lets nobody who was slow catch up by more than a second", async () => {
  const { clock, slept, pass } = sleeper();
  const pace = new Pace(clock, 100);
  pass(60_000);
  await pace.passed(100, never);
  expect(slept).toEqual([]);
  await pace.passed(100, never);
  expect(slept).toEqual([1_000]);
});

it("takes batches of half a second, and of one record at least", () => {
  const { clock } = sleeper();
  expect(new Pace(clock, 500).recordsMax).toBe(250);
  expect(new Pace(clock, 0.1).recordsMax).toBe(1);
});
