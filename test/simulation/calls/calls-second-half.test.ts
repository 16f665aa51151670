import { describe, it } from "vitest";
import { callSeedsInTests, runCallSeeds } from "./run.ts";

const half = Math.ceil(callSeedsInTests / 2);

describe("workers that call institutions, and are killed, stalled, fenced and cut off at any step", () => {
  it(
    `end every request once and in the order of its key, and forget whom they are told to, for seeds ${half} to ${callSeedsInTests - 1}`,
    { timeout: 900_000 },
    () => runCallSeeds(half, callSeedsInTests),
  );
});
