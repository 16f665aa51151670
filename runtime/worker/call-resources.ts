import type { CallNode } from "../dsl/topology.ts";
import { type ReadPolicy, readPolicy } from "../resilience/read-policy.ts";
import type { ResourceGuard } from "../resilience/resource-guard.ts";
import type { ResourceMeasures } from "../resilience/resource-measures.ts";
import { Resources } from "../resilience/resources.ts";
import type { WaitingOrders } from "../resilience/waiting-orders.ts";
import type { Clock } from "../time/clock.ts";
import { CircuitSharing } from "./circuit-sharing.ts";
import type { JobRuntime } from "./job-runtime.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

/** What the tasks of one worker share for the calls of one step: permits, circuits and limits of its institutions. */
export interface StepResources {
  guard(resource: string): ResourceGuard;
  policyOf(resource: string): ReadPolicy;
  readonly waitingOrders: WaitingOrders;
}

export interface CallResourcesOptions {
  readonly runtime: JobRuntime;
  /** Id of the worker. */
  readonly worker: string;
  readonly clock: Clock;
  /** Where workers share what they know of institutions; absent, each knows its own. */
  readonly shared?: Pick<WorkerEnvironment, "log" | "onEvent">;
}

/** Policies of more institutions are read anew. */
const POLICIES_MAX = 10_000;

/** The institutions that a worker calls, by step. */
export class CallResources {
  readonly steps: ReadonlyMap<string, StepResources>;
  readonly #resources: readonly Resources[];
  readonly #sharing: CircuitSharing | undefined;

  constructor({ runtime, worker, clock, shared }: CallResourcesOptions) {
    const calls = runtime.job.topology.nodes.filter((node) => node.kind === "call");
    const opened = calls.map((node) => {
      const policyOf = rememberedPolicies(node);
      const resources = new Resources({ step: node.id, worker, clock, policyOf, concurrency: node.concurrency });
      const { waitingOrders } = resources;
      const guard = (resource: string) => resources.guard(resource);
      return { step: node.id, resources, policyOf, waitingOrders, guard };
    });
    this.steps = new Map(opened.map((each) => [each.step, each]));
    this.#resources = opened.map(({ resources }) => resources);
    if (shared !== undefined && opened.length > 0)
      this.#sharing = new CircuitSharing({
        ...{ job: runtime.job.name, worker, clock, resources: this.#resources },
        ...{ log: shared.log, onEvent: shared.onEvent },
      });
  }

  get measures(): readonly ResourceMeasures[] {
    return this.#resources.flatMap((resources) => resources.measures);
  }

  /** Learns what the others know: before the first call. */
  async start(): Promise<void> {
    await this.#sharing?.start();
  }

  /** Tells and hears, beside whatever else goes on; nobody need wait for it. Never rejects. */
  async tick(nowMs: number): Promise<void> {
    await this.#sharing?.tick(nowMs);
  }

  /** Calls that are being made. */
  get calling(): number {
    return this.#resources.reduce((sum, { calling }) => sum + calling, 0);
  }

  /** Begins no call as long as they are held. */
  hold(isHeld: boolean): void {
    for (const resources of this.#resources) resources.hold(isHeld);
  }

  async close(): Promise<void> {
    await this.#sharing?.close();
    for (const resources of this.#resources) resources.close();
  }
}

/** What is wrong with a policy has been told by `validate` where it is one for all; in one of an institution a default stands in for it. */
function rememberedPolicies({ policy }: CallNode): (resource: string) => ReadPolicy {
  if (typeof policy !== "function") {
    const read = readPolicy(policy).policy;
    return () => read;
  }
  const policies = new Map<string, ReadPolicy>();
  return (resource) => {
    const known = policies.get(resource);
    if (known !== undefined) return known;
    if (policies.size >= POLICIES_MAX) policies.clear();
    const read = readPolicy(policy(resource)).policy;
    policies.set(resource, read);
    return read;
  };
}
