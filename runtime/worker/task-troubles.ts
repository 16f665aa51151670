import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { JobEvent } from "./job-event.ts";
import type { TroubleStatus } from "./member-status.ts";

const MESSAGE_CHARACTERS_MAX = 500;

/** Why tasks of this process had to start again, as its events tell it. */
export class TaskTroubles {
  readonly #now: () => number;
  readonly #troubles = new Map<string, TroubleStatus>();

  constructor(now: () => number) {
    this.#now = now;
  }

  hear(event: JobEvent): void {
    if (event.kind !== "restarting") return;
    const key = keyOf(event.job, event.task);
    const { error } = event;
    const restarts = (this.#troubles.get(key)?.restarts ?? 0) + 1;
    const message = (error instanceof Error ? error.message : String(error)).slice(0, MESSAGE_CHARACTERS_MAX);
    const code = error instanceof MulgilError ? error.code : "UNEXPECTED";
    this.#troubles.set(key, { code, message, restarts, atMs: this.#now() });
  }

  of(job: string, task: string): TroubleStatus | undefined {
    return this.#troubles.get(keyOf(job, task));
  }
}

const keyOf = (job: string, task: string): string => `${job}/${task}`;
