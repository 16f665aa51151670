import type { SchemaRegistry } from "../../../schemas/registry.ts";
import type { Job } from "../../dsl/define-job.ts";
import type { Log } from "../../log/port.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

/** A job, what arrives while it runs, and what must hold of what it makes of that. */
export interface Workload<Sent> {
  readonly job: Job;
  /** Handed the cluster before its first worker starts. */
  readonly opened?: (cluster: SimulatedCluster) => void;
  /** Makes the topics that the job reads. */
  createSources(log: Log): Promise<void>;
  /** What arrives, in order. */
  readonly sent: readonly Sent[];
  /** What arrives when all of that has been processed. */
  readonly sentLast: readonly Sent[];
  /** Produces as a client would. */
  produce(log: Log, registry: SchemaRegistry, some: readonly Sent[]): Promise<void>;
  /**
   * Whether workers may stand still longer than their session: under at-least-once they are zombies then, which nobody fences, and state may
   * count too little (docs/GUARANTEES.md).
   */
  readonly mayPause: boolean;
  /** Whether disks may refuse a write, and stores be damaged. */
  readonly mayDamage: boolean;
  /** How far the clock must move at the end for timers on the wall to have fired. */
  readonly settleMs: number;
  /** At any moment. */
  checkMeanwhile(cluster: SimulatedCluster): Promise<void>;
  /** When all has been processed and all workers have stopped. */
  checkResults(cluster: SimulatedCluster): Promise<void>;
}
