import { MulgilError } from "../../schemas/mulgil-error.ts";
import { TaskMigratedError } from "../errors/errors.ts";
import { IndefiniteTransactionError } from "../log/log-errors.ts";
import type { FetchedBatch, GroupConsumer, TopicPartition } from "../log/port.ts";
import type { SubTopology } from "../plan/plan.ts";
import type { JobRuntime } from "./job-runtime.ts";
import { promptly } from "./promptly.ts";
import { startTask } from "./start-task.ts";
import type { Task } from "./task.ts";
import { encodeMemberData, taskAssignor } from "./task-assignor.ts";
import { taskId } from "./task-id.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

export interface WorkerOptions {
  readonly id: string;
  readonly runtime: JobRuntime;
  readonly environment: WorkerEnvironment;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
}

/**
 * A task as its worker holds it:
 *
 *   starting ──► running ──► (failed: starting again, or lost)
 *      └──────────┴──► gone: closed
 */
type Slot =
  | {
      readonly status: "starting";
      readonly id: string;
      readonly inputs: readonly TopicPartition[];
      readonly started: Promise<void>;
      readonly abort: AbortController;
    }
  | {
      readonly status: "running";
      readonly id: string;
      readonly inputs: readonly TopicPartition[];
      readonly task: Task;
      paused: boolean;
    };

/** One turn of the loop processes at most so many records, then lets others have the event loop. */
const SLICE_RECORDS_MAX = 1_000;
const POLL_WAIT_MAX_MS = 100;
/** A task with so many waiting records is not fetched for until half of them are gone. */
const WAITING_RECORDS_MAX = 20_000;
const RESTART_DELAY_MS = 100;
const PURGE_EVERY_MS = 30_000;

/**
 * A member of the job's group: fetches for its tasks, advances the one whose records are oldest, commits, and gives up or takes on tasks as
 * the group decides. One loop; everything but starting tasks happens in it, one thing after the other.
 */
export class Worker {
  readonly id: string;
  readonly #options: WorkerOptions;
  readonly #environment: WorkerEnvironment;
  readonly #runtime: JobRuntime;
  readonly #slots = new Map<string, Slot>();
  readonly #stop = new AbortController();
  #consumer: GroupConsumer | undefined;
  #commitAtMs = 0;
  #purgeAtMs = 0;
  #commitRequests: (() => void)[] = [];
  #fatal: { readonly error: unknown } | undefined;
  #rejoin = false;
  #closing: Promise<unknown>[] = [];

  constructor(options: WorkerOptions) {
    this.id = options.id;
    this.#options = options;
    this.#environment = options.environment;
    this.#runtime = options.runtime;
  }

  get job(): string {
    return this.#runtime.job.name;
  }

  /** Tasks that are up, and whether anything in them is not yet committed. */
  get standing(): { readonly running: number; readonly starting: number; readonly busy: boolean } {
    const slots = [...this.#slots.values()];
    const running = slots.filter((slot) => slot.status === "running");
    return {
      running: running.length,
      starting: slots.length - running.length,
      busy: running.some(({ task }) => task.waiting > 0 || task.isDirty || task.isCommitting || task.isSuspended),
    };
  }

  /** Runs until `stop`, or until something is wrong that a restart of a task cannot mend. */
  async run(): Promise<void> {
    try {
      while (!this.#stop.signal.aborted) {
        this.#consumer ??= await this.#join();
        await this.#turn(this.#consumer);
        if (this.#fatal !== undefined) throw this.#fatal.error;
        if (this.#rejoin) await this.#leave();
        await this.#environment.turn();
      }
      await this.#commitAll();
      this.#throwIfFatal();
    } finally {
      await this.#leave();
      this.#answerCommitRequests();
    }
  }

  /** Ends `run` after a last commit. */
  stop(): void {
    this.#stop.abort();
  }

  /** Resolves after the next commit of all tasks. */
  commitNow(): Promise<void> {
    this.#commitAtMs = 0;
    return new Promise((resolve) => this.#commitRequests.push(resolve));
  }

  async #join(): Promise<GroupConsumer> {
    const { plan } = this.#runtime;
    this.#commitAtMs = this.#environment.clock.now() + plan.commitEveryMs;
    return await this.#environment.log.joinGroup({
      groupId: plan.job,
      clientId: this.id,
      topics: [...new Set(plan.subTopologies.flatMap(({ sources }) => sources))],
      assignor: taskAssignor(plan),
      listener: {
        userData: () =>
          encodeMemberData({ tasks: [...this.#slots.keys()], plan: { version: plan.version, hash: plan.hash } }),
        onRebalance: () => this.#commitAll(),
        onAssigned: (partitions, generation) => this.#assign(partitions, generation),
        onLost: () => this.#lose(),
      },
      ...(this.#options.sessionTimeoutMs !== undefined && { sessionTimeoutMs: this.#options.sessionTimeoutMs }),
      ...(this.#options.rebalanceTimeoutMs !== undefined && { rebalanceTimeoutMs: this.#options.rebalanceTimeoutMs }),
    });
  }

  async #turn(consumer: GroupConsumer): Promise<void> {
    for (const batch of await consumer.poll(this.#pollWaitMs())) await this.#accept(batch);
    await this.#advanceWallClock();
    await this.#processSlice();
    await this.#commitIfDue();
    await this.#purgeIfDue();
    this.#throttle(consumer);
    this.#dropFailed();
  }

  async #accept(batch: FetchedBatch): Promise<void> {
    const slot = [...this.#slots.values()].find(({ inputs }) =>
      inputs.some((input) => input.topic === batch.topic && input.partition === batch.partition),
    );
    // A batch for a task that has just failed or gone is read again by whoever runs it next.
    if (slot?.status === "running") await slot.task.accept(batch);
  }

  async #processSlice(): Promise<void> {
    let left = SLICE_RECORDS_MAX;
    while (left > 0) {
      const oldest = this.#oldestTask();
      if (oldest === undefined) return;
      left -= await oldest.process(left);
      if (oldest.wantsCommit) {
        this.#commitAtMs = 0;
        return;
      }
    }
  }

  #oldestTask(): Task | undefined {
    let oldest: Task | undefined;
    let oldestMs = Infinity;
    for (const slot of this.#slots.values()) {
      if (slot.status !== "running" || slot.task.failure !== undefined) continue;
      // While a commit is on its way, buffers may grow to their limit once more, and no further.
      if (slot.task.isCommitting && slot.task.wantsCommit) continue;
      const headMs = slot.task.headTimestampMs;
      if (headMs !== undefined && headMs < oldestMs) {
        oldest = slot.task;
        oldestMs = headMs;
      }
    }
    return oldest;
  }

  async #advanceWallClock(): Promise<void> {
    const nowMs = this.#environment.clock.now();
    for (const slot of this.#slots.values()) {
      if (slot.status === "running" && slot.task.failure === undefined && slot.task.nextWallClockMs <= nowMs)
        await promptly(this.#environment.clock, slot.task.advanceWallClock());
    }
  }

  async #commitIfDue(): Promise<void> {
    if (this.#environment.clock.now() < this.#commitAtMs) return;
    if (this.#commitRequests.length > 0) {
      await this.#commitAll();
      this.#answerCommitRequests();
    } else await this.#beginCommits();
    this.#commitAtMs = this.#environment.clock.now() + this.#runtime.plan.commitEveryMs;
  }

  /** Starts the commit of every task that has none under way; processing goes on meanwhile. */
  async #beginCommits(): Promise<void> {
    for (const slot of this.#slots.values()) {
      if (slot.status !== "running" || slot.task.isCommitting || slot.task.isSuspended) continue;
      await promptly(this.#environment.clock, slot.task.beginCommit());
    }
  }

  /** Commits everything and waits for it. What fails shows in the task's failure. */
  async #commitAll(): Promise<void> {
    for (const slot of this.#slots.values()) {
      if (slot.status !== "running") continue;
      await slot.task.settled();
      await slot.task.beginCommit();
    }
    for (const slot of this.#slots.values()) if (slot.status === "running") await slot.task.settled();
    this.#dropFailed();
  }

  /** Repartition topics keep everything for ever, so what is committed is removed from them. */
  async #purgeIfDue(): Promise<void> {
    const nowMs = this.#environment.clock.now();
    if (nowMs < this.#purgeAtMs) return;
    this.#purgeAtMs = nowMs + PURGE_EVERY_MS;
    const before = [...this.#slots.values()].flatMap((slot) => (slot.status === "running" ? slot.task.purgeable : []));
    if (before.length > 0) await this.#environment.log.deleteRecords(before);
  }

  #answerCommitRequests(): void {
    for (const resolve of this.#commitRequests.splice(0)) resolve();
  }

  async #assign(partitions: readonly TopicPartition[], generation: number): Promise<void> {
    const wanted = this.#tasksOf(partitions);
    await Promise.all([...this.#slots.values()].filter(({ id }) => !wanted.has(id)).map((slot) => this.#drop(slot)));
    for (const [id, { subTopology, partition }] of wanted) {
      const slot = this.#slots.get(id);
      if (slot === undefined) this.#start(id, subTopology, partition, 0);
      else if (slot.status === "running") this.#position(slot);
    }
    this.#environment.onEvent({
      kind: "assigned",
      job: this.#runtime.job.name,
      worker: this.id,
      tasks: [...wanted.keys()].sort(),
      generation,
    });
  }

  #tasksOf(
    partitions: readonly TopicPartition[],
  ): ReadonlyMap<string, { readonly subTopology: SubTopology; readonly partition: number }> {
    const { subTopologies } = this.#runtime.plan;
    return new Map(
      partitions.map(({ topic, partition }) => {
        const subTopology = subTopologies.find(({ sources }) => sources.includes(topic))!;
        return [taskId(subTopology.name, partition), { subTopology, partition }];
      }),
    );
  }

  #start(id: string, subTopology: SubTopology, partition: number, delayMs: number): void {
    const abort = new AbortController();
    const started = this.#startInBackground({ id, subTopology, partition, abort, delayMs });
    this.#slots.set(id, {
      status: "starting",
      id,
      inputs: subTopology.sources.map((topic) => ({ topic, partition })),
      started,
      abort,
    });
  }

  /** Never rejects: what goes wrong ends in a restart, a rejoin, or the end of the worker. */
  async #startInBackground(start: {
    id: string;
    subTopology: SubTopology;
    partition: number;
    abort: AbortController;
    delayMs: number;
  }): Promise<void> {
    const { id, subTopology, partition, abort, delayMs } = start;
    const { environment, runtime } = this.#options;
    const isCurrent = () => {
      const slot = this.#slots.get(id);
      return slot?.status === "starting" && slot.abort === abort;
    };
    try {
      if (delayMs > 0) await environment.clock.sleep(delayMs, abort.signal);
      // The slot is set once the caller has this promise.
      await Promise.resolve();
      const task = await startTask({
        runtime,
        environment,
        subTopology,
        partition,
        consumer: this.#consumerForCommits(),
        signal: abort.signal,
      });
      if (!isCurrent()) return await task.close();
      const slot: Slot = { status: "running", id, inputs: task.inputs, task, paused: false };
      this.#slots.set(id, slot);
      this.#position(slot);
      environment.onEvent({ kind: "running", job: runtime.job.name, task: id });
    } catch (error) {
      if (!isCurrent()) return;
      this.#slots.delete(id);
      this.#recover(id, subTopology, partition, error);
    }
  }

  #consumerForCommits() {
    return { commit: (...args: Parameters<GroupConsumer["commit"]>) => this.#consumer!.commit(...args) };
  }

  #position(slot: Extract<Slot, { status: "running" }>): void {
    this.#consumer!.seek(slot.task.fetchPositions);
    if (slot.paused) this.#consumer!.pause(slot.inputs);
  }

  /** Tasks whose commit failed are dropped, and started again from the log where that can help. */
  #dropFailed(): void {
    for (const slot of this.#slots.values()) {
      if (slot.status !== "running" || slot.task.failure === undefined) continue;
      const { subTopology, partition } = this.#tasksOf(slot.inputs).get(slot.id)!;
      this.#slots.delete(slot.id);
      this.#closing.push(slot.task.close().catch(() => undefined));
      this.#recover(slot.id, subTopology, partition, slot.task.failure);
    }
  }

  #recover(id: string, subTopology: SubTopology, partition: number, error: unknown): void {
    if (error instanceof TaskMigratedError) {
      this.#rejoin = true;
    } else if (
      error instanceof IndefiniteTransactionError ||
      (error instanceof MulgilError && error.code === "STATE_CORRUPTED")
    ) {
      this.#environment.onEvent({ kind: "restarting", job: this.#runtime.job.name, task: id, error });
      this.#start(id, subTopology, partition, RESTART_DELAY_MS);
    } else this.#fatal ??= { error };
  }

  #throttle(consumer: GroupConsumer): void {
    for (const slot of this.#slots.values()) {
      if (slot.status !== "running") continue;
      const { waiting } = slot.task;
      if (!slot.paused && waiting > WAITING_RECORDS_MAX) {
        consumer.pause(slot.inputs);
        slot.paused = true;
      } else if (slot.paused && waiting < WAITING_RECORDS_MAX / 2) {
        consumer.resume(slot.inputs);
        slot.paused = false;
      }
    }
  }

  #pollWaitMs(): number {
    if (this.#stop.signal.aborted || this.#oldestTask() !== undefined) return 0;
    const wakeAtMs = [...this.#slots.values()].reduce(
      (wake, slot) => (slot.status === "running" ? Math.min(wake, slot.task.nextWallClockMs) : wake),
      this.#commitAtMs,
    );
    return Math.max(0, Math.min(POLL_WAIT_MAX_MS, wakeAtMs - this.#environment.clock.now()));
  }

  async #drop(slot: Slot): Promise<void> {
    this.#slots.delete(slot.id);
    if (slot.status === "starting") {
      slot.abort.abort();
      await slot.started;
    } else await slot.task.close();
    this.#environment.onEvent({ kind: "closed", job: this.#runtime.job.name, task: slot.id });
  }

  /** The group has gone on without this member: nothing may be committed any more. */
  #lose(): void {
    this.#environment.onEvent({ kind: "lost", job: this.#runtime.job.name, worker: this.id });
    for (const slot of [...this.#slots.values()]) this.#closing.push(this.#drop(slot).catch(() => undefined));
  }

  async #leave(): Promise<void> {
    this.#rejoin = false;
    await Promise.allSettled([
      ...[...this.#slots.values()].map((slot) => this.#drop(slot)),
      ...this.#closing.splice(0),
    ]);
    const consumer = this.#consumer;
    this.#consumer = undefined;
    await consumer?.close();
  }

  #throwIfFatal(): void {
    if (this.#fatal !== undefined) throw this.#fatal.error;
  }
}
