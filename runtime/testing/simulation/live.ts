import { SeededRandom } from "../seeded-random.ts";
import { checkStores } from "./check-stores.ts";
import { type Mutation, SimulatedCluster } from "./simulated-cluster.ts";
import type { Workload } from "./workload.ts";

const CHAOS_STEPS = 700;
const CALM_STEPS_MAX = 40_000;
const STILL_STEPS = 150;
const MACHINES = 3;
/** Orders come from numbers of their own: a life without them stays as it was. */
const ORDERS_SALT = 0x0de5;

export interface LifeOptions {
  readonly seed: number;
  /** How to run this seed again, for the message. */
  readonly rerun: string;
  readonly mutation?: Mutation;
}

/**
 * One life of a cluster: workers come, go, die, stall and are cut off while events arrive; then everything is left in peace until idle, and the results
 * are checked. Throws what it finds, with the seed in the message.
 */
export async function live<Sent>({ seed, rerun, mutation }: LifeOptions, workload: Workload<Sent>): Promise<void> {
  const cluster = await SimulatedCluster.open(
    {
      seed,
      job: workload.job,
      lostAnswers: seed % 3 === 0 ? 0.15 : 0.02,
      sharedDisk: seed % 8 < 4,
      ...(mutation && { mutation }),
    },
    (log) => workload.createSources(log),
  );
  try {
    workload.opened?.(cluster);
    const orders = seed % 7 < 3 ? new SeededRandom(seed ^ ORDERS_SALT) : undefined;
    await chaos(cluster, workload, orders);
    await calm(cluster, workload, orders);
    await workload.checkResults(cluster);
    await checkStores(cluster);
  } catch (error) {
    const cause = error instanceof Error ? error : new Error(String(error));
    throw new Error(
      `seed ${seed}: ${cause.message}\n  rerun: ${rerun}\n  last steps:\n    ${cluster.scheduler.trace.join("\n    ")}`,
      { cause },
    );
  }
}

/** `orders` decides on orders, where there are any. */
async function chaos<Sent>(
  cluster: SimulatedCluster,
  workload: Workload<Sent>,
  orders: SeededRandom | undefined,
): Promise<void> {
  const { random } = cluster;
  const { sent } = workload;
  let produced = 0;
  cluster.start(0);
  for (let step = 0; step < CHAOS_STEPS; step++) {
    if (cluster.violation !== undefined) throw cluster.violation;
    if (produced < sent.length && random.chance(0.06)) {
      const some = sent.slice(produced, produced + 1 + random.below(6));
      produced += some.length;
      await workload.produce(cluster.log, cluster.registry, some);
    }
    disturb(cluster, workload);
    if (orders !== undefined) giveOrders(cluster, orders);
    if (random.chance(0.02)) await workload.checkMeanwhile(cluster);
    await cluster.scheduler.step();
  }
  await workload.produce(cluster.log, cluster.registry, sent.slice(produced));
}

function disturb<Sent>(cluster: SimulatedCluster, { mayPause, mayDamage }: Workload<Sent>): void {
  const { random } = cluster;
  const happens = (probability: number) => cluster.running.length > 0 && random.chance(probability);
  const someone = () => random.pick(cluster.running);
  if (mayDamage && happens(0.004)) cluster.corrupt(someone());
  if (mayDamage && happens(0.004)) cluster.failWrite(someone());
  if (happens(0.012)) cluster.kill(someone());
  if (cluster.halfCommitted.length > 0 && random.chance(0.1)) cluster.kill(random.pick(cluster.halfCommitted));
  if (happens(0.01)) cluster.tear(someone());
  if (mayPause && happens(0.01)) cluster.pause(someone(), 1_000 + random.below(12_000));
  if (cluster.running.length > 1 && happens(0.004)) cluster.stop(someone());
  const free = Array.from({ length: MACHINES }, (_, index) => index).filter(
    (index) => !cluster.running.includes(index),
  );
  if (random.chance(cluster.running.length === 0 ? 0.2 : 0.02) && free.length > 0) cluster.start(random.pick(free));
}

/** Every worker can carry out an order, and nothing is processed from then on, whatever lies there. */
async function standStill(cluster: SimulatedCluster, wanted: "paused" | "drained"): Promise<void> {
  cluster.want(wanted);
  for (const index of cluster.running) cluster.hearOrders(index);
  await cluster.runUntil(() => cluster.isStill(wanted), CALM_STEPS_MAX, wanted);
  for (let step = 0; step < STILL_STEPS; step++) {
    cluster.checkOrders();
    if (cluster.violation !== undefined) throw cluster.violation;
    await cluster.scheduler.step();
  }
}

const WANTED = ["running", "paused", "drained"] as const;

/** Pause, drain, resume and restart, heard by each worker at a time of its own. */
function giveOrders(cluster: SimulatedCluster, random: SeededRandom): void {
  cluster.checkOrders();
  if (random.chance(0.015)) cluster.want(random.chance(0.4) ? "running" : random.pick(WANTED));
  for (const index of cluster.running) {
    if (random.chance(0.1)) cluster.hearOrders(index);
    if (random.chance(0.004)) cluster.restart(index);
  }
}

async function calm<Sent>(
  cluster: SimulatedCluster,
  workload: Workload<Sent>,
  orders: SeededRandom | undefined,
): Promise<void> {
  cluster.scheduler.wakeAll();
  cluster.mendDisks();
  if (orders !== undefined) await standStill(cluster, orders.chance(0.5) ? "paused" : "drained");
  cluster.want("running");
  for (const index of cluster.running) cluster.hearOrders(index);
  // Those that run may all be about to leave; and an empty disk joins.
  cluster.start(MACHINES);
  await cluster.runUntil(() => cluster.isIdle(), CALM_STEPS_MAX, "idle");
  if (workload.sentLast.length > 0) await workload.produce(cluster.log, cluster.registry, workload.sentLast);
  cluster.commitNow();
  const settledMs = cluster.clock.now() + workload.settleMs;
  await cluster.runUntil(
    async () => cluster.clock.now() >= settledMs && (await cluster.isIdle()),
    CALM_STEPS_MAX,
    "idle a second time",
  );
  for (const index of cluster.running) cluster.stop(index);
  await cluster.runUntil(() => cluster.running.length === 0, CALM_STEPS_MAX, "stopped");
}
