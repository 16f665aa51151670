import type { FetchedBatch, GroupConsumer, MemberAssignment } from "../log/port.ts";
import { CallResources } from "./call-resources.ts";
import { CommitSchedule } from "./commit-schedule.ts";
import type { HeldTask } from "./held-task.ts";
import type { JobRuntime } from "./job-runtime.ts";
import type { MemberMeasures } from "./measures.ts";
import { decodeAssignmentData, encodeMemberData, type MemberData } from "./member-data.ts";
import type { MemberActivity, MemberStatus, ProcessIdentity } from "./member-status.ts";
import { promptly } from "./promptly.ts";
import { Purge } from "./purge.ts";
import { refusedPosition } from "./refused-position.ts";
import { StoreSizes } from "./store-sizes.ts";
import { taskAssignor } from "./task-assignor.ts";
import { TaskCopies } from "./task-copies.ts";
import { oldestTask, storesOf, tasksReading } from "./task-slot.ts";
import { TaskSlots } from "./task-slots.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";
import { type WantedStatus, WorkerOrders } from "./worker-orders.ts";

export interface WorkerOptions {
  readonly id: string;
  readonly runtime: JobRuntime;
  readonly environment: WorkerEnvironment;
  readonly identity?: ProcessIdentity;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
}

/** One turn of the loop processes at most so many records, then lets others have the event loop. */
const SLICE_RECORDS_MAX = 1_000;
const POLL_WAIT_MAX_MS = 100;
/** While a task waits for calls to end, so that the next ones begin soon. */
const CALLS_WAIT_MAX_MS = 5;
/** How long a worker that leaves waits for calls that are under way; what has not ended then is called again, by whoever gets the task. */
const DRAIN_CALLS_MAX_MS = 5_000;
const DRAIN_LOOK_MS = 20;
/** What a last commit, and then the closing of stores, have at least when the time to leave is over. */
const LAST_COMMIT_MIN_MS = 1_000;
const SESSION_TIMEOUT_MS = 30_000;
const REBALANCE_TIMEOUT_MS = 60_000;

/**
 * A member of the job's group: fetches for its tasks, advances the one whose records are oldest, commits, and gives up or takes on tasks as
 * the group decides. One loop; everything but starting tasks happens in it, one thing after the other.
 */
export class Worker {
  readonly id: string;
  readonly #options: WorkerOptions;
  readonly #environment: WorkerEnvironment;
  readonly #runtime: JobRuntime;
  readonly #copies: TaskCopies;
  readonly #slots: TaskSlots;
  readonly #calls: CallResources;
  readonly #commits: CommitSchedule;
  readonly #orders: WorkerOrders;
  readonly #sizes: StoreSizes;
  readonly #purge: Purge;
  readonly #stop = new AbortController();
  readonly #abandoned = Promise.withResolvers<void>();
  /** Topics of records to be processed once more that the group has given out, or has been asked to. */
  #replaysHeard: ReadonlySet<string> = new Set();
  #consumer: GroupConsumer | undefined;
  #fatal: { readonly error: unknown } | undefined;
  #rejoin = false;
  #isAssigned = false;
  /** It has left its group on an order, and waits to be wanted again. */
  #isAway = false;
  /** From the end of one assignment to the next: whose the tasks are is being decided, so nothing is processed or committed. */
  #isRebalancing = false;
  /** Of tasks that were given up: an ordered departure does not wait for it beyond its time. */
  #closing: Promise<unknown> = Promise.resolve();

  constructor(options: WorkerOptions) {
    const { id, runtime, environment, identity } = options;
    this.id = id;
    this.#options = options;
    this.#environment = environment;
    this.#runtime = runtime;
    this.#orders = new WorkerOrders(environment.clock);
    this.#copies = new TaskCopies({ runtime, environment });
    this.#calls = new CallResources({
      runtime,
      // Every process counts its workers from zero.
      worker: `${id}@${identity === undefined ? environment.location : `${identity.host}:${identity.pid}`}`,
      clock: environment.clock,
      shared: environment,
    });
    this.#slots = new TaskSlots({
      ...{ runtime, environment, copies: this.#copies, calls: this.#calls.steps },
      consumer: () => this.#consumer,
      isRebalancing: () => this.#isRebalancing,
      isHeld: () => this.#orders.isHeld,
      onMigrated: () => {
        this.#rejoin = true;
      },
      onFatal: (error) => {
        this.#fatal ??= { error };
      },
    });
    this.#sizes = new StoreSizes(environment.disk, runtime.job.name);
    this.#purge = new Purge(environment);
    this.#commits = new CommitSchedule({
      slots: this.#slots,
      clock: environment.clock,
      everyMs: runtime.plan.commitEveryMs,
      abandoned: this.#abandoned.promise,
    });
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
    const running = [...this.#slots.running()];
    return {
      isAssigned: this.#isAssigned,
      running: running.length,
      starting: this.#slots.all.length - running.length,
      standbys: this.#copies.standbys,
      busy: running.some(({ task }) => task.isBusy),
    };
  }

  /** Its tasks, with the stores of those that run. */
  get held(): readonly HeldTask[] {
    return this.#slots.all.map((slot) => ({
      ...{ runtime: this.#runtime, task: slot.id, partition: slot.partition, status: slot.status },
      planned: slot.subTopology.stores,
      stores: slot.status === "running" ? slot.task.stores : [],
    }));
  }

  /** What it is in its group, and what each of its tasks does. Restores are known to whoever hears the events. */
  get status(): MemberStatus {
    const { plan } = this.#runtime;
    return {
      job: this.job,
      worker: this.id,
      memberId: this.#consumer?.memberId || undefined,
      isAssigned: this.#isAssigned,
      activity: this.activity,
      atMs: this.#environment.clock.now(),
      plan: { version: plan.version, hash: plan.hash },
      copies: this.#copies.lags,
      disk: this.#sizes.space,
      tasks: this.#slots.all.map((slot) => ({
        ...{ task: slot.id, status: slot.status, restoring: undefined, stores: this.#sizes.of(slot.id) },
        ...(slot.status === "running" && slot.task.report),
      })),
    };
  }

  /** In numbers, for whoever watches. */
  get measures(): MemberMeasures {
    return {
      isAssigned: this.#isAssigned,
      standbys: this.#copies.standbys,
      tasks: this.#slots.all.map((slot) => ({
        ...{ task: slot.id, status: slot.status, restoring: undefined },
        running: slot.status === "running" ? slot.task.measures : undefined,
      })),
      resources: this.#calls.measures,
    };
  }

  get activity(): MemberActivity {
    const { wanted, leaving } = this.#orders;
    if (this.#isAway) return "drained";
    if (leaving !== undefined || wanted === "drained") return "draining";
    if (wanted !== "paused") return "running";
    return this.#isAtWork ? "pausing" : "paused";
  }

  /** How often it has left its group on an order, and whether everything was committed the last time. */
  get departures(): { readonly count: number; readonly isComplete: boolean } {
    return { count: this.#orders.departures, isComplete: this.#orders.isComplete };
  }

  /** Runs until `stop`, or until something is wrong that a restart of a task cannot mend. */
  async run(): Promise<void> {
    try {
      await this.#calls.start();
      while (!this.#stop.signal.aborted) {
        if (this.#consumer === undefined && this.#orders.isWantedAway) {
          await this.#stayAway();
          continue;
        }
        this.#consumer ??= await this.#join();
        await this.#turn(this.#consumer);
        this.#throwIfFatal();
        if (this.#rejoin) await this.#leave();
        else await this.#leaveIfDrained();
        await this.#environment.turn();
      }
      await this.#drainCalls();
      if (!this.#isRebalancing) await this.#commits.commitAll();
      this.#throwIfFatal();
    } finally {
      await this.#leave();
      await Promise.race([this.#calls.close(), this.#abandoned.promise]);
      this.#commits.answerRequests();
    }
  }

  /** Ends `run` after a last commit. */
  stop(): void {
    this.#stop.abort();
    this.#orders.wake();
  }

  /**
   * From the next turn on. "paused": stays in the group and keeps its tasks; nothing is fetched or processed, no call begins and no timer fires; what has
   * begun ends, and commits go on. "drained": ends what has begun, commits, and leaves, within `drainTimeoutMs`; what no commit covers then is done again by
   * whoever gets the tasks. "running" takes both back.
   */
  want(wanted: WantedStatus, drainTimeoutMs: number): void {
    this.#orders.want(wanted, drainTimeoutMs);
    if (this.#orders.isHeld) this.#holdCalls(true);
  }

  /** Drains and joins again, once. One that is drained stays so. */
  restart(drainTimeoutMs: number): void {
    if (this.#orders.wanted !== "drained") this.#orders.restart(drainTimeoutMs);
  }

  /** After `stop`: no longer waits for commits and functions that are under way. `run` ends, and what was not committed is dropped. */
  abandon(): void {
    this.#abandoned.resolve();
  }

  /** Resolves after the next commit of all tasks. */
  commitNow(): Promise<void> {
    return this.#commits.commitNow();
  }

  async #join(): Promise<GroupConsumer> {
    const { plan } = this.#runtime;
    this.#commits.startInterval();
    this.#copies.open(await this.#environment.disk.list(plan.job));
    await this.#runtime.replays.look(this.#environment.log);
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
    const tasks = this.#slots.ids;
    return {
      tasks: [...tasks],
      plan: { version: plan.version, hash: plan.hash },
      location: this.#environment.location,
      process: this.#options.identity,
      copies: this.#copies.besides(tasks),
      replays: Object.fromEntries(this.#runtime.replays.counts),
    };
  }

  /** In no group, until it is wanted again. */
  async #stayAway(): Promise<void> {
    this.#orders.left(true);
    this.#isAway = true;
    await this.#orders.changed;
    this.#isAway = false;
    // What others know of institutions is old by now.
    const nowMs = this.#environment.clock.now();
    if (!this.#orders.isWantedAway) await Promise.race([this.#calls.tick(nowMs), this.#abandoned.promise]);
  }

  /** Leaves on an order when what had begun is done, or the time for it is over. */
  async #leaveIfDrained(): Promise<void> {
    const { leaving } = this.#orders;
    if (leaving === undefined) return;
    const { clock } = this.#environment;
    const mayWait = clock.now() < leaving.untilMs;
    if (mayWait && (this.#isRebalancing || this.#isAtWork)) return;
    const patienceMs = () => Math.max(LAST_COMMIT_MIN_MS, leaving.untilMs - clock.now());
    const isCommitted = !this.#isRebalancing && (await this.#commits.commitAll(patienceMs()));
    const isComplete = isCommitted && !this.#isAtWork;
    await this.#leave(patienceMs());
    this.#orders.left(isComplete);
    this.#commits.answerRequests();
    // The last commit may have failed for good.
    this.#throwIfFatal();
  }

  get #isAtWork(): boolean {
    return this.#calls.calling > 0 || [...this.#slots.running()].some(({ task }) => task.isAtWork);
  }

  /** What has begun ends. Where it waits, in front of an institution or of a permit, it waits on. */
  #holdCalls(isHeld: boolean): void {
    this.#calls.hold(isHeld);
    for (const { task } of this.#slots.running()) task.holdCalls(isHeld);
  }

  /** Calls that are under way may end: what they bring need not be fetched again. */
  async #drainCalls(): Promise<void> {
    const { clock } = this.#environment;
    let isOver = false;
    this.#abandoned.promise.then(() => {
      isOver = true;
    });
    const untilMs = clock.now() + DRAIN_CALLS_MAX_MS;
    while (!isOver && clock.now() < untilMs) {
      // Of a job that is paused nothing more begins.
      if (this.#orders.isHeld && this.#calls.calling === 0) return;
      if ([...this.#slots.running()].filter(({ task }) => task.drainCalls()).length === 0) return;
      await clock.sleep(DRAIN_LOOK_MS);
    }
  }

  async #turn(consumer: GroupConsumer): Promise<void> {
    this.#holdCalls(this.#orders.isHeld);
    for (const batch of await this.#poll(consumer)) await this.#accept(batch);
    if (!this.#isRebalancing) {
      const { isHeld } = this.#orders;
      if (!isHeld) {
        await this.#advanceWallClock();
        await this.#processSlice();
      }
      await this.#commits.commitIfDue();
      await this.#purge.purgeIfDue(this.#slots.running());
      this.#slots.restartRefused();
      for (const { fetching } of this.#slots.running()) fetching.throttle(consumer, isHeld);
      if (this.#copies.takeWarm() || this.#takeNewReplays()) consumer.requestRebalance();
    }
    this.#runtime.replays.lookIfDue(this.#environment.log, this.#environment.clock);
    this.#slots.dropFailed();
    const nowMs = this.#environment.clock.now();
    void this.#calls.tick(nowMs);
    this.#sizes.measureIfDue(nowMs, () => storesOf(this.#slots.running()));
  }

  /** Topics of records to be processed once more that the group does not know yet: it is asked once for each. */
  #takeNewReplays(): boolean {
    const fresh = [...this.#runtime.replays.counts.keys()].filter((topic) => !this.#replaysHeard.has(topic));
    if (!this.#isAssigned || fresh.length === 0) return false;
    this.#replaysHeard = new Set([...this.#replaysHeard, ...fresh]);
    return true;
  }

  async #poll(consumer: GroupConsumer): Promise<readonly FetchedBatch[]> {
    try {
      return await consumer.poll(this.#pollWaitMs());
    } catch (error) {
      const refused = refusedPosition(error);
      const slot = refused && this.#slots.reading(refused);
      if (slot?.status !== "running") throw error;
      slot.fetching.refuse(consumer, refused!);
      return [];
    }
  }

  async #accept(batch: FetchedBatch): Promise<void> {
    const slot = this.#slots.reading(batch);
    // A batch for a task that has just failed or gone is read again by whoever runs it next.
    if (slot?.status !== "running") return;
    const accepted = slot.task.accept(batch);
    // A registry that does not answer at once holds up one task, not the worker.
    if (slot.task.missesSchema) await promptly(this.#environment.clock, accepted);
    else await accepted;
  }

  async #processSlice(): Promise<void> {
    let left = SLICE_RECORDS_MAX;
    while (left > 0) {
      const oldest = oldestTask(this.#slots.running());
      if (oldest === undefined) return;
      left -= await oldest.process(left);
      if (oldest.wantsCommit) {
        this.#commits.hasten();
        return;
      }
    }
  }

  async #advanceWallClock(): Promise<void> {
    const nowMs = this.#environment.clock.now();
    for (const { task } of this.#slots.running()) {
      if (task.failure === undefined && task.nextWallClockMs <= nowMs)
        await promptly(this.#environment.clock, task.advanceWallClock());
    }
  }

  /** A member that keeps the others waiting is removed: what is not done in time is left, and done again by whoever gets the task. */
  async #prepareRebalance(): Promise<void> {
    const { sessionTimeoutMs = SESSION_TIMEOUT_MS, rebalanceTimeoutMs = REBALANCE_TIMEOUT_MS } = this.#options;
    await this.#commits.commitAll(Math.min(sessionTimeoutMs, rebalanceTimeoutMs) / 3);
    this.#isRebalancing = true;
  }

  async #assign({ partitions, userData }: MemberAssignment, generation: number): Promise<void> {
    this.#isRebalancing = false;
    const wanted = tasksReading(this.#runtime.plan, partitions);
    const told = decodeAssignmentData(userData);
    if (told.replays !== undefined) this.#replaysHeard = new Set(told.replays);
    await this.#slots.dropOthers(wanted);
    this.#copies.keep(told);
    this.#slots.take(wanted);
    this.#isAssigned = true;
    this.#environment.onEvent({
      kind: "assigned",
      job: this.#runtime.job.name,
      worker: this.id,
      tasks: [...wanted.keys()].sort(),
      generation,
    });
  }

  #pollWaitMs(): number {
    if (this.#stop.signal.aborted) return 0;
    if (this.#isRebalancing) return POLL_WAIT_MAX_MS;
    if (this.#orders.leaving !== undefined) return DRAIN_LOOK_MS;
    if (this.#orders.isHeld) return this.#waitUntil(this.#commits.dueAtMs, POLL_WAIT_MAX_MS);
    if (oldestTask(this.#slots.running()) !== undefined) return 0;
    const wakeAtMs = [...this.#slots.running()].reduce(
      (wake, { task }) => (task.isSuspended ? wake : Math.min(wake, task.nextWallClockMs)),
      this.#commits.dueAtMs,
    );
    const waitsForCalls = [...this.#slots.running()].some(({ task }) => task.waitsForCalls);
    return this.#waitUntil(wakeAtMs, waitsForCalls ? CALLS_WAIT_MAX_MS : POLL_WAIT_MAX_MS);
  }

  #waitUntil(atMs: number, waitMaxMs: number): number {
    return Math.max(0, Math.min(waitMaxMs, atMs - this.#environment.clock.now()));
  }

  /** The group has gone on without this member: nothing may be committed any more. */
  #lose(): void {
    this.#isRebalancing = false;
    this.#isAssigned = false;
    this.#environment.onEvent({ kind: "lost", job: this.#runtime.job.name, worker: this.id });
    this.#slots.lose();
    // Whoever gets a task next may be on this disk.
    this.#copies.keep({ standbys: [], warmups: [] });
  }

  /** `patienceMs`: stores that take longer to close are left to it. */
  async #leave(patienceMs?: number): Promise<void> {
    this.#rejoin = false;
    this.#isRebalancing = false;
    this.#isAssigned = false;
    this.#closing = Promise.allSettled([this.#closing, this.#copies.close(), this.#slots.close()]);
    const closed = new AbortController();
    const patience = patienceMs === undefined ? [] : [this.#environment.clock.sleep(patienceMs, closed.signal)];
    await Promise.race([this.#closing, this.#abandoned.promise, ...patience]);
    closed.abort();
    const consumer = this.#consumer;
    this.#consumer = undefined;
    await consumer?.close();
  }

  #throwIfFatal(): void {
    if (this.#fatal !== undefined) throw this.#fatal.error;
  }
}
