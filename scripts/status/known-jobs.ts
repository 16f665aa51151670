import type { LogAccess } from "../../runtime/log/port.ts";
import { describeJobs, type JobOverview } from "../../runtime/ops/job-overview.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { assertJobKnown } from "../environment/known-jobs.ts";

/** A group that is rebalancing tells nothing of its members; mostly that is over in a moment. */
const SETTLES_MAX_MS = 2_000;
const LOOK_EVERY_MS = 200;

/** The jobs with these names, all if there is none; once their groups have settled, or do not. @throws {MulgilError} JOB_UNKNOWN */
export async function settledJobs(log: LogAccess, names: readonly string[]): Promise<readonly JobOverview[]> {
  const giveUpAtMs = systemClock.now() + SETTLES_MAX_MS;
  for (;;) {
    const jobs = wanted(await describeJobs(log), names);
    if (jobs.every(({ group }) => group !== "rebalancing") || systemClock.now() >= giveUpAtMs) return jobs;
    await systemClock.sleep(LOOK_EVERY_MS);
  }
}

function wanted(jobs: readonly JobOverview[], names: readonly string[]): readonly JobOverview[] {
  const known = jobs.map(({ job }) => job);
  for (const name of names) assertJobKnown(name, known);
  return names.length === 0 ? jobs : jobs.filter(({ job }) => names.includes(job));
}
