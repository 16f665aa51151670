import { MulgilError } from "../../schemas/mulgil-error.ts";
import { TaskMigratedError } from "../errors/errors.ts";
import { IndefiniteTransactionError } from "../log/log-errors.ts";
import type { FetchedBatch, GroupConsumer, MemberAssignment, TopicPartition } from "../log/port.ts";
import type { SubTopology } from "../plan/plan.ts";
import type { JobRuntime } from "./job-runtime.ts";
import { decodeAssignmentData, encodeMemberData, type MemberData } from "./member-data.ts";
import type { MemberStatus, ProcessIdentity } from "./member-status.ts";
import { promptly } from "./promptly.ts";
import { type RefusedPosition, refusedPosition } from "./refused-position.ts";
import { Standbys } from "./standbys.ts";
import { startTask } from "./start-task.ts";
import type { Task } from "./task.ts";
import { LAG_ACCEPTABLE, taskAssignor } from "./task-assignor.ts";
import { taskId } from "./task-id.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

export interface WorkerOptions {
  readonly id: string;
  readonly runtime: JobRuntime;
  readonly environment: WorkerEnvironment;
  readonly identity?: ProcessIdentity;
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
      /** Aborted when the task is given up: from then on it commits no offsets. */
      readonly abort: AbortController;
      readonly task: Task;
      /** Topics of which so much waits that no more is fetched. */
      readonly paused: Set<string>;
      /** Positions that the log refuses. Nothing is fetched then; when all is committed the task starts again, which finds what to do. */
      readonly refused: Map<string, RefusedPosition>;
    };

/** Why a task is started once more. */
interface Restart {
  /** Its state could not be read. */
  readonly isStateSuspect?: boolean;
  /** Topics that were made again while it ran, and how far it was. */
  readonly replaced?: ReadonlyMap<string, number>;
}
type RunningSlot = Extract<Slot, { status: "running" }>;

/** One turn of the loop processes at most so many records, then lets others have the event loop. */
const SLICE_RECORDS_MAX = 1_000;
const POLL_WAIT_MAX_MS = 100;
/** An input partition of which so much waits is not fetched until half of it is gone. */
const WAITING_RECORDS_MAX = 20_000;
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
/** What starting a task again can mend: its state is rebuilt, the brokers come back, or a restore begins where the changelog does now. */
const RESTARTABLE_CODES: ReadonlySet<string> = new Set(["STATE_CORRUPTED", "LOG_UNREACHABLE", "RESTORE_OVERTAKEN"]);
const RESTART_DELAY_MS = 100;
/** How long `commitNow` holds up the loop for commits before it goes on and tries again. */
const COMMIT_PATIENCE_MS = 1_000;
const SESSION_TIMEOUT_MS = 30_000;
const REBALANCE_TIMEOUT_MS = 60_000;
const PURGE_EVERY_MS = 30_000;
/** Warm-ups move together if they can: each move holds up the group. After this the ones that are warm no longer wait for those that are not. */
const WARM_UP_PATIENCE_MS = 60_000;

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
  readonly #abandoned = Promise.withResolvers<void>();
  #consumer: GroupConsumer | undefined;
  #commitAtMs = 0;
  #purgeAtMs = 0;
  #commitRequests: (() => void)[] = [];
  #fatal: { readonly error: unknown } | undefined;
  #rejoin = false;
  #isAssigned = false;
  /** From the end of one assignment to the next: whose the tasks are is being decided, so nothing is processed or committed. */
  #isRebalancing = false;
  #closing: Promise<unknown>[] = [];
  #standbys: Standbys | undefined;
  /** Tasks that come here as soon as their copy here has caught up. */
  #warmups: readonly string[] = [];
  #warmupsDueAtMs = 0;
  /** Tasks of which the disk had state when this worker joined, or got it since. */
  readonly #onDisk = new Set<string>();

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
  get standing(): {
    readonly isAssigned: boolean;
    readonly running: number;
    readonly starting: number;
    readonly standbys: number;
    readonly busy: boolean;
  } {
    const slots = [...this.#slots.values()];
    const running = slots.filter((slot) => slot.status === "running");
    return {
      isAssigned: this.#isAssigned,
      running: running.length,
      starting: slots.length - running.length,
      standbys: this.#standbys?.lags.size ?? 0,
      busy: running.some(({ task }) => task.waiting > 0 || task.isDirty || task.isCommitting || task.isSuspended),
    };
  }

  /** What it is in its group, and what each of its tasks does. Restores are known to whoever hears the events. */
  get status(): MemberStatus {
    return {
      job: this.job,
      worker: this.id,
      memberId: this.#consumer?.memberId || undefined,
      isAssigned: this.#isAssigned,
      tasks: [...this.#slots.values()].map(({ id, status }) => ({ task: id, status, restoring: undefined })),
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
      if (!this.#isRebalancing) await this.#commitAll();
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

  /** After `stop`: no longer waits for commits and functions that are under way. `run` ends, and what was not committed is dropped. */
  abandon(): void {
    this.#abandoned.resolve();
  }

  /** Resolves after the next commit of all tasks. */
  commitNow(): Promise<void> {
    this.#commitAtMs = 0;
    return new Promise((resolve) => this.#commitRequests.push(resolve));
  }

  async #join(): Promise<GroupConsumer> {
    const { plan } = this.#runtime;
    this.#commitAtMs = this.#environment.clock.now() + plan.commitEveryMs;
    for (const task of await this.#environment.disk.list(plan.job)) this.#onDisk.add(task);
    this.#standbys ??= new Standbys(this.#options);
    return await this.#environment.log.joinGroup({
      groupId: plan.job,
      clientId: this.id,
      topics: [...new Set(plan.subTopologies.flatMap(({ sources }) => sources))],
      assignor: taskAssignor(plan),
      listener: {
        userData: () => encodeMemberData(this.#memberData()),
        onRebalance: () => this.#prepareRebalance(),
        onAssigned: (assignment, generation) => this.#assign(assignment, generation),
        onLost: () => this.#lose(),
      },
      ...(this.#options.sessionTimeoutMs !== undefined && { sessionTimeoutMs: this.#options.sessionTimeoutMs }),
      ...(this.#options.rebalanceTimeoutMs !== undefined && { rebalanceTimeoutMs: this.#options.rebalanceTimeoutMs }),
    });
  }

  #memberData(): MemberData {
    const { plan } = this.#runtime;
    const unknown = [...this.#onDisk].filter((task) => !this.#slots.has(task)).map((task) => [task, null]);
    return {
      tasks: [...this.#slots.keys()],
      plan: { version: plan.version, hash: plan.hash },
      location: this.#environment.location,
      process: this.#options.identity,
      copies: { ...Object.fromEntries(unknown), ...Object.fromEntries(this.#standbys?.lags ?? []) },
    };
  }

  async #turn(consumer: GroupConsumer): Promise<void> {
    for (const batch of await this.#poll(consumer)) await this.#accept(batch);
    if (!this.#isRebalancing) {
      await this.#advanceWallClock();
      await this.#processSlice();
      await this.#commitIfDue();
      await this.#purgeIfDue();
      this.#restartRefused();
      this.#throttle(consumer);
      this.#takeOverIfWarm(consumer);
    }
    this.#dropFailed();
  }

  async #poll(consumer: GroupConsumer): Promise<readonly FetchedBatch[]> {
    try {
      return await consumer.poll(this.#pollWaitMs());
    } catch (error) {
      const refused = refusedPosition(error);
      const slot = refused && this.#running.find(({ inputs }) => inputs.some((input) => isSame(input, refused)));
      if (slot === undefined) throw error;
      slot.refused.set(refused!.topic, refused!);
      consumer.pause(slot.inputs);
      return [];
    }
  }

  async #accept(batch: FetchedBatch): Promise<void> {
    const slot = [...this.#slots.values()].find(({ inputs }) => inputs.some((input) => isSame(input, batch)));
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
    let nextMs = this.#runtime.plan.commitEveryMs;
    if (this.#commitRequests.length === 0) await this.#beginCommits();
    else if (await this.#commitAll(COMMIT_PATIENCE_MS)) this.#answerCommitRequests();
    else nextMs = 0;
    this.#commitAtMs = this.#environment.clock.now() + nextMs;
  }

  get #running(): readonly RunningSlot[] {
    return [...this.#slots.values()].filter((slot) => slot.status === "running");
  }

  /** Starts the commit of every task that has none under way; processing goes on meanwhile. */
  async #beginCommits(): Promise<void> {
    for (const slot of this.#slots.values()) {
      if (slot.status !== "running" || slot.task.isCommitting || slot.task.isSuspended) continue;
      await promptly(this.#environment.clock, slot.task.beginCommit());
    }
  }

  /**
   * Commits everything and waits for it, at most `patienceMs` if given: a function of the job may never end. What fails shows in the task's
   * failure. @returns whether all is done
   */
  async #commitAll(patienceMs?: number): Promise<boolean> {
    const { clock } = this.#environment;
    const tasks = this.#running.map(({ task }) => task);
    const isSettled = (task: Task) => !task.isSuspended && !task.isCommitting;
    const done = new AbortController();
    const patience = patienceMs === undefined ? [] : [clock.sleep(patienceMs, done.signal)];
    const over = Promise.race([this.#abandoned.promise, ...patience]);
    for (const task of tasks) {
      await Promise.race([task.settled(), over]);
      if (isSettled(task)) await promptly(clock, task.beginCommit());
    }
    await Promise.race([Promise.all(tasks.map((task) => task.settled())), over]);
    done.abort();
    this.#dropFailed();
    return tasks.every(isSettled);
  }

  /** A member that keeps the others waiting is removed: what is not done in time is left, and done again by whoever gets the task. */
  async #prepareRebalance(): Promise<void> {
    const { sessionTimeoutMs = SESSION_TIMEOUT_MS, rebalanceTimeoutMs = REBALANCE_TIMEOUT_MS } = this.#options;
    await this.#commitAll(Math.min(sessionTimeoutMs, rebalanceTimeoutMs) / 3);
    this.#isRebalancing = true;
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

  async #assign({ partitions, userData }: MemberAssignment, generation: number): Promise<void> {
    this.#isRebalancing = false;
    const wanted = this.#tasksOf(partitions);
    await Promise.all([...this.#slots.values()].filter(({ id }) => !wanted.has(id)).map((slot) => this.#drop(slot)));
    const { standbys, warmups } = decodeAssignmentData(userData);
    this.#standbys!.keep([...standbys, ...warmups]);
    for (const task of [...standbys, ...warmups]) this.#onDisk.add(task);
    this.#warmups = warmups;
    this.#warmupsDueAtMs = this.#environment.clock.now() + WARM_UP_PATIENCE_MS;
    for (const [id, { subTopology, partition }] of wanted) {
      const slot = this.#slots.get(id);
      if (slot === undefined) this.#start(id, subTopology, partition);
      else if (slot.status === "running") this.#position(slot);
    }
    this.#isAssigned = true;
    this.#environment.onEvent({
      kind: "assigned",
      job: this.#runtime.job.name,
      worker: this.id,
      tasks: [...wanted.keys()].sort(),
      generation,
    });
  }

  /** The group is asked once; whom it still does not give a task is told so with new warm-ups. */
  #takeOverIfWarm(consumer: GroupConsumer): void {
    if (this.#warmups.length === 0) return;
    const { lags } = this.#standbys!;
    const cold = this.#warmups.filter((task) => (lags.get(task) ?? Infinity) > LAG_ACCEPTABLE);
    if (cold.length === this.#warmups.length) return;
    if (cold.length > 0 && this.#environment.clock.now() < this.#warmupsDueAtMs) return;
    this.#warmups = [];
    consumer.requestRebalance();
  }

  /** A leader of another plan gives topics that this one does not read, and some inputs of a task only: those wait for a leader of this plan. */
  #tasksOf(
    partitions: readonly TopicPartition[],
  ): ReadonlyMap<string, { readonly subTopology: SubTopology; readonly partition: number }> {
    const given = new Set(partitions.map(({ topic, partition }) => `${topic}/${partition}`));
    const found = partitions.flatMap(({ topic, partition }) => {
      const subTopology = this.#runtime.plan.subTopologies.find(({ sources }) => sources.includes(topic));
      const isWhole = subTopology?.sources.every((source) => given.has(`${source}/${partition}`));
      return isWhole ? [[taskId(subTopology!.name, partition), { subTopology: subTopology!, partition }] as const] : [];
    });
    return new Map(found);
  }

  #start(id: string, subTopology: SubTopology, partition: number, restart?: Restart): void {
    const abort = new AbortController();
    const started = this.#startInBackground({ id, subTopology, partition, abort, restart });
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
    restart: Restart | undefined;
  }): Promise<void> {
    const { id, subTopology, partition, abort, restart } = start;
    const { environment, runtime } = this.#options;
    const isCurrent = () => {
      const slot = this.#slots.get(id);
      return slot?.status === "starting" && slot.abort === abort;
    };
    try {
      if (restart !== undefined) await environment.clock.sleep(RESTART_DELAY_MS, abort.signal);
      // The slot is set once the caller has this promise.
      await Promise.resolve();
      await this.#standbys?.release(id);
      this.#onDisk.add(id);
      const task = await startTask({
        runtime,
        environment,
        subTopology,
        partition,
        consumer: this.#consumerForCommits(abort.signal),
        signal: abort.signal,
        isStateSuspect: restart?.isStateSuspect ?? false,
        replaced: restart?.replaced ?? new Map(),
      });
      if (!isCurrent()) return await task.close();
      const { inputs } = task;
      const slot: RunningSlot = {
        ...{ status: "running", id, inputs, abort, task },
        ...{ paused: new Set(), refused: new Map() },
      };
      this.#slots.set(id, slot);
      // Otherwise the next assignment does, if it leaves the task here.
      if (!this.#isRebalancing) this.#position(slot);
      environment.onEvent({ kind: "running", job: runtime.job.name, task: id });
    } catch (error) {
      if (!isCurrent()) return;
      this.#slots.delete(id);
      this.#recover(id, subTopology, partition, error);
    }
  }

  /** The consumer checks that the member is in the group; only the worker knows whether the task is still the member's. */
  #consumerForCommits(givenUp: AbortSignal): Pick<GroupConsumer, "commit"> {
    return {
      commit: async (offsets) => {
        if (!givenUp.aborted && this.#consumer !== undefined) return await this.#consumer.commit(offsets);
        throw new TaskMigratedError("the task has been given up: its offsets are its next owner's", {
          code: "LOG_FENCED",
        });
      },
    };
  }

  #position(slot: RunningSlot): void {
    const consumer = this.#consumer!;
    if (slot.refused.size > 0) {
      consumer.pause(slot.inputs);
      return;
    }
    consumer.seek(slot.task.fetchPositions);
    consumer.resume(slot.inputs);
    consumer.pause(slot.inputs.filter(({ topic }) => slot.paused.has(topic)));
  }

  /** What was fetched before a position was refused is processed and committed first. */
  #restartRefused(): void {
    for (const { id, inputs, task, refused, abort } of this.#running) {
      if (refused.size === 0 || task.failure !== undefined) continue;
      if (task.waiting > 0 || task.isDirty || task.isCommitting || task.isSuspended) continue;
      const { subTopology, partition } = this.#tasksOf(inputs).get(id)!;
      const positions = task.fetchPositions.filter(({ topic }) => refused.get(topic)?.isReplaced);
      abort.abort();
      this.#closing.push(task.close().catch(() => undefined));
      const replaced = new Map(positions.map(({ topic, offset }) => [topic, offset]));
      this.#start(id, subTopology, partition, { replaced });
    }
  }

  /** Tasks whose commit failed are dropped, and started again from the log where that can help. */
  #dropFailed(): void {
    for (const slot of this.#slots.values()) {
      if (slot.status !== "running" || slot.task.failure === undefined) continue;
      const { subTopology, partition } = this.#tasksOf(slot.inputs).get(slot.id)!;
      this.#slots.delete(slot.id);
      slot.abort.abort();
      // Until the task is back with its own position, nothing must be fetched from the one that it had reached.
      if (!this.#isRebalancing) this.#consumer?.pause(slot.inputs);
      this.#closing.push(slot.task.close().catch(() => undefined));
      this.#recover(slot.id, subTopology, partition, slot.task.failure);
    }
  }

  #recover(id: string, subTopology: SubTopology, partition: number, error: unknown): void {
    if (error instanceof TaskMigratedError) {
      this.#rejoin = true;
    } else if (
      error instanceof IndefiniteTransactionError ||
      (error instanceof MulgilError && RESTARTABLE_CODES.has(error.code))
    ) {
      const isStateSuspect = error instanceof MulgilError && error.code === "STATE_CORRUPTED";
      this.#environment.onEvent({ kind: "restarting", job: this.#runtime.job.name, task: id, error });
      this.#start(id, subTopology, partition, { isStateSuspect });
    } else this.#fatal ??= { error };
  }

  #throttle(consumer: GroupConsumer): void {
    for (const slot of this.#slots.values()) {
      if (slot.status !== "running" || slot.refused.size > 0) continue;
      for (const backlog of slot.task.backlogs) {
        const { topic, records, bytes } = backlog;
        const fullness = Math.max(records / WAITING_RECORDS_MAX, bytes / WAITING_BYTES_MAX);
        if (fullness > 1 && !slot.paused.has(topic)) {
          consumer.pause([backlog]);
          slot.paused.add(topic);
        } else if (fullness < 0.5 && slot.paused.delete(topic)) consumer.resume([backlog]);
      }
    }
  }

  #pollWaitMs(): number {
    if (this.#stop.signal.aborted) return 0;
    if (this.#isRebalancing) return POLL_WAIT_MAX_MS;
    if (this.#oldestTask() !== undefined) return 0;
    const wakeAtMs = this.#running.reduce(
      (wake, { task }) => (task.isSuspended ? wake : Math.min(wake, task.nextWallClockMs)),
      this.#commitAtMs,
    );
    return Math.max(0, Math.min(POLL_WAIT_MAX_MS, wakeAtMs - this.#environment.clock.now()));
  }

  async #drop(slot: Slot): Promise<void> {
    this.#slots.delete(slot.id);
    slot.abort.abort();
    if (slot.status === "starting") await slot.started;
    else await slot.task.close();
    this.#environment.onEvent({ kind: "closed", job: this.#runtime.job.name, task: slot.id });
  }

  /** The group has gone on without this member: nothing may be committed any more. */
  #lose(): void {
    this.#isRebalancing = false;
    this.#isAssigned = false;
    this.#environment.onEvent({ kind: "lost", job: this.#runtime.job.name, worker: this.id });
    for (const slot of [...this.#slots.values()]) this.#closing.push(this.#drop(slot).catch(() => undefined));
  }

  async #leave(): Promise<void> {
    this.#rejoin = false;
    this.#isRebalancing = false;
    const standbys = this.#standbys;
    this.#standbys = undefined;
    this.#warmups = [];
    this.#isAssigned = false;
    const closed = Promise.allSettled([
      standbys?.close(),
      ...[...this.#slots.values()].map((slot) => this.#drop(slot)),
      ...this.#closing.splice(0),
    ]);
    await Promise.race([closed, this.#abandoned.promise]);
    const consumer = this.#consumer;
    this.#consumer = undefined;
    await consumer?.close();
  }

  #throwIfFatal(): void {
    if (this.#fatal !== undefined) throw this.#fatal.error;
  }
}

const isSame = (left: TopicPartition, right: TopicPartition): boolean =>
  left.topic === right.topic && left.partition === right.partition;
