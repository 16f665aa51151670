import { MemoryLevel } from "memory-level";
import { openEmbeddedRegistry } from "../../../schemas/embedded-registry.ts";
import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import { type MemoryDisk, memoryDisk } from "../../../state/memory-disk.ts";
import type { Checkpoint } from "../../../state/store.ts";
import type { Job } from "../../dsl/define-job.ts";
import { InvariantError } from "../../errors/errors.ts";
import type { EmbeddedLog } from "../../log/embedded/embedded-log.ts";
import { memoryLog } from "../../log/embedded/memory-log.ts";
import type { Log } from "../../log/port.ts";
import { compile } from "../../plan/compile.ts";
import { type CommitFunction, commit } from "../../worker/commit.ts";
import { isIdle } from "../../worker/idle.ts";
import { type JobRuntime, prepareJob } from "../../worker/job-runtime.ts";
import { ensureJobTopics } from "../../worker/job-topics.ts";
import { Worker } from "../../worker/worker.ts";
import type { WantedStatus } from "../../worker/worker-orders.ts";
import { ManualClock } from "../manual-clock.ts";
import { SeededRandom } from "../seeded-random.ts";
import { withMortalCalls } from "./mortal-calls.ts";
import { Scheduler } from "./scheduler.ts";
import { simulatedDisk } from "./simulated-disk.ts";
import { simulatedLog } from "./simulated-log.ts";

/** Parts of a cluster that a mutant replaces, to see whether the simulator notices. */
export interface Mutation {
  readonly commit?: CommitFunction;
  readonly log?: (log: Log) => Log;
}

export interface ClusterOptions {
  readonly seed: number;
  readonly job: Job;
  readonly mutation?: Mutation;
  /** Chance that the answer to a transaction's end is lost. */
  readonly lostAnswers: number;
  /** All workers on one machine, with one state directory; otherwise each has its own. */
  readonly sharedDisk: boolean;
}

interface Machine {
  readonly name: string;
  readonly disk: MemoryDisk;
}

interface Process {
  /** Unique: a worker that is started again is another process. */
  readonly actor: string;
  readonly machine: Machine;
  readonly worker: Worker;
  readonly held: Set<string>;
  /** What it has heard that is wanted. */
  wanted: WantedStatus;
  failsToWrite: boolean;
  isKilled: boolean;
  ended: { readonly error: unknown } | "stopped" | undefined;
}

export const SESSION_TIMEOUT_MS = 3_000;
const REBALANCE_TIMEOUT_MS = 5_000;
const TRANSACTION_TIMEOUT_MS = 8_000;
/** Shorter than a worker stands still now and then. */
const DRAIN_TIMEOUT_MS = 2_000;
const WRITE_FAILED = "STATE_WRITE_FAILED";

/** A group of workers on the embedded log, in one process, under one clock and one seed. */
export class SimulatedCluster {
  readonly clock = new ManualClock();
  readonly random: SeededRandom;
  readonly scheduler: Scheduler;
  readonly log: EmbeddedLog;
  readonly registry: SchemaRegistry;
  readonly runtime: JobRuntime;
  readonly #options: ClusterOptions;
  readonly #machines: Machine[];
  readonly #processes = new Map<number, Process>();
  #started = 0;
  #wanted: WantedStatus = "running";
  /** Who stands still on an order, and how much the job had processed by then. */
  #still: { readonly actors: string; readonly recordsIn: number } | undefined;
  /** The first broken invariant that was seen on the way. */
  violation: Error | undefined;

  private constructor(
    options: ClusterOptions,
    parts: {
      clock: ManualClock;
      random: SeededRandom;
      log: EmbeddedLog;
      registry: SchemaRegistry;
      runtime: JobRuntime;
    },
  ) {
    this.#options = options;
    this.clock = parts.clock;
    this.random = parts.random;
    this.log = parts.log;
    this.registry = parts.registry;
    this.runtime = parts.runtime;
    this.scheduler = new Scheduler(this.clock, this.random);
    const shared: Machine = { name: "shared", disk: memoryDisk() };
    this.#machines = Array.from({ length: 8 }, (_, index) =>
      options.sharedDisk ? shared : { name: `m${index}`, disk: memoryDisk() },
    );
  }

  /** Opens a cluster without workers; `prepare` makes the source topics. */
  static async open(options: ClusterOptions, prepare: (log: EmbeddedLog) => Promise<void>): Promise<SimulatedCluster> {
    const clock = new ManualClock();
    const random = new SeededRandom(options.seed);
    const log = await memoryLog({ clock, random: () => random.next(), transactionTimeoutMs: TRANSACTION_TIMEOUT_MS });
    const registry = await openEmbeddedRegistry(new MemoryLevel());
    await prepare(log);
    const plan = compile(options.job);
    const partitionCounts = (await ensureJobTopics(log, [plan])).get(options.job.name)!;
    const runtime = await prepareJob({ job: options.job, plan, partitionCounts, registry });
    return new SimulatedCluster(options, { clock, random, log, registry, runtime });
  }

  get running(): readonly number[] {
    return [...this.#processes].filter(([, process]) => process.ended === undefined).map(([index]) => index);
  }

  /** Starts a worker on machine `index`, after its predecessor there has died or stopped. */
  start(index: number): void {
    const machine = this.#machines[index]!;
    const actor = `w${index}.${this.#started++}`;
    const held = new Set<string>();
    const gate = (step: string) => this.scheduler.gate(actor, step);
    const steps = {
      gate,
      shuffle: <T>(items: readonly T[]) =>
        items
          .map((item) => ({ item, at: this.random.next() }))
          .sort((left, right) => left.at - right.at)
          .map(({ item }) => item),
      loseAnswer: () =>
        this.random.chance(this.#options.lostAnswers)
          ? this.random.chance(0.5)
            ? ("before" as const)
            : ("after" as const)
          : undefined,
      onCheckpoint: (path: string, checkpoint: Checkpoint) => this.#checkCheckpoint(path, checkpoint),
      onOpen: (path: string) => {
        held.add(path);
        // Killed while the database was being opened: a dead process holds nothing.
        if (process.ended !== undefined) machine.disk.abandon(path);
      },
      onClose: (path: string) => void held.delete(path),
      failWrite: () => {
        const fails = process.failsToWrite;
        process.failsToWrite = false;
        return fails ? new MulgilError("simulated: the disk took no write", { code: WRITE_FAILED }) : undefined;
      },
    };
    const mutate = this.#options.mutation?.log ?? ((log: Log) => log);
    const worker = new Worker({
      id: actor,
      runtime: withMortalCalls(this.runtime, () => process.isKilled),
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      environment: {
        log: mutate(simulatedLog(this.log, steps)),
        disk: simulatedDisk(machine.disk, steps),
        location: machine.name,
        clock: this.clock,
        turn: () => gate("turn"),
        commit: this.#options.mutation?.commit ?? commit,
        onEvent: () => undefined,
      },
    });
    const flags = { failsToWrite: false, isKilled: false, ended: undefined, wanted: this.#wanted };
    const process: Process = { actor, machine, worker, held, ...flags };
    this.#processes.set(index, process);
    worker.want(this.#wanted, DRAIN_TIMEOUT_MS);
    worker.run().then(
      () => {
        process.ended = "stopped";
      },
      (error: unknown) => {
        process.ended = { error };
        if (error instanceof MulgilError && error.code === WRITE_FAILED) return;
        this.violation ??= new InvariantError(`worker ${actor} died by itself`, { cause: error });
      },
    );
  }

  /** Kills the worker of a machine where it stands. */
  kill(index: number): void {
    const process = this.#processes.get(index)!;
    this.scheduler.kill(process.actor);
    process.isKilled = true;
    process.ended = "stopped";
    for (const path of process.held) process.machine.disk.abandon(path);
  }

  /** Machines of which the worker has done a part of a commit outside of transactions, and not all of it. */
  get halfCommitted(): readonly number[] {
    const actors = new Set(this.scheduler.standingAt(/^(produce|commitOffsets) done$/));
    return this.running.filter((index) => actors.has(this.#processes.get(index)!.actor));
  }

  /** From now on what a worker writes to its disk looks written, and is lost if it is killed. */
  tear(index: number): void {
    const process = this.#processes.get(index)!;
    for (const path of process.held) process.machine.disk.tearNextWrite(path);
  }

  /** The next write to its disk fails: the worker dies of it, in good order. */
  failWrite(index: number): void {
    this.#processes.get(index)!.failsToWrite = true;
  }

  /** Kills the worker of a machine in a way that leaves one of its stores damaged. */
  corrupt(index: number): void {
    const { held, machine } = this.#processes.get(index)!;
    const [damaged] = held.size > 0 ? [this.random.pick([...held])] : [];
    this.kill(index);
    if (damaged !== undefined) machine.disk.corrupt(damaged);
  }

  /** No write that has not failed yet will. */
  mendDisks(): void {
    for (const process of this.#processes.values()) process.failsToWrite = false;
  }

  /** Every disk there is. */
  get disks(): readonly MemoryDisk[] {
    return [...new Set(this.#machines.map(({ disk }) => disk))];
  }

  pause(index: number, ms: number): void {
    this.scheduler.pause(this.#processes.get(index)!.actor, ms);
  }

  /** Asks a worker to leave in good order. */
  stop(index: number): void {
    this.#processes.get(index)!.worker.stop();
  }

  /** Wants something else of the job. Workers hear of it one by one, see `hearOrders`; those that start later know. */
  want(wanted: WantedStatus): void {
    this.#wanted = wanted;
  }

  /** Has a worker hear what is wanted. */
  hearOrders(index: number): void {
    const process = this.#processes.get(index)!;
    if (process.wanted === this.#wanted) return;
    process.wanted = this.#wanted;
    process.worker.want(this.#wanted, DRAIN_TIMEOUT_MS);
  }

  /** Has a worker leave and join again. */
  restart(index: number): void {
    this.#processes.get(index)!.worker.restart(DRAIN_TIMEOUT_MS);
  }

  /** While all workers stand still on an order nothing is processed. */
  checkOrders(): void {
    const living = this.running.map((index) => this.#processes.get(index)!);
    const isStill = living.every(({ worker }) => worker.activity === "paused" || worker.activity === "drained");
    const actors = living.map(({ actor }) => actor).join();
    const { recordsIn } = this.runtime.metrics;
    // Nobody stands still where nobody is: who has come and gone since may have worked.
    if (isStill && actors !== "" && this.#still?.actors === actors && recordsIn !== this.#still.recordsIn)
      this.violation ??= new InvariantError(`paused or drained, and yet records are processed by ${actors}`);
    this.#still = isStill ? { actors, recordsIn } : undefined;
  }

  /** All workers have carried out an order, and the group knows it. */
  async isStill(wanted: "paused" | "drained"): Promise<boolean> {
    const living = this.running.map((index) => this.#processes.get(index)!);
    if (!living.every(({ worker }) => worker.activity === wanted)) return false;
    if (wanted === "paused")
      return living.every(({ worker: { standing } }) => standing.isAssigned && standing.starting === 0);
    return (await this.log.describeGroup(this.runtime.plan.job)).status === "empty";
  }

  commitNow(): void {
    for (const index of this.running) void this.#processes.get(index)!.worker.commitNow();
  }

  isIdle(): Promise<boolean> {
    return isIdle(
      this.log,
      [this.runtime],
      this.running.map((index) => this.#processes.get(index)!.worker),
    );
  }

  /** Steps until the condition holds; throws if it does not within the bound, or an invariant breaks. */
  async runUntil(condition: () => boolean | Promise<boolean>, stepsMax: number, what: string): Promise<void> {
    for (let steps = 0; steps < stepsMax; steps++) {
      if (this.violation !== undefined) throw this.violation;
      if (steps % 16 === 0 && (await condition())) return;
      if (!(await this.scheduler.step())) {
        if (await condition()) return;
        throw new InvariantError(`stuck: nothing can happen any more, and yet not ${what}`);
      }
    }
    if (this.violation !== undefined) throw this.violation;
    if (!(await condition())) throw new InvariantError(`not ${what} after ${stepsMax} steps`);
  }

  /** The disk is never ahead of the log. */
  #checkCheckpoint(path: string, checkpoint: Checkpoint): void {
    const [, task, store] = path.split("/") as [string, string, string];
    const partition = Number(task.slice(task.lastIndexOf("_") + 1));
    const planned = this.runtime.plan.subTopologies.flatMap(({ stores }) => stores).find(({ name }) => name === store)!;
    const { lastStableOffset } = this.log.inspect.partition(planned.changelog, partition);
    if (checkpoint.nextOffset > lastStableOffset) {
      this.violation ??= new InvariantError(
        `the disk is ahead of the log: ${path} has reached ${checkpoint.nextOffset}, ${planned.changelog} is stable up to ${lastStableOffset}`,
      );
    }
  }
}
