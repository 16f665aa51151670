import type { OperatorEnvironment } from "./operator.ts";

/** Other works may run now; used where many steps follow each other without waiting for anything. */
export const PAUSE = Symbol("pause");

/** Work that runs synchronously until it has to wait: it yields what it waits for and is given what that resolves to. */
export type Steps = Generator<PromiseLike<unknown> | typeof PAUSE, void, unknown>;

/**
 * Runs the works of one operator, one after the other: as far as they go at once, and from where they wait as suspended work of the
 * task.
 */
export class ResumableWork {
  readonly #step: string;
  readonly #environment: OperatorEnvironment;
  /** The next work that has waited for its turn. */
  readonly #nextSteps: () => Steps | undefined;
  #isWaiting = false;

  constructor(options: {
    /** The operator's id. */
    readonly step: string;
    readonly environment: OperatorEnvironment;
    readonly nextSteps: () => Steps | undefined;
  }) {
    this.#step = options.step;
    this.#environment = options.environment;
    this.#nextSteps = options.nextSteps;
  }

  /** A work is not finished: what comes now has to queue. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  start(steps: Steps): void {
    const { done, value } = steps.next();
    if (done === true) return;
    this.#isWaiting = true;
    this.#environment.suspend(() => this.#resume(steps, value), this.#step);
  }

  async #resume(current: Steps, waitsFor: PromiseLike<unknown> | typeof PAUSE): Promise<void> {
    let steps: Steps | undefined = current;
    let result = await step(steps, waitsFor);
    while (steps !== undefined) {
      while (result.done !== true) {
        const { value } = result;
        if (value === PAUSE) {
          const paused = steps;
          this.#environment.suspend(() => this.#resume(paused, PAUSE), this.#step);
          return;
        }
        result = await step(steps, value);
      }
      steps = this.#nextSteps();
      if (steps !== undefined) result = steps.next();
    }
    this.#isWaiting = false;
  }
}

async function step(
  steps: Steps,
  waitsFor: PromiseLike<unknown> | typeof PAUSE,
): Promise<IteratorResult<PromiseLike<unknown> | typeof PAUSE, void>> {
  if (waitsFor === PAUSE) return steps.next();
  let settled: unknown;
  try {
    settled = await waitsFor;
  } catch (error) {
    return steps.throw(error);
  }
  return steps.next(settled);
}
