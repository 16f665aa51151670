import type { Clock } from "../../time/clock.ts";

/** Lets one waiter wait until something happens. What happens while nobody waits ends the next wait at once. */
export class Wake {
  readonly #clock: Clock;
  #isWoken = false;
  #endWait: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#isWoken = true;
    this.#endWait?.();
  }

  async wait(waitMaxMs: number): Promise<void> {
    if (!this.#isWoken && waitMaxMs > 0) {
      const ended = new AbortController();
      this.#endWait = () => ended.abort();
      await this.#clock.sleep(waitMaxMs, ended.signal);
      this.#endWait = undefined;
    }
    this.#isWoken = false;
  }
}
