import { describe, it } from "vitest";
import { runSeeds, seedsInTests } from "./seeds.ts";

const half = Math.ceil(seedsInTests / 2);

describe("a cluster of workers that are killed, stalled, fenced and cut off at any step", () => {
  it(
    `loses nothing, doubles nothing and ends in the same state, for seeds 0 to ${half - 1}`,
    { timeout: 600_000 },
    () => runSeeds(0, half),
  );
});
