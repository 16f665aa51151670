import type { LogAccess } from "../log/port.ts";
import type { Clock } from "../time/clock.ts";
import type { Task } from "./task.ts";

const PURGE_EVERY_MS = 30_000;

/**
 * Repartition topics keep everything for ever, so what is committed is removed from them: every half a minute, and what a task finds committed when it
 * begins.
 */
export class Purge {
  readonly #log: Pick<LogAccess, "deleteRecords">;
  readonly #clock: Pick<Clock, "now">;
  readonly #begun = new WeakSet<Pick<Task, "purgeable">>();
  #atMs = 0;

  constructor({ log, clock }: { readonly log: Pick<LogAccess, "deleteRecords">; readonly clock: Pick<Clock, "now"> }) {
    this.#log = log;
    this.#clock = clock;
  }

  async purgeIfDue(tasks: Iterable<{ readonly task: Pick<Task, "purgeable"> }>): Promise<void> {
    const nowMs = this.#clock.now();
    const isDue = nowMs >= this.#atMs;
    if (isDue) this.#atMs = nowMs + PURGE_EVERY_MS;
    const before = [];
    for (const { task } of tasks) {
      if (!isDue && this.#begun.has(task)) continue;
      this.#begun.add(task);
      before.push(...task.purgeable);
    }
    if (before.length > 0) await this.#log.deleteRecords(before);
  }
}
