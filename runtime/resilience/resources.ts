import type { Clock } from "../time/clock.ts";
import { AbortCallbacks } from "./abort-callbacks.ts";
import { Others } from "./others.ts";
import type { ReadPolicy } from "./read-policy.ts";
import { ResourceGuard } from "./resource-guard.ts";
import type { ResourceMeasures } from "./resource-measures.ts";
import type { News, ResourceReport } from "./resource-report.ts";
import { WaitingOrders } from "./waiting-orders.ts";
import { WorkerPermits } from "./worker-permits.ts";

/** More institutions than anybody calls: names that are none (a customer's id, say) must not fill the memory. */
const RESOURCES_MAX = 10_000;

export interface ResourcesOptions {
  readonly step: string;
  /** Its id; unique among those of the job that run. */
  readonly worker: string;
  readonly clock: Clock;
  /** Asked when an institution is first called, and again after it was forgotten. */
  readonly policyOf: (resource: string) => ReadPolicy;
  /** Calls under way at once, over all institutions. */
  readonly concurrency: number;
}

/** All institutions that one worker calls for one step. */
export class Resources {
  /** What people have ordered about what waits for them. */
  readonly waitingOrders = new WaitingOrders();
  readonly #options: ResourcesOptions;
  readonly #guards = new Map<string, ResourceGuard>();
  readonly #others = new Map<string, Others>();
  readonly #workerPermits: WorkerPermits;
  readonly #onAbort = new AbortCallbacks();

  constructor(options: ResourcesOptions) {
    this.#options = options;
    this.#workerPermits = new WorkerPermits(options.concurrency, this.#onAbort);
  }

  get step(): string {
    return this.#options.step;
  }

  /** Of one institution; made on first use. Ask for it each time: what nobody has used for ten minutes, and has nothing to remember, is forgotten. */
  guard(resource: string): ResourceGuard {
    let guard = this.#guards.get(resource);
    if (guard === undefined) {
      if (this.#guards.size >= RESOURCES_MAX) this.#forgetOne();
      guard = this.#newGuard(resource);
      this.#guards.set(resource, guard);
    }
    return guard;
  }

  /** What this worker tells the others. Forgets what is idle. */
  snapshot(nowMs: number): readonly ResourceReport[] {
    for (const [resource, guard] of this.#guards) if (guard.isIdle(nowMs)) this.#forget(resource);
    return Array.from(this.#guards.values(), (guard) => {
      guard.heedOthers();
      return guard.report(nowMs);
    });
  }

  get measures(): readonly ResourceMeasures[] {
    return Array.from(this.#guards.values(), (guard) => guard.measures);
  }

  /** What this worker hears from them, and from people; all at once counts, in whatever order it comes. */
  apply(news: readonly News[]): void {
    const heard = new Set<string>();
    for (const each of news) {
      if (each.kind === "waiting") this.waitingOrders.hear(each.name, each.order, this.#options.clock.now());
      else heard.add(this.#take(each));
    }
    for (const resource of heard) {
      const guard = this.#guards.get(resource);
      if (guard === undefined) this.#forget(resource);
      else guard.heedOthers();
    }
  }

  /** Calls that are being made. */
  get calling(): number {
    return this.#workerPermits.taken;
  }

  /** Begins no call as long as it is held, also of what waits for a permit. */
  hold(isHeld: boolean): void {
    this.#workerPermits.hold(isHeld);
  }

  /** Sends away what waits for permits; calls under way end by their own signals. */
  close(): void {
    for (const guard of this.#guards.values()) guard.close();
    this.#workerPermits.clear();
    this.#guards.clear();
  }

  #newGuard(resource: string): ResourceGuard {
    const { step, worker, clock, policyOf } = this.#options;
    return new ResourceGuard({
      ...{ step, resource, worker, clock, policy: policyOf(resource) },
      ...{ workerPermits: this.#workerPermits, onAbort: this.#onAbort, others: this.#othersOf(resource) },
    });
  }

  #take(news: Exclude<News, { kind: "waiting" }>): string {
    if (news.kind === "report") {
      const { resource, worker, circuit } = news.report;
      if (worker === this.#options.worker) this.#othersOf(resource).remember(circuit);
      else this.#othersOf(resource).hear(news.report);
      return resource;
    }
    const others = this.#othersOf(news.resource);
    if (news.kind === "gone") others.forget(news.worker);
    else {
      const isNew = news.override !== undefined && news.override.atMs !== others.override?.atMs;
      others.order(news.override);
      if (isNew && news.override.state === "reset") this.#guards.get(news.resource)?.reset(news.override);
    }
    return news.resource;
  }

  #othersOf(resource: string): Others {
    let others = this.#others.get(resource);
    if (others === undefined) {
      others = new Others();
      this.#others.set(resource, others);
    }
    return others;
  }

  /** The oldest that nobody uses. */
  #forgetOne(): void {
    for (const [resource, guard] of this.#guards) {
      if (guard.isInUse) continue;
      this.#forget(resource);
      return;
    }
  }

  /** Except what the others say. */
  #forget(resource: string): void {
    this.#guards.delete(resource);
    if (this.#others.get(resource)?.isEmpty) this.#others.delete(resource);
  }
}
