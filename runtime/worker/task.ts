import { MulgilError } from "../../schemas/mulgil-error.ts";
import { InvariantError, invariant, RecordError, TaskMigratedError, TerminalError } from "../errors/errors.ts";
import type { CommittedOffset, FetchedBatch, FetchedRecord, PartitionOffset, TopicPartition } from "../log/port.ts";
import { buildOperators } from "../operators/build-operators.ts";
import type { CurrentRecord, Operator, OperatorEnvironment, Receive } from "../operators/operator.ts";
import type { SubTopology } from "../plan/plan.ts";
import type { CommitPath, CommittedStore } from "./commit.ts";
import { writeMetadata } from "./commit-metadata.ts";
import { codeOf, deadLetter } from "./dead-letter.ts";
import type { JobRuntime } from "./job-runtime.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { promptly } from "./promptly.ts";
import { RecordQueue } from "./record-queue.ts";
import type { StartPosition } from "./start-positions.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

/** What a task touches besides its stores and its commit path. */
export type TaskEnvironment = Pick<WorkerEnvironment, "clock" | "commit" | "onEvent">;

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

interface Input {
  readonly queue: RecordQueue;
  readonly receive: Receive;
}

/** What has been fetched of an input and waits to be processed. */
export interface Backlog extends TopicPartition {
  readonly records: number;
  readonly bytes: number;
}

/** A waiting input with lag holds the others back at most this long. */
const INPUT_WAIT_MAX_MS = 1_000;
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
  readonly #inputs: readonly Input[];
  readonly #operators: readonly Operator[];
  readonly #outputs: OutputBuffer;
  readonly #record: CurrentRecord;
  #source: { readonly topic: string; readonly partition: number; readonly raw: FetchedRecord } | undefined;
  #suspended: (() => Promise<void>)[] = [];
  #draining: Promise<void> | undefined;
  #isClosed = false;
  #wallClockMs: number;
  #committing: Promise<void> | undefined;
  #commitSequence: number;
  #committed: ReadonlyMap<string, number>;
  #blockedSinceMs: number | undefined;
  #failure: unknown;

  constructor(options: TaskOptions) {
    this.id = options.id;
    this.partition = options.partition;
    this.#options = options;
    this.#environment = options.environment;
    this.#wallClockMs = options.environment.clock.now();
    this.#commitSequence = options.commitSequence;
    this.#outputs = new OutputBuffer({ partition: options.partition });
    this.#record = {
      key: null,
      timestampMs: 0,
      window: undefined,
      topic: "",
      partition: options.partition,
      offset: -1,
      headers: NO_HEADERS,
      isTimer: false,
    };
    const { runtime, subTopology } = options;
    const built = buildOperators({
      topology: runtime.job.topology,
      nodeIds: subTopology.nodes,
      environment: this.#operatorEnvironment(),
    });
    this.#operators = built.operators;
    this.#inputs = [...built.inputs].map(([node, receive]) => ({ receive, queue: this.#queue(node) }));
    this.#committed = new Map(
      options.positions.filter(({ isCommitted }) => isCommitted).map(({ topic, offset }) => [topic, offset]),
    );
  }

  get inputs(): readonly TopicPartition[] {
    return this.#inputs.map(({ queue }) => ({ topic: queue.topic, partition: queue.partition }));
  }

  get fetchPositions(): readonly PartitionOffset[] {
    return this.#inputs.map(({ queue }) => ({
      topic: queue.topic,
      partition: queue.partition,
      offset: queue.fetchPosition,
    }));
  }

  /** Up to where the task's repartition topics have been committed: nobody needs what lies before. */
  get purgeable(): readonly PartitionOffset[] {
    const { runtime, partition } = this.#options;
    const internal = new Set(runtime.plan.topics.flatMap(({ topic, role }) => (role === "repartition" ? [topic] : [])));
    return [...this.#committed].flatMap(([topic, offset]) =>
      internal.has(topic) ? [{ topic, partition, offset }] : [],
    );
  }

  /** Records that were fetched and not processed. */
  get waiting(): number {
    return this.#inputs.reduce((sum, { queue }) => sum + queue.size, 0);
  }

  get backlogs(): readonly Backlog[] {
    return this.#inputs.map(({ queue: { topic, partition, size, bytes } }) => ({
      topic,
      partition,
      records: size,
      bytes,
    }));
  }

  /** Set when processing or a commit has failed: the task must be dropped. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Something was processed, or is held in memory, that no commit covers. */
  get isDirty(): boolean {
    return (
      this.#outputs.records > 0 ||
      this.#positionMoved() ||
      this.#options.stores.some(({ store }) => store.changedEntries > 0)
    );
  }

  /** Something waits, is at work, or is covered by no commit. */
  get isBusy(): boolean {
    return this.waiting > 0 || this.isDirty || this.isCommitting || this.isSuspended;
  }

  /** The buffers have grown so far that a commit should not wait for its time. */
  get wantsCommit(): boolean {
    if (this.#outputs.bytes > OUTPUT_BYTES_MAX) return true;
    return this.#options.stores.some(({ store }) => store.changedEntries > CHANGED_ENTRIES_MAX);
  }

  /** An asynchronous function of the job is at work: the task waits for it, the worker does not. */
  get isSuspended(): boolean {
    return this.#draining !== undefined;
  }

  get isCommitting(): boolean {
    return this.#committing !== undefined;
  }

  /** When a timer on the wall needs a turn; Infinity if none does. */
  get nextWallClockMs(): number {
    return this.#operators.reduce((next, operator) => Math.min(next, operator.nextWallClockMs ?? Infinity), Infinity);
  }

  async accept(batch: FetchedBatch): Promise<void> {
    const input = this.#inputs.find(({ queue }) => queue.topic === batch.topic);
    invariant(input !== undefined, `task ${this.id} got a batch of "${batch.topic}", which it does not read`);
    await input.queue.prepare(batch);
    input.queue.push(batch);
  }

  /** Event time of the record that would be processed next; undefined if there is none, or it must wait for another input. */
  get headTimestampMs(): number | undefined {
    return this.isSuspended ? undefined : this.#pick()?.queue.timestampMs;
  }

  /** Processes up to `recordsMax` records. Returns how many. */
  async process(recordsMax: number): Promise<number> {
    if (this.isSuspended) return 0;
    this.#wallClockMs = this.#environment.clock.now();
    let done = 0;
    await this.#guarded(async () => {
      while (done < recordsMax) {
        const input = this.#pick();
        if (input === undefined) break;
        this.#processHead(input);
        done++;
        if (this.#suspended.length > 0 && !(await this.#drainPromptly())) break;
        if (this.#outputs.bytes > OUTPUT_BYTES_MAX || ((done & 1023) === 0 && this.wantsCommit)) break;
      }
    });
    this.#options.runtime.metrics.recordsIn += done;
    return done;
  }

  /** Fires what is due on the wall. While it is at work the task is suspended. */
  async advanceWallClock(): Promise<void> {
    if (this.isSuspended) return;
    this.#wallClockMs = this.#environment.clock.now();
    this.#source = undefined;
    await this.#occupy(async () => {
      for (const operator of this.#operators) {
        const dueMs = operator.nextWallClockMs ?? Infinity;
        if (dueMs <= this.#wallClockMs) operator.advanceWallClock?.(this.#wallClockMs);
        await this.#drainSuspended();
      }
    });
  }

  /**
   * Starts a commit of all that was processed, after the one before it. Resolves when state is sealed and processing may go on, until when the
   * task is suspended; `settled` tells when the commit is done. Never rejects: what goes wrong shows in `failure`.
   */
  async beginCommit(): Promise<void> {
    await this.settled();
    if (this.#failure !== undefined) return;
    this.#source = undefined;
    this.#wallClockMs = this.#environment.clock.now();
    await this.#occupy(async () => {
      for (const operator of this.#operators) {
        operator.flush?.();
        await this.#drainSuspended();
      }
      if (!this.#isClosed && this.isDirty) this.#sealAndCommit();
    });
  }

  #sealAndCommit(): void {
    const { metrics } = this.#options.runtime;
    const { path, stores } = this.#options;
    const positions = new Map(this.#inputs.map(({ queue }) => [queue.topic, queue.position]));
    metrics.recordsOut += this.#outputs.records;
    this.#commitSequence++;
    const done = this.#environment.commit({
      path,
      stores,
      outputs: this.#outputs.take(),
      offsets: this.#offsets(),
      clock: this.#environment.clock,
    });
    this.#committing = done.then(
      () => {
        this.#committing = undefined;
        this.#committed = positions;
        metrics.commits++;
      },
      (error: unknown) => {
        this.#committing = undefined;
        this.#failure = error ?? new InvariantError("a commit failed without an error");
      },
    );
  }

  /** Resolves when the task is not suspended and no commit is under way. Never rejects. */
  async settled(): Promise<void> {
    while (this.isSuspended || this.isCommitting) await Promise.all([this.#draining, this.#committing]);
  }

  /**
   * Gives up the task's stores and producer after the commit that is under way. What no commit covers is dropped. A function of the job that
   * is still at work is not waited for: what it causes is dropped too.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#committing;
    await Promise.all(this.#options.stores.map(({ store }) => store.close()));
    if (this.#options.path.delivery === "exactly-once") await this.#options.path.producer.close();
  }

  #queue(node: string): RecordQueue {
    const { runtime, subTopology, partition, positions, ends } = this.#options;
    const definition = runtime.nodes.get(node)!;
    invariant(
      definition.kind === "source" || definition.kind === "table" || definition.kind === "repartition",
      `${node} is no input of ${subTopology.name}`,
    );
    const topic = definition.kind === "repartition" ? definition.topic : definition.topic.name;
    const position = positions.find((entry) => entry.topic === topic);
    invariant(position !== undefined, `task ${this.id} has no position for "${topic}"`);
    return new RecordQueue({
      topic,
      partition,
      position: position.offset,
      endOffset: ends?.find((entry) => entry.topic === topic)?.offset ?? position.offset,
      decoder: runtime.decoders.get(node)!,
      undecodable: (raw, error) => {
        this.#source = { topic, partition, raw };
        this.#recordError(node, error, null, null);
      },
    });
  }

  /** The input whose head has the lowest event time; none while an input with lag has nothing here yet, within a bound. */
  #pick(): Input | undefined {
    if (this.#inputs.length === 1) return this.#inputs[0]!.queue.loadHead() ? this.#inputs[0] : undefined;
    let best: Input | undefined;
    let behind = false;
    for (const input of this.#inputs) {
      if (!input.queue.loadHead()) behind ||= input.queue.position < input.queue.endOffset;
      else if (best === undefined || input.queue.timestampMs < best.queue.timestampMs) best = input;
    }
    if (!behind || best === undefined) {
      this.#blockedSinceMs = undefined;
      return best;
    }
    const nowMs = this.#environment.clock.now();
    this.#blockedSinceMs ??= nowMs;
    return nowMs - this.#blockedSinceMs >= INPUT_WAIT_MAX_MS ? best : undefined;
  }

  #processHead({ queue, receive }: Input): void {
    const raw = queue.raw!;
    const record = this.#record;
    record.key = queue.key;
    record.timestampMs = queue.timestampMs;
    record.window = undefined;
    record.topic = queue.topic;
    record.offset = raw.offset;
    record.headers = raw.headers ?? NO_HEADERS;
    this.#source = { topic: queue.topic, partition: queue.partition, raw };
    receive(queue.key, queue.value, queue.timestampMs);
    queue.dropHead();
  }

  /** What is thrown inside is not about a record: the task is to be dropped. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failure = error ?? new InvariantError("a task failed without an error");
    }
  }

  /** Runs suspended work; false if it takes so long that it goes on by itself, and the task stands still until then. */
  async #drainPromptly(): Promise<boolean> {
    await promptly(
      this.#environment.clock,
      this.#occupy(() => this.#drainSuspended()),
    );
    return !this.isSuspended && this.#failure === undefined;
  }

  /** Suspends the task while the work runs. */
  #occupy(work: () => Promise<void>): Promise<void> {
    const occupied = this.#guarded(work).then(() => {
      this.#draining = undefined;
    });
    this.#draining = occupied;
    return occupied;
  }

  async #drainSuspended(): Promise<void> {
    for (let work = this.#suspended.shift(); work !== undefined && !this.#isClosed; work = this.#suspended.shift())
      await work();
  }

  #positionMoved(): boolean {
    return this.#inputs.some(({ queue }) => queue.position !== this.#committed.get(queue.topic));
  }

  #offsets(): CommittedOffset[] {
    const incarnations = new Map(this.#options.positions.map(({ topic, incarnation }) => [topic, incarnation]));
    return this.#inputs.map(({ queue: { topic, partition, position } }) => ({
      topic,
      partition,
      offset: position,
      metadata: writeMetadata({ sequence: this.#commitSequence, incarnation: incarnations.get(topic) }),
    }));
  }

  #operatorEnvironment(): OperatorEnvironment {
    const { runtime, stores } = this.#options;
    const byName = new Map(stores.map(({ store }) => [store.name, store]));
    return {
      record: this.#record,
      wallClockMs: () => this.#wallClockMs,
      store: (name) => {
        const store = byName.get(name);
        invariant(store !== undefined, `task ${this.id} has no store "${name}"`);
        return store;
      },
      keyCodec: (node) => runtime.keyCodecs.get(node)!,
      suspend: (work) => void this.#suspended.push(work),
      recordError: (step, error, key, value) => this.#recordError(step, error, key, value),
      output: (node) => this.#output(node),
      countLate: () => void runtime.metrics.late++,
    };
  }

  #output(node: string): Receive {
    const encoder = this.#options.runtime.encoders.get(node);
    invariant(encoder !== undefined, `task ${this.id} has no output "${node}"`);
    return (key, value, timestampMs) => {
      try {
        this.#outputs.add(encoder, key, value, timestampMs, this.#wallClockMs);
      } catch (error) {
        this.#recordError(node, error, key, value);
      }
    };
  }

  #recordError(step: string, error: unknown, key: unknown, value: unknown): void {
    if (isFatal(error)) throw error;
    const { runtime } = this.#options;
    const { metrics, plan, job } = runtime;
    const source = this.#record.isTimer ? undefined : this.#source;
    const letter = deadLetter({ job: job.name, step, wallClockMs: this.#wallClockMs, source }, error, key, value);
    this.#outputs.addBytes(plan.dlqTopic, 0, letter);
    metrics.deadLetters++;
    this.#environment.onEvent({
      kind: "deadLetter",
      job: job.name,
      task: this.id,
      step,
      code: codeOf(error),
      topic: source?.topic,
      partition: source?.partition,
      offset: source?.raw.offset,
    });
  }
}

const NO_HEADERS: Readonly<Record<string, Buffer>> = Object.freeze({});

/** Not about a record, wherever it was thrown. */
function isFatal(error: unknown): boolean {
  if (error instanceof InvariantError || error instanceof TaskMigratedError) return true;
  if (error instanceof TerminalError || error instanceof RecordError) return false;
  return error instanceof MulgilError && error.code.startsWith("STATE_");
}
