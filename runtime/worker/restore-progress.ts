import type { JobEvent } from "./job-event.ts";

/** How far a restore is. Counts offsets of changelogs, from where the restore began. */
export interface RestoreStatus {
  readonly done: number;
  readonly total: number;
  /** On average since the restore began. */
  readonly recordsPerSecond: number;
  /** If it goes on at this rate. */
  readonly timeLeftMs: number;
}

/** Pure. */
export function restoreStatus(done: number, total: number, elapsedMs: number): RestoreStatus {
  const recordsPerMs = done / Math.max(1, elapsedMs);
  return {
    done,
    total,
    recordsPerSecond: Math.round(recordsPerMs * 1_000),
    timeLeftMs: done === 0 ? 0 : Math.round((total - done) / recordsPerMs),
  };
}

/** Of restores that go on at the same time: all are done when the last one is. Undefined if there is none. */
export function allRestores(restores: readonly RestoreStatus[]): RestoreStatus | undefined {
  if (restores.length === 0) return undefined;
  const sum = (field: keyof RestoreStatus) => restores.reduce((total, restore) => total + restore[field], 0);
  return {
    done: sum("done"),
    total: sum("total"),
    recordsPerSecond: sum("recordsPerSecond"),
    timeLeftMs: Math.max(...restores.map(({ timeLeftMs }) => timeLeftMs)),
  };
}

interface Restoring {
  readonly job: string;
  readonly task: string;
  readonly restore: RestoreStatus;
}

/** The restores that are going on in this process, as its events tell them. */
export class RestoreProgress {
  readonly #restoring = new Map<string, Restoring>();

  hear(event: JobEvent): void {
    switch (event.kind) {
      case "restoring": {
        const { job, task, store, done, total, recordsPerSecond, timeLeftMs } = event;
        this.#restoring.set(`${job}/${task}/${store}`, {
          job,
          task,
          restore: { done, total, recordsPerSecond, timeLeftMs },
        });
        break;
      }
      case "restored":
        this.#restoring.delete(`${event.job}/${event.task}/${event.store}`);
        break;
      case "closed":
      case "restarting":
        for (const [key, { job, task }] of this.#restoring)
          if (job === event.job && task === event.task) this.#restoring.delete(key);
        break;
      default:
    }
  }

  /** Undefined if no store of the job, or of the task, is being restored. */
  of(job: string, task?: string): RestoreStatus | undefined {
    const own = [...this.#restoring.values()].filter(
      (each) => each.job === job && (task === undefined || each.task === task),
    );
    return allRestores(own.map(({ restore }) => restore));
  }
}
