import type { Clock } from "../time/clock.ts";
import { promptly } from "./promptly.ts";
import type { Task } from "./task.ts";
import type { TaskSlots } from "./task-slots.ts";

export interface CommitScheduleOptions {
  readonly slots: TaskSlots;
  readonly clock: Clock;
  readonly everyMs: number;
  /** From then on commits and functions that are under way are not waited for. */
  readonly abandoned: Promise<void>;
}

/** How long `commitNow` holds up the loop for commits before it goes on and tries again. */
const COMMIT_PATIENCE_MS = 1_000;

/** When a worker's tasks commit: every so often, before their time if one wants to or somebody asks, and all together before tasks may leave. */
export class CommitSchedule {
  readonly #options: CommitScheduleOptions;
  #dueAtMs = 0;
  #requests: (() => void)[] = [];

  constructor(options: CommitScheduleOptions) {
    this.#options = options;
  }

  get dueAtMs(): number {
    return this.#dueAtMs;
  }

  /** The next commit is a whole interval from now. */
  startInterval(): void {
    this.#dueAtMs = this.#options.clock.now() + this.#options.everyMs;
  }

  /** The next turn of the loop commits. */
  hasten(): void {
    this.#dueAtMs = 0;
  }

  /** Resolves after the next commit of all tasks. */
  commitNow(): Promise<void> {
    this.hasten();
    return new Promise((resolve) => this.#requests.push(resolve));
  }

  async commitIfDue(): Promise<void> {
    const { clock, everyMs } = this.#options;
    if (clock.now() < this.#dueAtMs) return;
    let nextMs = everyMs;
    if (this.#requests.length === 0) await this.#beginCommits();
    else if (await this.commitAll(COMMIT_PATIENCE_MS)) this.answerRequests();
    else nextMs = 0;
    this.#dueAtMs = clock.now() + nextMs;
  }

  /**
   * Commits everything and waits for it, at most `patienceMs` if given: a function of the job may never end. What fails shows in the task's
   * failure. @returns whether all is done
   */
  async commitAll(patienceMs?: number): Promise<boolean> {
    const { slots, clock, abandoned } = this.#options;
    const tasks = [...slots.running()].map(({ task }) => task);
    const isSettled = (task: Task) => !task.isSuspended && !task.isCommitting;
    const done = new AbortController();
    const patience = patienceMs === undefined ? [] : [clock.sleep(patienceMs, done.signal)];
    const over = Promise.race([abandoned, ...patience]);
    for (const task of tasks) {
      await Promise.race([task.settled(), over]);
      if (isSettled(task)) await promptly(clock, task.beginCommit());
    }
    await Promise.race([Promise.all(tasks.map((task) => task.settled())), over]);
    done.abort();
    slots.dropFailed();
    return tasks.every(isSettled);
  }

  /** Also those whom no commit answers any more. */
  answerRequests(): void {
    for (const resolve of this.#requests.splice(0)) resolve();
  }

  /** Starts the commit of every task that has none under way; processing goes on meanwhile. */
  async #beginCommits(): Promise<void> {
    const { slots, clock } = this.#options;
    for (const { task } of slots.running()) {
      if (task.isCommitting || task.isSuspended) continue;
      await promptly(clock, task.beginCommit());
    }
  }
}
