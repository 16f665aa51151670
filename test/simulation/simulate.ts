import { live } from "../../runtime/testing/simulation/live.ts";
import type { Mutation } from "../../runtime/testing/simulation/simulated-cluster.ts";
import { workloadA } from "./workload-a.ts";
import { workloadB } from "./workload-b.ts";

export interface SimulationOptions {
  readonly seed: number;
  readonly mutation?: Mutation;
}

/** Even seeds run one workload, odd ones another. */
export async function simulate(options: SimulationOptions): Promise<void> {
  const rerun = `MULGIL_SEED=${options.seed} npm run simulate`;
  await (options.seed % 2 === 0
    ? live({ ...options, rerun }, workloadA(options.seed))
    : live({ ...options, rerun }, workloadB(options.seed)));
}
