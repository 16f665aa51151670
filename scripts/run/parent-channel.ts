import type { WorkerMessage } from "./worker-messages.ts";

/** To the process that started this one. Messages arrive in their order. */
export class ParentChannel {
  #last: Promise<boolean> = Promise.resolve(true);

  /** Resolves when it is on its way. @returns false if nobody is there to hear it */
  tell(message: WorkerMessage): Promise<boolean> {
    this.#last = new Promise((resolve) => {
      if (!process.connected) return resolve(false);
      process.send!(message, undefined, undefined, (error) => resolve(error === null));
    });
    return this.#last;
  }

  /** Resolves when all that was told is on its way. */
  async flush(): Promise<void> {
    await this.#last;
  }
}
