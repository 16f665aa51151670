import PQueue from "p-queue";
import type { WorkerPermits } from "./worker-permits.ts";

export interface PermitOptions {
  readonly isRetry: boolean;
  readonly signal: AbortSignal;
}

/** The permits of one institution, in front of those of the worker: a slow institution's calls wait for its own, and hold none of everybody's. */
export class Permits {
  readonly #institution: PQueue;
  readonly #worker: WorkerPermits;

  constructor(worker: WorkerPermits, concurrency: number) {
    this.#worker = worker;
    this.#institution = new PQueue({ concurrency });
  }

  /** Whether a task would begin to wait behind others. */
  get areTaken(): boolean {
    return isTaken(this.#institution);
  }

  /** Waiting for a permit of the institution. */
  get waiting(): number {
    return this.#institution.size;
  }

  set concurrency(concurrency: number) {
    if (concurrency !== this.#institution.concurrency) this.#institution.concurrency = concurrency;
  }

  /** Runs the task with both permits. Rejects if the signal aborts, or all are sent away, while it waits. */
  run<T>(task: () => Promise<T>, options: PermitOptions): Promise<T> {
    return add(this.#institution, () => this.#worker.run(task, options), options);
  }

  /** Sends away all that wait. */
  clear(): void {
    this.#institution.clear();
  }
}

const isTaken = (queue: PQueue): boolean => queue.pending >= queue.concurrency;

/** A signal costs a queue three promises a task, and what begins at once ends by itself when its task is given up. */
const add = <T>(queue: PQueue, task: () => Promise<T>, { isRetry, signal }: PermitOptions): Promise<T> =>
  queue.add(task, isTaken(queue) ? { priority: isRetry ? 1 : 0, signal } : {});
