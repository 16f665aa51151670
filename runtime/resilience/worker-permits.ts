import type { AbortCallbacks } from "./abort-callbacks.ts";
import { Fifo } from "./fifo.ts";
import type { PermitOptions } from "./permits.ts";

interface Waiting {
  begin(): void;
  sendAway(reason: unknown): void;
  isGone: boolean;
}

/**
 * The permits of a worker, over all institutions. Their number is fixed and mostly one is free, which a counter knows: a second p-queue around each call would
 * cost as much as all else in the guard together.
 */
export class WorkerPermits {
  readonly #concurrency: number;
  readonly #onAbort: AbortCallbacks;
  /** Records that have waited in a tier go first. */
  readonly #returning = new Fifo<Waiting>();
  readonly #fresh = new Fifo<Waiting>();
  #taken = 0;
  #isHeld = false;

  constructor(concurrency: number, onAbort: AbortCallbacks) {
    this.#concurrency = concurrency;
    this.#onAbort = onAbort;
  }

  /** Runs the task, which must not throw, with a permit. Rejects if the signal aborts, or all are sent away, while it waits. */
  run<T>(task: () => Promise<T>, options: PermitOptions): Promise<T> {
    return this.#isFree ? this.#begin(task) : this.#wait(task, options);
  }

  /** Tasks that run. */
  get taken(): number {
    return this.#taken;
  }

  /** Gives no permits as long as it is held; what has one goes on. */
  hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.#beginWaiting();
  }

  get #isFree(): boolean {
    return !this.#isHeld && this.#taken < this.#concurrency;
  }

  /** Sends away all that wait. */
  clear(): void {
    for (const waiting of [...this.#returning.drain(), ...this.#fresh.drain()])
      waiting.sendAway(new Error("the worker makes no calls any more"));
  }

  #begin<T>(task: () => Promise<T>): Promise<T> {
    this.#taken++;
    const running = task();
    const end = () => this.#end();
    running.then(end, end);
    return running;
  }

  #wait<T>(task: () => Promise<T>, { isRetry, signal }: PermitOptions): Promise<T> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const stopListening = this.#onAbort.on(signal, () => waiting.sendAway(signal.reason));
      const waiting: Waiting = {
        isGone: false,
        begin: () => {
          stopListening();
          resolve(this.#begin(task));
        },
        sendAway: (reason) => {
          stopListening();
          waiting.isGone = true;
          reject(reason);
        },
      };
      (isRetry ? this.#returning : this.#fresh).push(waiting);
    });
  }

  #end(): void {
    this.#taken--;
    this.#beginWaiting();
  }

  #beginWaiting(): void {
    while (this.#isFree) {
      const next = this.#returning.take() ?? this.#fresh.take();
      if (next === undefined) return;
      if (!next.isGone) next.begin();
    }
  }
}
