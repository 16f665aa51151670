import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { FetchedBatch, LogReader, TopicPartition } from "../log/port.ts";
import type { SubTopology } from "../plan/plan.ts";
import type { JobRuntime } from "./job-runtime.ts";
import { StandbyTask } from "./standby-task.ts";
import { parseTaskId } from "./task-id.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

export interface StandbysOptions {
  readonly runtime: JobRuntime;
  readonly environment: WorkerEnvironment;
}

const POLL_WAIT_MS = 1_000;
/** A copy that failed is opened again after this: nobody waits for it. */
const RETRY_MS = 10_000;
const REFRESH_EVERY_MS = 60_000;

/**
 * The copies that a worker keeps of the state of tasks that others run. They follow their changelogs beside the worker's loop, with one reader,
 * and are opened one after the other. Trouble with one of them is told, and tried again: it never ends the worker.
 */
export class Standbys {
  readonly #options: StandbysOptions;
  readonly #tasks = new Map<string, StandbyTask>();
  readonly #over = new AbortController();
  /** Copies that were released and still write, or wait for the log. */
  readonly #closing = new Map<string, Promise<unknown>>();
  #opening: Promise<unknown> = Promise.resolve();
  #following: Promise<void> | undefined;
  #reader: LogReader | undefined;
  #refreshAtMs = 0;

  constructor(options: StandbysOptions) {
    this.#options = options;
  }

  /** Tasks of which it has a copy, and how many changelog records that is behind; null while it is being restored. */
  get lags(): ReadonlyMap<string, number | null> {
    return new Map([...this.#tasks].map(([id, task]) => [id, task.lag]));
  }

  /** From now on keeps copies of these tasks and of no others. What only another plan has, whose leader asked for it, is left out. */
  keep(tasks: readonly string[]): void {
    const wanted = new Set(tasks.filter((id) => this.#partOf(id) !== undefined));
    for (const id of this.#tasks.keys()) if (!wanted.has(id)) void this.release(id);
    for (const id of wanted) if (!this.#tasks.has(id)) this.#add(id);
  }

  /** Resolves when the copy is closed and its directories are free: the task can start from them. */
  async release(id: string): Promise<void> {
    const task = this.#tasks.get(id);
    if (task !== undefined) {
      this.#tasks.delete(id);
      this.#unassign(task.positions);
      const closing = Promise.all([this.#closing.get(id), task.close()]).then(() => {
        if (this.#closing.get(id) === closing) this.#closing.delete(id);
      });
      this.#closing.set(id, closing);
    }
    await this.#closing.get(id);
  }

  async close(): Promise<void> {
    this.keep([]);
    this.#over.abort();
    await Promise.all(this.#closing.values());
    // What is being opened may be the reader.
    await this.#opening;
    await this.#reader?.close();
    await this.#following;
  }

  #add(id: string): void {
    const { partition } = parseTaskId(id);
    const subTopology = this.#partOf(id)!;
    const task = new StandbyTask({ ...this.#options, id, subTopology, partition });
    this.#tasks.set(id, task);
    this.#open(task);
  }

  #partOf(id: string): SubTopology | undefined {
    const { subTopology } = parseTaskId(id);
    return this.#options.runtime.plan.subTopologies.find(({ name }) => name === subTopology);
  }

  #open(task: StandbyTask): void {
    // A copy that was released opens no more; whatever it waits for, the others go on.
    const opened = this.#opening.then(() => task.open()).then(() => this.#opened(task));
    this.#opening = opened.catch((error: unknown) => this.#failed(task, error));
  }

  async #opened(task: StandbyTask): Promise<void> {
    if (!this.#isKept(task)) return;
    this.#reader ??= await this.#options.environment.log.openReader({ isolation: "read_committed" });
    if (!this.#isKept(task)) return;
    this.#reader.assign(task.positions);
    this.#following ??= this.#follow(this.#reader);
  }

  /** As long as there is a copy. */
  async #follow(reader: LogReader): Promise<void> {
    while (this.#tasks.size > 0) {
      try {
        for (const batch of await reader.poll(POLL_WAIT_MS)) await this.#write(batch);
        this.#refreshIfDue();
      } catch (error) {
        if (this.#over.signal.aborted) break;
        const concerned = this.#concerned(error);
        for (const task of concerned) this.#failed(task, error);
        if (concerned.length !== 1) await this.#sleep();
      }
    }
    this.#following = undefined;
  }

  /** Those that cannot go on: the one whose position is gone, which its opening mends, or all. */
  #concerned(error: unknown): readonly StandbyTask[] {
    const { topic, partition } = error instanceof MulgilError ? error.context : {};
    const following = [...this.#tasks.values()].filter(({ isFollowing }) => isFollowing);
    const own = following.filter(({ positions }) =>
      positions.some((position) => position.topic === topic && position.partition === partition),
    );
    return own.length > 0 ? own : following;
  }

  async #write(batch: FetchedBatch): Promise<void> {
    const task = [...this.#tasks.values()].find(({ positions }) =>
      positions.some((position) => isSame(position, batch)),
    );
    await task?.follow(batch).catch((error: unknown) => this.#failed(task, error));
  }

  /** Beside the following, which a partition without a leader must not hold up; the next one tries again. */
  #refreshIfDue(): void {
    const nowMs = this.#options.environment.clock.now();
    if (nowMs < this.#refreshAtMs) return;
    this.#refreshAtMs = nowMs + REFRESH_EVERY_MS;
    void this.#refresh(nowMs).catch(() => undefined);
  }

  async #refresh(nowMs: number): Promise<void> {
    const tasks = [...this.#tasks.values()];
    const ends = await this.#options.environment.log.listOffsets(
      tasks.flatMap(({ positions }) => positions).map(where),
      "latest",
      "read_committed",
    );
    for (const task of tasks) await task.refresh(ends, nowMs).catch((error: unknown) => this.#failed(task, error));
  }

  #failed(task: StandbyTask, error: unknown): void {
    if (!this.#isKept(task)) return;
    const { runtime, environment } = this.#options;
    environment.onEvent({ kind: "standbyFailed", job: runtime.job.name, task: task.id, error });
    this.#unassign(task.positions);
    void task
      .suspend(error)
      .then(() => this.#sleep())
      .then(() => {
        if (this.#isKept(task)) this.#open(task);
      });
  }

  #isKept(task: StandbyTask): boolean {
    return this.#tasks.get(task.id) === task && !task.isClosed;
  }

  #unassign(partitions: readonly TopicPartition[]): void {
    if (!this.#over.signal.aborted) this.#reader?.unassign(partitions.map(where));
  }

  #sleep(): Promise<void> {
    return this.#options.environment.clock.sleep(RETRY_MS, this.#over.signal);
  }
}

const isSame = (left: TopicPartition, right: TopicPartition): boolean =>
  left.topic === right.topic && left.partition === right.partition;

const where = ({ topic, partition }: TopicPartition): TopicPartition => ({ topic, partition });
