import { type Mutation, SimulatedCluster } from "../../runtime/testing/simulation/simulated-cluster.ts";
import { checkStores } from "./check-stores.ts";
import { checkCopies, checkResults } from "./invariants.ts";
import { createSource, generateEvents, produceEvents, simulatedJob } from "./workload.ts";

export interface SimulationOptions {
  readonly seed: number;
  readonly mutation?: Mutation;
}

const EVENTS = 60;
const CHAOS_STEPS = 700;
const CALM_STEPS_MAX = 20_000;
const MACHINES = 3;

/**
 * One life of a cluster: workers come, go, die, stall and are cut off while events arrive; then everything is left in peace until idle, and the results
 * are compared with a plain computation. Throws what it finds, with the seed in the message.
 */
export async function simulate({ seed, mutation }: SimulationOptions): Promise<void> {
  const sent = generateEvents(seed, EVENTS);
  const cluster = await SimulatedCluster.open(
    {
      seed,
      job: simulatedJob,
      lostAnswers: seed % 3 === 0 ? 0.15 : 0.02,
      sharedDisk: seed % 2 === 0,
      ...(mutation && { mutation }),
    },
    createSource,
  );
  try {
    await chaos(cluster, sent);
    await calm(cluster);
    await checkResults(cluster, sent);
    await checkStores(cluster);
  } catch (error) {
    const cause = error instanceof Error ? error : new Error(String(error));
    throw new Error(
      `seed ${seed}: ${cause.message}\n  rerun: MULGIL_SEED=${seed} npm run simulate\n  last steps:\n    ${cluster.scheduler.trace.join("\n    ")}`,
      { cause },
    );
  }
}

async function chaos(cluster: SimulatedCluster, sent: ReturnType<typeof generateEvents>): Promise<void> {
  const { random } = cluster;
  let produced = 0;
  cluster.start(0);
  for (let step = 0; step < CHAOS_STEPS; step++) {
    if (cluster.violation !== undefined) throw cluster.violation;
    if (produced < sent.length && random.chance(0.06)) {
      const some = sent.slice(produced, produced + 1 + random.below(6));
      produced += some.length;
      await produceEvents(cluster.log, cluster.registry, some);
    }
    disturb(cluster);
    if (random.chance(0.02)) await checkCopies(cluster);
    await cluster.scheduler.step();
  }
  await produceEvents(cluster.log, cluster.registry, sent.slice(produced));
}

function disturb(cluster: SimulatedCluster): void {
  const { random, running } = cluster;
  if (random.chance(0.012) && running.length > 0) cluster.kill(random.pick(running));
  if (random.chance(0.01) && running.length > 0) cluster.tear(random.pick(running));
  if (random.chance(0.01) && running.length > 0) cluster.pause(random.pick(running), 1_000 + random.below(12_000));
  if (random.chance(0.004) && running.length > 1) cluster.stop(random.pick(running));
  const free = Array.from({ length: MACHINES }, (_, index) => index).filter(
    (index) => !cluster.running.includes(index),
  );
  if (random.chance(running.length === 0 ? 0.2 : 0.02) && free.length > 0) cluster.start(random.pick(free));
}

async function calm(cluster: SimulatedCluster): Promise<void> {
  cluster.scheduler.wakeAll();
  // Those that run may all be about to leave; and an empty disk joins.
  cluster.start(MACHINES);
  await cluster.runUntil(() => cluster.isIdle(), CALM_STEPS_MAX, "idle");
  cluster.commitNow();
  await cluster.runUntil(() => cluster.isIdle(), CALM_STEPS_MAX, "idle a second time");
  for (const index of cluster.running) cluster.stop(index);
  await cluster.runUntil(() => cluster.running.length === 0, CALM_STEPS_MAX, "stopped");
}
