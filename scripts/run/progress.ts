import { styleText } from "node:util";
import type { JobStatus } from "../../runtime/index.ts";

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

  measure(statuses: readonly JobStatus[]): readonly JobProgress[] {
    const atMs = this.#now();
    return statuses.map((status) => {
      const before = this.#samples.get(status.job) ?? [{ atMs: this.#startMs, recordsIn: 0 }];
      // The newest of those that are too old stays: it is where the window begins.
      const samples = before.filter((_, index) => atMs - (before[index + 1]?.atMs ?? atMs) <= WINDOW_MS);
      samples.push({ atMs, recordsIn: status.recordsIn });
      this.#samples.set(status.job, samples);
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
  const width = Math.max(...jobs.map(({ job }) => job.length));
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
      ...(job.restoring === undefined
        ? []
        : [styleText("cyan", `restoring ${number(job.restoring.done)} of ${number(job.restoring.total)}`)]),
    ];
    return `${styleText("bold", job.job.padEnd(width))}  ${parts.join("  ")}`;
  });
}

export const number = (value: number): string => value.toLocaleString("en-US");
