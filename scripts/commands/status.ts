import { type Command, Option } from "commander";
import type { LogAccess } from "../../runtime/log/port.ts";
import { describeJobs, type JobOverview } from "../../runtime/ops/job-overview.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { TextOutput } from "../output/text-output.ts";
import { askWorkers } from "../status/ask-workers.ts";
import { type JobView, jobView } from "../status/job-view.ts";
import { statusText } from "../status/status-text.ts";
import { dataDirOption, examples, kafkaOption, registryOption } from "./options.ts";

interface StatusOptions extends LogLocation {
  readonly output: "table" | "json";
}

/** A group that is rebalancing tells nothing of its members; mostly that is over in a moment. */
const SETTLES_MAX_MS = 2_000;
const LOOK_EVERY_MS = 200;

export function addStatus(program: Command): void {
  program
    .command("status")
    .description("show what runs: workers, tasks, how far they are, and what is being restored")
    .argument("[jobs...]", "names of jobs; all if none is given")
    .addOption(dataDirOption())
    .addOption(kafkaOption())
    .addOption(registryOption())
    .addOption(new Option("-o, --output <format>", "how").choices(["table", "json"]).default("table"))
    .addHelpText("after", examples("mulgil status", "mulgil status account-months -o json | jq '.[].lag'"))
    .action(status);
}

async function status(names: readonly string[], { output, ...where }: StatusOptions): Promise<void> {
  assertLogExists(where);
  const overviews = await withLog(where, ({ log }) => settledJobs(log, names));
  const processes = overviews.flatMap(({ members }) => members.flatMap(({ process }) => process ?? []));
  const answers = await askWorkers(processes);
  await print(
    overviews.map((overview) => jobView(overview, answers)),
    output,
  );
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
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new MulgilError(
      `no job "${unknown}" has ever run here: there is ${known.length === 0 ? "none" : known.join(", ")}`,
      { code: "JOB_UNKNOWN" },
    );
  }
  return names.length === 0 ? jobs : jobs.filter(({ job }) => names.includes(job));
}

async function print(jobs: readonly JobView[], output: StatusOptions["output"]): Promise<void> {
  const out = new TextOutput(process.stdout);
  if (output === "json") await out.line(JSON.stringify(jobs, null, 2));
  else await out.line(jobs.length === 0 ? "no job has run here yet" : statusText(jobs));
  await out.flush();
}
