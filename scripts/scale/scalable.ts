import type { ControlReport } from "../../runtime/worker/control-records.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { plural } from "../control/job-standing.ts";

/** What has a number of workers on one machine: the worker processes of a supervisor, or the members that a process has of a job. */
export interface Scalable {
  /** Of the supervisor, or of the process itself. */
  readonly pid: number;
  readonly unit: "processes" | "members";
  readonly jobs: readonly string[];
  readonly workers: number;
}

/**
 * What an order for a machine would find there. `job` undefined: all that runs on it. Pure.
 * @throws {MulgilError} SCALE_NOT_RUNNING, SCALE_UNSUPERVISED
 */
export function scalablesOn(
  host: string,
  job: string | undefined,
  reports: readonly ControlReport[],
): readonly Scalable[] {
  const wanted = reports.filter((report) => job === undefined || report.job === job);
  const here = wanted.filter((report) => report.host === host);
  if (here.length === 0) throw notRunning(host, job, wanted);
  const found = [...processesOf(here, reports), ...membersOf(here)];
  if (found.length === 0) throw unsupervised(here);
  return found;
}

function processesOf(here: readonly ControlReport[], all: readonly ControlReport[]): readonly Scalable[] {
  const supervised = here.filter(({ scaling }) => scaling === "processes");
  return [...Map.groupBy(supervised, ({ supervisor = 0 }) => supervisor)].map(([pid, those]) => {
    const ofRun = all.filter(({ supervisor, host }) => supervisor === pid && host === those[0]!.host);
    return {
      ...{ pid, unit: "processes" as const },
      jobs: [...new Set(ofRun.map((report) => report.job))].sort(),
      workers: new Set(ofRun.map((report) => report.process)).size,
    };
  });
}

const membersOf = (here: readonly ControlReport[]): readonly Scalable[] =>
  here.flatMap(({ scaling, pid, job, members }) =>
    scaling === "members" ? [{ pid, unit: "members" as const, jobs: [job], workers: members.length }] : [],
  );

/** "totals in process 4711: 1 → 3 members" */
export function scaleText({ pid, unit, jobs, workers }: Scalable, wanted: number): string {
  const names = jobs.join(", ");
  if (unit === "members") return `${names} in process ${pid}: ${workers} → ${plural(wanted, "member")}`;
  const all = jobs.length === 1 ? "" : ", each of which runs all of these jobs";
  return `${names} under supervisor ${pid}: ${workers} → ${plural(wanted, "worker process", "worker processes")}${all}`;
}

function notRunning(host: string, job: string | undefined, elsewhere: readonly ControlReport[]): MulgilError {
  const hosts = [...new Set(elsewhere.map((report) => report.host))].sort();
  const hint =
    hosts.length === 0 ? "start it there with mulgil run" : `it runs on ${hosts.join(", ")}: name one with --host`;
  const what = job === undefined ? "no job" : `job "${job}" does not run`;
  const where = job === undefined ? `runs on ${host}` : `on ${host}`;
  return new MulgilError(`${what} ${where}: ${hint}`, { code: "SCALE_NOT_RUNNING" });
}

const unsupervised = (here: readonly ControlReport[]): MulgilError => {
  const pids = [...new Set(here.map(({ pid }) => pid))].join(", ");
  return new MulgilError(
    `process ${pids} is one worker under no supervisor, so nobody can start others beside it: start it with mulgil run --workers N, or --supervise, or start more processes yourself`,
    { code: "SCALE_UNSUPERVISED" },
  );
};
