import type { Log } from "../log/port.ts";
import type { Plan } from "../plan/plan.ts";
import { replayableInputs } from "../plan/replay-topics.ts";
import type { Clock } from "../time/clock.ts";

const LOOK_EVERY_MS = 10_000;

/** Which topics with records to be processed once more a job has: they are made by the first replay, also while the job runs. Shared by its workers in a process. */
export class ReplayTopics {
  readonly #possible: readonly string[];
  #counts: ReadonlyMap<string, number> = new Map();
  #lookAtMs = 0;
  #looking: Promise<void> | undefined;

  constructor(plan: Plan) {
    this.#possible = plan.subTopologies.flatMap((part) =>
      replayableInputs(plan, part).map(({ replayTopic }) => replayTopic),
    );
  }

  /** The partitions of those that were there at the last look. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  async look(log: Pick<Log, "countPartitions">): Promise<void> {
    if (this.#possible.length > 0) this.#counts = await log.countPartitions(this.#possible);
  }

  /** Looks beside what the caller does. What goes wrong is tried again: without an answer the job goes on with what it knows. */
  lookIfDue(log: Pick<Log, "countPartitions">, clock: Clock): void {
    const nowMs = clock.now();
    if (this.#looking !== undefined || nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + LOOK_EVERY_MS;
    this.#looking = this.look(log)
      .catch(() => undefined)
      .finally(() => {
        this.#looking = undefined;
      });
  }
}
