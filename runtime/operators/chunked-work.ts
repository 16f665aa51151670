import type { OperatorEnvironment } from "./operator.ts";

/**
 * Asynchronous work of one operator, in steps. Each step waits its turn behind the works that the steps before it caused, so that what
 * they send does not pile up in front of a slow step.
 */
export class ChunkedWork {
  readonly #environment: OperatorEnvironment;
  /** Does a part; resolves to whether there is more. */
  readonly #step: () => Promise<boolean>;
  #isRunning = false;

  constructor(options: { readonly environment: OperatorEnvironment; readonly step: () => Promise<boolean> }) {
    this.#environment = options.environment;
    this.#step = options.step;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Does nothing if the work is under way: its next step sees what is new. */
  request(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#environment.suspend(this.#run);
  }

  readonly #run = async (): Promise<void> => {
    if (await this.#step()) this.#environment.suspend(this.#run);
    else this.#isRunning = false;
  };
}
