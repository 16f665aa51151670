import type { Command } from "commander";
import type { LogAccess } from "../../runtime/log/port.ts";
import { readWantedStates } from "../../runtime/ops/control.ts";
import { describeJobs, type JobOverview } from "../../runtime/ops/job-overview.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { assertJobKnown } from "../environment/known-jobs.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { askWorkers } from "../status/ask-workers.ts";
import { jobView } from "../status/job-view.ts";
import { statusText } from "../status/status-text.ts";
import { examples, located } from "./options.ts";

interface StatusOptions extends LogLocation {
  readonly output: OutputFormat;
}

/** A group that is rebalancing tells nothing of its members; mostly that is over in a moment. */
const SETTLES_MAX_MS = 2_000;
const LOOK_EVERY_MS = 200;

export function addStatus(program: Command): void {
  located(program.command("status"))
    .description("show what runs: workers, tasks, how far they are, and what is being restored")
    .argument("[jobs...]", "names of jobs; all if none is given")
    .addOption(outputOption())
    .addHelpText("after", examples("mulgil status", "mulgil status account-months -o json | jq '.[].lag'"))
    .action(status);
}

async function status(names: readonly string[], { output, ...where }: StatusOptions): Promise<void> {
  assertLogExists(where);
  const { overviews, wanted } = await withLog(where, async ({ log }) => ({
    overviews: await settledJobs(log, names),
    wanted: await readWantedStates(log),
  }));
  const processes = overviews.flatMap(({ members }) => members.flatMap(({ process }) => process ?? []));
  const answers = await askWorkers(processes);
  const views = overviews.map((overview) => jobView(overview, answers, wanted.get(overview.job)));
  await printFormatted(views, output, (jobs) => (jobs.length === 0 ? "no job has run here yet" : statusText(jobs)));
}

async function settledJobs(log: LogAccess, names: readonly string[]): Promise<readonly JobOverview[]> {
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
