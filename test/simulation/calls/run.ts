import { live } from "../../../runtime/testing/simulation/live.ts";
import type { Mutation } from "../../../runtime/testing/simulation/simulated-cluster.ts";
import { seedsInTests } from "../seeds.ts";
import { callWorkload } from "./call-workload.ts";

/** One life of a cluster that calls institutions. */
export const simulateCalls = (seed: number, mutation?: Mutation): Promise<void> =>
  live(
    { seed, rerun: `MULGIL_SEED=${seed} npm run simulate -- calls`, ...(mutation && { mutation }) },
    callWorkload(seed),
  );

/** How many such lives `npm test` looks at. */
export const callSeedsInTests = seedsInTests;

/** Runs seeds one after the other; the first that finds something throws, with how to run it again. */
export async function runCallSeeds(from: number, to: number): Promise<void> {
  for (let seed = from; seed < to; seed++) await simulateCalls(seed);
}
