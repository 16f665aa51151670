import { closed } from "./refusals.ts";

/** open -> closed, and what closing has to wait for. */
export class Lifecycle {
  #isClosed = false;
  #running = 0;
  #drained: (() => void) | undefined;
  readonly #onClose = new Set<() => void>();

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws LOG_CLOSED */
  assertOpen(): void {
    if (this.#isClosed) throw closed("log");
  }

  /** Calls back when the log closes; the returned function cancels. */
  onClose(callback: () => void): () => void {
    this.#onClose.add(callback);
    return () => this.#onClose.delete(callback);
  }

  /** Runs work that closing waits for. @throws LOG_CLOSED */
  async run<T>(work: () => T | Promise<T>): Promise<T> {
    this.assertOpen();
    return this.track(work);
  }

  /** Like `run`, for what may still finish after closing has begun. */
  async track<T>(work: () => T | Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
      if (this.#running === 0) this.#drained?.();
    }
  }

  /** Refuses new calls, tells those who wait, and resolves when all running work has ended. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      for (const callback of this.#onClose) callback();
      this.#onClose.clear();
    }
    while (this.#running > 0) {
      await new Promise<void>((resolve) => {
        const previous = this.#drained;
        this.#drained = () => {
          previous?.();
          resolve();
        };
      });
    }
  }
}
