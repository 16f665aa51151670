import { styleText } from "node:util";
import ms from "ms";
import type { JobStatus, RestoreStatus } from "../../runtime/index.ts";
import type { WorkerStanding } from "./supervisor.ts";

/** A status and how fast the job reads. */
export interface JobProgress extends JobStatus {
  readonly recordsPerSecond: number;
}

const WINDOW_MS = 3_000;

/** Watches how the counters of jobs grow. The rate is that of the last few seconds. */
export class ProgressMeter {
  readonly #now: () => number;
  readonly #startMs: number;
  readonly #samples = new Map<string, { readonly atMs: number; readonly recordsIn: number }[]>();

  constructor(now: () => number) {
    this.#now = now;
    this.#startMs = now();
  }

  /** `of` tells apart what has the same jobs: one of several processes. */
  measure(statuses: readonly JobStatus[], of = ""): readonly JobProgress[] {
    const atMs = this.#now();
    return statuses.map((status) => {
      const counted = `${of}/${status.job}`;
      const before = this.#samples.get(counted) ?? [{ atMs: this.#startMs, recordsIn: 0 }];
      // The newest of those that are too old stays: it is where the window begins.
      const samples = before.filter((_, index) => atMs - (before[index + 1]?.atMs ?? atMs) <= WINDOW_MS);
      samples.push({ atMs, recordsIn: status.recordsIn });
      this.#samples.set(counted, samples);
      const first = samples[0]!;
      const seconds = (atMs - first.atMs) / 1000;
      return {
        ...status,
        recordsPerSecond: seconds === 0 ? 0 : Math.round((status.recordsIn - first.recordsIn) / seconds),
      };
    });
  }
}

/** One line a job, for a person. */
export function progressLines(jobs: readonly JobProgress[]): readonly string[] {
  const width = Math.max(0, ...jobs.map(({ job }) => job.length));
  return jobs.map((job) => {
    const warn = (count: number, what: string) =>
      count === 0 ? [] : [styleText("yellow", `${number(count)} ${what}`)];
    const parts = [
      `in ${number(job.recordsIn).padStart(9)}`,
      `out ${number(job.recordsOut).padStart(9)}`,
      `${number(job.recordsPerSecond).padStart(8)}/s`,
      `lag ${number(job.lag).padStart(7)}`,
      ...warn(job.late, "late"),
      ...warn(job.deadLetters, "dead letters"),
      ...warn(job.skipped, "skipped"),
      ...restoringPart(job),
    ];
    return `${styleText("bold", job.job.padEnd(width))}  ${parts.join("  ")}`;
  });
}

/** What a person wants to know of single processes: who is not there, and who restores. */
export function workerLines(workers: readonly WorkerStanding[]): readonly string[] {
  return workers.flatMap(({ worker, pid, statuses }) => {
    if (pid === undefined) return [`  worker ${worker}  ${styleText("yellow", "not running")}`];
    const restoring = statuses.flatMap((status) => restoringPart(status));
    return restoring.length === 0 ? [] : [`  worker ${worker}  ${restoring.join("  ")}`];
  });
}

function restoringPart({ restoring }: JobStatus): readonly string[] {
  if (restoring === undefined) return [];
  return [styleText("cyan", restoreText(restoring))];
}

/** "restoring 1,000 of 4,000 (25%), 500/s, 6s left" */
export function restoreText({ done, total, recordsPerSecond, timeLeftMs }: RestoreStatus): string {
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  return `restoring ${number(done)} of ${number(total)} (${percent}%), ${number(recordsPerSecond)}/s, ${ms(timeLeftMs)} left`;
}

export const number = (value: number): string => value.toLocaleString("en-US");
