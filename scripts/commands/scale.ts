import { hostname } from "node:os";
import { type Command, Option } from "commander";
import type { LogAccess } from "../../runtime/log/port.ts";
import { addresseesOf, liveReports } from "../../runtime/ops/addressees.ts";
import { orderScale, readControl } from "../../runtime/ops/control.ts";
import { describeMembers } from "../../runtime/ops/job-overview.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { ControlReport } from "../../runtime/worker/control-records.ts";
import { readPlans } from "../../runtime/worker/remembered-plans.ts";
import { type ChangeEntry, type ChangeOptions, carryOut, changeOptions } from "../change/change.ts";
import { plural } from "../control/job-standing.ts";
import { awaitAnswers, type Obeyed } from "../control/order-answers.ts";
import { notes } from "../control/order-text.ts";
import { assertJobKnown } from "../environment/known-jobs.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { advise } from "../scale/advise.ts";
import { scalablesOn, scaleText } from "../scale/scalable.ts";
import { duration, examples, located, positiveInteger } from "./options.ts";

interface ScaleOptions extends LogLocation, ChangeOptions {
  readonly all?: true;
  readonly host: string;
  readonly advise?: true;
  readonly sample: number;
  readonly drainTimeout: number;
  readonly timeout: number;
  readonly output: OutputFormat;
}

const DRAIN_MS = 30_000;
const TIMEOUT_MS = 2 * 60_000;
const SAMPLE_MS = 10_000;

export function addScale(program: Command): void {
  const command = changeOptions(located(program.command("scale")))
    .description("change how many workers a machine has, or say how many would help")
    .argument("[job]", "left out with --all")
    .argument("[workers]", "how many there shall be")
    .option("--all", "all that runs on the machine")
    .addOption(new Option("--host <name>", "the machine").default(hostname(), "this one"))
    .option("--advise", "change nothing: say how many workers help, and why")
    .addOption(
      new Option("--sample <duration>", "with --advise: how long to look at rates")
        .default(SAMPLE_MS, "10s")
        .argParser(duration),
    )
    .addOption(
      new Option("--drain-timeout <duration>", "how long workers that go may take")
        .default(DRAIN_MS, "30s")
        .argParser(duration),
    )
    .addOption(
      new Option("--timeout <duration>", "how long to wait until it is done")
        .default(TIMEOUT_MS, "2m")
        .argParser(duration),
    )
    .addOption(outputOption())
    .addHelpText(
      "after",
      examples(
        "mulgil scale collect --advise",
        'mulgil scale collect 4 --why "the first of the month"',
        "mulgil scale --all 2 --host box-7 --yes --why night",
      ),
    );
  command.action((...names: [string?, string?, ScaleOptions?]) => scale(command, names[0], names[1], names[2]!));
}

async function scale(
  command: Command,
  first: string | undefined,
  second: string | undefined,
  options: ScaleOptions,
): Promise<void> {
  const job = options.all ? undefined : first;
  if (options.all === undefined && job === undefined) command.error("error: name a job, or give --all");
  if (options.advise) return await advise(job, options);
  const text = options.all ? first : second;
  if (text === undefined || (options.all && second !== undefined))
    command.error(`error: say how many workers: mulgil scale ${job ?? "--all"} 3, or ask with --advise`);
  assertLogExists(options);
  await withLog(options, ({ log }) => change(log, job, workersIn(command, text!), options));
}

function workersIn(command: Command, text: string): number {
  try {
    return positiveInteger(text);
  } catch {
    return command.error(
      `error: "${text}" is no number of workers: give a whole number from 1 on (to have none, mulgil drain)`,
    );
  }
}

async function change(log: LogAccess, job: string | undefined, workers: number, options: ScaleOptions): Promise<void> {
  const { host, timeout, drainTimeout, output } = options;
  const reports = await reportsOf(log, job);
  const found = scalablesOn(host, job, reports.live);
  const done = await carryOut(
    log,
    {
      action: "scale",
      target: `${job === undefined ? "all jobs" : `job ${job}`} on ${host}`,
      preview: found.map((each) => scaleText(each, workers)),
      before: found.map(({ pid, jobs, workers: now }) => ({ pid, jobs, workers: now })),
      after: { workers },
      apply: async (entry: ChangeEntry) => {
        await orderScale(log, host, { ...entry, job, workers, atMs: systemClock.now(), drainTimeoutMs: drainTimeout });
        const here = reports.live.filter((report) => report.host === host && (job === undefined || report.job === job));
        return await answersOf(log, entry.id, here, timeout);
      },
    },
    options,
  );
  if (done === undefined) return;
  await printFormatted({ host, job, workers, processes: done }, output, () =>
    [
      `${job ?? "all jobs"} on ${host}: ${plural(workers, "worker")}`,
      ...notes(done.filter(({ outcome }) => outcome !== "gone")),
    ].join("\n"),
  );
}

async function answersOf(
  log: LogAccess,
  id: string,
  reports: readonly ControlReport[],
  timeoutMs: number,
): Promise<readonly Obeyed[]> {
  const found: Obeyed[] = [];
  for (const [job, those] of Map.groupBy(reports, (report) => report.job)) {
    const scalable = those.filter(({ scaling }) => scaling !== "none");
    const addressees = addresseesOf(job, await describeMembers(log, job), scalable, systemClock.now()).filter(
      ({ process }) => process !== undefined,
    );
    found.push(...(await awaitAnswers(log, { job, id, addressees, timeoutMs, what: "processes scaled" })));
  }
  return found;
}

/** What is said of the jobs that are meant, and of all. @throws {MulgilError} JOB_UNKNOWN */
async function reportsOf(log: LogAccess, job: string | undefined) {
  const known = [...(await readPlans(log)).keys()].sort();
  if (job !== undefined) assertJobKnown(job, known);
  const { reports } = await readControl(log);
  const nowMs = systemClock.now();
  const live = await Promise.all(
    known.map(async (each) => liveReports(each, await describeMembers(log, each), reports, nowMs)),
  );
  return { live: live.flat() };
}
