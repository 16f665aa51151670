import type { JobStatus } from "../../runtime/index.ts";
import { allRestores } from "../../runtime/worker/restore-progress.ts";

const COUNTERS = [
  "recordsIn",
  "recordsOut",
  "late",
  "deadLetters",
  "effectsSkipped",
  "commits",
  "gaps",
  "skipped",
] as const;

/**
 * The statuses of jobs in several processes as one status a job. Counters and tasks add up; the lag is that of the whole job in each of them, so
 * the last one counts.
 */
export function jobTotals(statuses: readonly JobStatus[]): readonly JobStatus[] {
  return [...Map.groupBy(statuses, ({ job }) => job).values()].map((ofJob) => ofJob.reduce(sum));
}

/** What a process that has ended leaves: what it has done counts on, what it had goes to others. */
export const ended = (statuses: readonly JobStatus[]): readonly JobStatus[] =>
  statuses.map((status) => ({ ...status, tasks: 0, standbys: 0, restoring: undefined }));

function sum(left: JobStatus, right: JobStatus): JobStatus {
  const counters = Object.fromEntries(COUNTERS.map((name) => [name, left[name] + right[name]]));
  return {
    ...left,
    ...counters,
    tasks: left.tasks + right.tasks,
    standbys: left.standbys + right.standbys,
    lag: right.lag,
    restoring: allRestores([left, right].flatMap(({ restoring }) => restoring ?? [])),
  };
}
