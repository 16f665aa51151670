import type { Store } from "../../state/store.ts";
import { invariant } from "../errors/errors.ts";
import type { FetchedBatch, PartitionOffset, TopicPartition } from "../log/port.ts";
import { buildOperators } from "../operators/build-operators.ts";
import type { CurrentRecord, Operator, OperatorEnvironment, Receive } from "../operators/operator.ts";
import type { SubTopology } from "../plan/plan.ts";
import { type CallInput, CallInputs } from "./call-inputs.ts";
import type { StepResources } from "./call-resources.ts";
import type { CommitPath, CommittedStore } from "./commit.ts";
import { codeOf, type SourceRecord } from "./dead-letter.ts";
import type { Backlog, Input, Inputs } from "./inputs.ts";
import type { JobRuntime } from "./job-runtime.ts";
import type { RunningTaskMeasures } from "./measures.ts";
import type { TaskStatus } from "./member-status.ts";
import type { AwaitedSchema } from "./record-queue.ts";
import type { StartPosition } from "./start-positions.ts";
import { TaskCalls } from "./task-calls.ts";
import { TaskInputs } from "./task-inputs.ts";
import { type OutputCause, TaskOutputs } from "./task-outputs.ts";
import { TaskProgress } from "./task-progress.ts";
import { TaskTrace } from "./task-trace.ts";
import { TaskWork } from "./task-work.ts";
import { schemaStatus, workStatus } from "./work-status.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

/** What a task touches besides its stores and its commit path. */
export type TaskEnvironment = Pick<WorkerEnvironment, "clock" | "commit" | "onEvent" | "tracer"> & {
  /** By step, for the calls of a job. */
  readonly calls: ReadonlyMap<string, StepResources>;
};

export interface TaskOptions {
  readonly id: string;
  readonly runtime: JobRuntime;
  readonly environment: TaskEnvironment;
  readonly subTopology: SubTopology;
  readonly partition: number;
  readonly stores: readonly CommittedStore[];
  readonly path: CommitPath;
  readonly positions: readonly StartPosition[];
  /** Where the inputs end, so that one with lag is waited for before it is first fetched. Needed where there are several. */
  readonly ends?: readonly PartitionOffset[];
  /** The number of the last commit, as found in the committed offsets' metadata. */
  readonly commitSequence: number;
}

/** Buffered outputs and changed entries beyond these ask for a commit before its time. */
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;
const CHANGED_ENTRIES_MAX = 100_000;

/**
 * One sub-topology of one partition, running: it owns its stores, processes its inputs record by record in order of event time, and
 * buffers what that causes until its commit. It knows nothing of groups; a worker feeds it and tells it when to commit.
 */
export class Task {
  readonly id: string;
  readonly partition: number;
  readonly #options: TaskOptions;
  readonly #environment: TaskEnvironment;
  readonly #inputs: Inputs;
  /** Set where the task calls somebody; its inputs are then those of calls. */
  #calls: TaskCalls | undefined;
  readonly #operators: readonly Operator[];
  readonly #outputs: TaskOutputs;
  readonly #cause: OutputCause;
  readonly #work: TaskWork;
  readonly #trace: TaskTrace | undefined;
  readonly #progress: TaskProgress;
  #committing: Promise<void> | undefined;
  #commitSequence: number;
  #streamTimeMs: number;
  #committedAtMs: number | undefined;

  constructor(options: TaskOptions) {
    this.id = options.id;
    this.partition = options.partition;
    this.#options = options;
    this.#environment = options.environment;
    this.#commitSequence = options.commitSequence;
    this.#streamTimeMs = Math.max(...options.stores.map(({ store }) => store.streamTimeMs), -Infinity);
    const { id, runtime, environment, subTopology, partition } = options;
    const cause = { record: noRecord(partition), source: undefined, wallClockMs: environment.clock.now() };
    this.#cause = cause;
    this.#work = new TaskWork(environment.clock);
    const { tracer, onEvent } = environment;
    const sources = runtime.plan.topics.flatMap(({ role, topic }) => (role === "source" ? topic : []));
    this.#trace = tracer && new TaskTrace({ tracer, job: runtime.job.name, task: id, sources });
    this.#outputs = new TaskOutputs({ id, runtime, partition, cause, onEvent, trace: this.#trace });
    const built = buildOperators({
      topology: runtime.job.topology,
      nodeIds: subTopology.nodes,
      environment: this.#operatorEnvironment(),
    });
    this.#operators = built.operators;
    this.#inputs = this.#openInputs(built.inputs);
    // What operators want to read before the first record.
    if (this.#work.isAsked) void this.#work.occupy("start", () => this.#work.drain());
    this.#progress = new TaskProgress({
      ...{ inputs: this.#inputs, positions: options.positions },
      ...{ commitEveryMs: runtime.plan.commitEveryMs, clock: environment.clock },
    });
  }

  /** With their changelogs. */
  get stores(): readonly CommittedStore[] {
    return this.#options.stores;
  }

  #openInputs(receivers: ReadonlyMap<string, Receive>): Inputs {
    const options = {
      ...this.#options,
      clock: this.#environment.clock,
      receivers,
      undecodable: (node: string, source: SourceRecord, error: unknown) => {
        this.#cause.source = source;
        const before = this.#trace?.goOnWith(source.raw.headers);
        this.#outputs.recordError(node, error, null, null);
        this.#trace?.resume(before);
      },
    };
    if (this.#calls === undefined) return new TaskInputs(options);
    for (const [node, receive] of receivers) this.#calls.bind(node, receive);
    return new CallInputs({ ...options, tiers: this.#options.subTopology.call!.tiers, flow: this.#calls.flow });
  }

  get inputs(): readonly TopicPartition[] {
    return this.#inputs.partitions;
  }

  get fetchPositions(): readonly PartitionOffset[] {
    return this.#inputs.fetchPositions;
  }

  /** Up to where the task's repartition topics have been committed: nobody needs what lies before. */
  get purgeable(): readonly PartitionOffset[] {
    return this.#inputs.purgeable;
  }

  /** Records that were fetched and not processed. */
  get waiting(): number {
    return this.#inputs.waiting;
  }

  get backlogs(): readonly Backlog[] {
    return this.#inputs.backlogs;
  }

  /** In numbers, for whoever watches. */
  get measures(): RunningTaskMeasures {
    return {
      inputs: this.#inputs.measures,
      streamTimeMs: this.#streamTimeMs === -Infinity ? undefined : this.#streamTimeMs,
      committedAtMs: this.#committedAtMs,
      outputBytes: this.#outputs.bytes,
      stores: this.#options.stores.map(({ store }) => ({ store: store.name, changedEntries: store.changedEntries })),
      schemaAwaitedSinceMs: this.awaited?.sinceMs,
      calls: this.#calls && { underWay: this.#calls.flow.inFlight, held: this.#calls.flow.state.held },
    };
  }

  /** Set when processing or a commit has failed: the task must be dropped. */
  get failure(): unknown {
    return this.#work.failure;
  }

  /** Something was processed, or is held in memory, that no commit covers. */
  get isDirty(): boolean {
    return (
      this.#outputs.records > 0 ||
      this.#inputs.haveMoved ||
      this.#options.stores.some(({ store }) => store.changedEntries > 0)
    );
  }

  /** Something waits, is at work, or is covered by no commit. */
  get isBusy(): boolean {
    // What a commit that failed had taken is in no buffer any more, and will be done again.
    if (this.failure !== undefined) return true;
    return !this.#isAtRest(this.waiting);
  }

  /** Nothing waits but what can be read again when its time has come. */
  get isIdleUntilDue(): boolean {
    return this.failure === undefined && this.#isAtRest(this.waiting - this.#inputs.notDue);
  }

  #isAtRest(waiting: number): boolean {
    if (this.#calls?.awaited !== undefined) return false;
    return !(waiting > 0 || this.callsUnderWay > 0 || this.isDirty || this.isCommitting || this.isSuspended);
  }

  /** More records wait than its calls can take up: when one ends, the next can begin. */
  get waitsForCalls(): boolean {
    return this.#calls !== undefined && !this.#calls.flow.hasRoom && this.waiting > 0;
  }

  /** Begins no more calls. @returns whether some are still under way */
  drainCalls(): boolean {
    this.#calls?.flow.drain();
    return (this.#calls?.flow.calling ?? 0) > 0;
  }

  /** Begins no more calls as long as it is held; what has begun ends. */
  holdCalls(isHeld: boolean): void {
    if (isHeld) this.#calls?.flow.drain();
    else this.#calls?.flow.resume();
  }

  /** A function of the job or a commit is under way. */
  get isAtWork(): boolean {
    return this.isSuspended || this.isCommitting;
  }

  /** Records that are taken up by a call and have not ended. */
  get callsUnderWay(): number {
    return this.#calls?.flow.inFlight ?? 0;
  }

  /** The buffers have grown so far that a commit should not wait for its time. */
  get wantsCommit(): boolean {
    if (this.#outputs.bytes > OUTPUT_BYTES_MAX) return true;
    return this.#options.stores.some(({ store }) => store.changedEntries > CHANGED_ENTRIES_MAX);
  }

  /** An asynchronous function of the job is at work: the task waits for it, the worker does not. */
  get isSuspended(): boolean {
    return this.#work.occupied !== undefined;
  }

  get isCommitting(): boolean {
    return this.#committing !== undefined;
  }

  /** When a timer on the wall needs a turn, or a record that waits for its time is due; Infinity if neither. */
  get nextWallClockMs(): number {
    return this.#operators.reduce(
      (next, operator) => Math.min(next, operator.nextWallClockMs ?? Infinity),
      this.#inputs.nextDueMs,
    );
  }

  /** What it does, how far it is, and what it waits for. Of records, where they lie. */
  get report(): Pick<TaskStatus, "work" | "inputs" | "calls"> {
    return {
      work: workStatus(this.#work.current, this.#cause) ?? schemaStatus(this.awaited),
      inputs: this.#progress.inputs,
      calls: this.#calls?.status,
    };
  }

  /** A record somewhere in what was fetched needs a schema that is not here yet. */
  get missesSchema(): boolean {
    return this.#inputs.missesSchema;
  }

  /** What the next record waits for, or one that a call has taken up, and with it all behind it. */
  get awaited(): AwaitedSchema | undefined {
    return this.#inputs.awaited ?? this.#calls?.awaited;
  }

  /** Resolves when all schemas that the records need are here; meanwhile they are processed as far as they are. Never rejects. */
  accept(batch: FetchedBatch): Promise<void> {
    return this.#work.guard(() => this.#inputs.accept(batch));
  }

  /**
   * Event time of the record that would be processed next; undefined if there is none, or it must wait for another input. What is processed once more is old,
   * and yet comes last.
   */
  get headTimestampMs(): number | undefined {
    if (this.isSuspended) return undefined;
    const input = this.#inputs.pick();
    return input?.isReplay ? Number.MAX_SAFE_INTEGER : input?.queue.timestampMs;
  }

  /** Processes up to `recordsMax` records. Returns how many. */
  async process(recordsMax: number): Promise<number> {
    if (this.isSuspended) return 0;
    this.#cause.wallClockMs = this.#environment.clock.now();
    let done = 0;
    await this.#work.guard(async () => {
      while (done < recordsMax) {
        const input = this.#inputs.pick();
        if (input === undefined) break;
        if (this.#calls === undefined) this.#runSteps(input);
        else this.#calls.arrive(this.#inputs as CallInputs, input as CallInput);
        if (input.queue.timestampMs > this.#streamTimeMs) this.#streamTimeMs = input.queue.timestampMs;
        input.queue.dropHead();
        done++;
        if (this.#work.isAsked && !(await this.#work.drainPromptly())) break;
        if (this.#outputs.bytes > OUTPUT_BYTES_MAX || ((done & 1023) === 0 && this.wantsCommit)) break;
      }
    });
    // What is still at work has the last record as its cause.
    if (!this.isSuspended) this.#trace?.end();
    this.#options.runtime.metrics.recordsIn += done;
    return done;
  }

  /** Fires what is due on the wall. While it is at work the task is suspended. */
  async advanceWallClock(): Promise<void> {
    if (this.isSuspended) return;
    this.#cause.wallClockMs = this.#environment.clock.now();
    this.#cause.source = undefined;
    this.#trace?.end();
    await this.#work.occupy("timer", async () => {
      for (const operator of this.#operators) {
        const dueMs = operator.nextWallClockMs ?? Infinity;
        if (dueMs <= this.#cause.wallClockMs) operator.advanceWallClock?.(this.#cause.wallClockMs);
        await this.#work.drain();
      }
    });
  }

  /**
   * Starts a commit of all that was processed, after the one before it. Resolves when state is sealed and processing may go on, until when the
   * task is suspended; `settled` tells when the commit is done. Never rejects: what goes wrong shows in `failure`.
   */
  async beginCommit(): Promise<void> {
    await this.settled();
    if (this.failure !== undefined) return;
    this.#cause.source = undefined;
    this.#trace?.flush();
    this.#cause.wallClockMs = this.#environment.clock.now();
    await this.#work.occupy("commit", async () => {
      for (const operator of this.#operators) {
        operator.flush?.();
        await this.#work.drain();
      }
      this.#calls?.flow.flush();
      // A call that has just ended may have failed halfway.
      if (this.#work.isClosed || this.failure !== undefined) return;
      if (this.isDirty) this.#sealAndCommit();
      else this.#progress.note();
    });
  }

  #sealAndCommit(): void {
    const { metrics } = this.#options.runtime;
    const { path, stores } = this.#options;
    const { clock } = this.#environment;
    const startedMs = clock.now();
    metrics.recordsOut += this.#outputs.records;
    this.#commitSequence++;
    const offsets = this.#inputs.offsets(this.#commitSequence);
    const sent = this.#trace?.seal();
    const done = this.#environment.commit({
      path,
      stores,
      outputs: this.#outputs.take(),
      offsets,
      clock,
    });
    this.#committing = done.then(
      () => {
        this.#committing = undefined;
        this.#inputs.markCommitted(offsets);
        this.#committedAtMs = clock.now();
        metrics.committed(this.#committedAtMs - startedMs);
        this.#progress.note();
        sent?.();
      },
      (error: unknown) => {
        this.#committing = undefined;
        metrics.commitFailed();
        sent?.(codeOf(error));
        this.#work.fail(error, "a commit failed without an error");
      },
    );
  }

  /** Resolves when the task is not suspended and no commit is under way. Never rejects. */
  async settled(): Promise<void> {
    while (this.isSuspended || this.isCommitting) await Promise.all([this.#work.occupied, this.#committing]);
  }

  /**
   * Gives up the task's stores and producer after the commit that is under way. What no commit covers is dropped. A function of the job that
   * is still at work is not waited for: what it causes is dropped too.
   */
  async close(): Promise<void> {
    this.#work.close();
    this.#inputs.close();
    this.#calls?.close();
    this.#trace?.close();
    await this.#committing;
    await Promise.all(this.#options.stores.map(({ store }) => store.close()));
    if (this.#options.path.delivery === "exactly-once") await this.#options.path.producer.close();
  }

  #runSteps({ topic, queue, receive }: Input): void {
    const raw = queue.raw!;
    const { record } = this.#cause;
    record.key = queue.key;
    record.timestampMs = queue.timestampMs;
    record.window = undefined;
    record.topic = topic;
    record.offset = raw.offset;
    record.headers = raw.headers ?? NO_HEADERS;
    this.#cause.source = { topic, partition: queue.partition, raw };
    this.#trace?.begin({ topic, partition: queue.partition, raw });
    receive(queue.key, queue.value, queue.timestampMs);
  }

  #operatorEnvironment(): OperatorEnvironment {
    const { runtime, stores } = this.#options;
    const byName = new Map(stores.map(({ store }) => [store.name, store]));
    const store = (name: string): Store => {
      const found = byName.get(name);
      invariant(found !== undefined, `task ${this.id} has no store "${name}"`);
      return found;
    };
    return {
      record: this.#cause.record,
      wallClockMs: () => this.#cause.wallClockMs,
      store,
      keyCodec: (node) => runtime.keyCodecs.get(node)!,
      suspend: (work, step) => this.#work.ask(work, step),
      recordError: (step, error, key, value) => this.#outputs.recordError(step, error, key, value),
      output: (node) => this.#outputs.receiverOf(node),
      call: (node, edges) => {
        const { environment, subTopology } = this.#options;
        const resources = environment.calls.get(node.id);
        invariant(
          resources !== undefined && subTopology.call !== undefined,
          `task ${this.id} has nothing to call with`,
        );
        this.#calls = new TaskCalls({
          ...{ task: this.#options, node, planned: subTopology.call, resources, edges },
          ...{ outputs: this.#outputs, trace: this.#trace, cause: this.#cause, work: this.#work, store },
        });
        const { flow } = this.#calls;
        return (key, value, timestampMs) => flow.admit(key, value, timestampMs);
      },
      log: (step, entry, record) => this.#outputs.log(step, entry, record),
      countLate: () => void runtime.metrics.late++,
    };
  }
}

const NO_HEADERS: Readonly<Record<string, Buffer>> = Object.freeze({});

/** Before the first one. */
const noRecord = (partition: number): CurrentRecord => ({
  key: null,
  timestampMs: 0,
  window: undefined,
  topic: "",
  partition,
  offset: -1,
  headers: NO_HEADERS,
  isTimer: false,
});
