import { live } from "../../../runtime/testing/simulation/live.ts";
import { callWorkload } from "./call-workload.ts";

/** One life of a cluster that calls institutions. */
export const simulateCalls = (seed: number, mutation?: Parameters<typeof live>[0]["mutation"]): Promise<void> =>
  live(
    { seed, rerun: `MULGIL_SEED=${seed} npm run simulate -- calls`, ...(mutation && { mutation }) },
    callWorkload(seed),
  );
