import path from "node:path";
import { type Command, Option } from "commander";
import type { JobStatus, JobsRun } from "../../runtime/index.ts";
import { engine } from "../environment/engine.ts";
import { kafkaOptions } from "../environment/kafka-options.ts";
import type { LogLocation } from "../environment/open-log.ts";
import { loadJobs } from "../job-files/load-jobs.ts";
import { createRunReport, type LogFormat } from "../run/run-report.ts";
import { onStopSignals } from "../run/stop-signals.ts";
import { dataDirOption, duration, examples, kafkaOption, positiveInteger, registryOption } from "./options.ts";

interface RunOptions extends LogLocation {
  readonly workers: number;
  readonly untilIdle?: true;
  readonly drainTimeout: number;
  readonly logFormat?: LogFormat;
  readonly progressEvery: number;
  readonly topics: "ensure" | "verify";
  readonly dropStore: readonly string[];
}

const DRAIN_MS = 30_000;
const PROGRESS_MS = 5_000;

export function addRun(program: Command): void {
  program
    .command("run")
    .description("run jobs until SIGTERM or Ctrl-C, or until there is nothing left to do")
    .argument("<job files...>", "TypeScript files that export jobs; they all run in this process")
    .addOption(dataDirOption())
    .addOption(kafkaOption())
    .addOption(registryOption())
    .addOption(new Option("-w, --workers <n>", "members of each job's group").default(1).argParser(positiveInteger))
    .option("--until-idle", "end when everything has been read and nothing is in flight")
    .addOption(
      new Option("--drain-timeout <duration>", "how long a stop may take").default(DRAIN_MS, "30s").argParser(duration),
    )
    .addOption(
      new Option("--log-format <format>", "pretty for people (on a terminal), json for programs (elsewhere)").choices([
        "json",
        "pretty",
      ]),
    )
    .addOption(
      new Option("--progress-every <duration>", "how often the progress is told, where there is no terminal")
        .default(PROGRESS_MS, "5s")
        .argParser(duration),
    )
    .addOption(
      new Option(
        "--topics <policy>",
        "ensure makes what is missing; verify only checks, and tells the commands that mend what is missing or wrong",
      )
        .choices(["ensure", "verify"])
        .default("ensure"),
    )
    .addOption(
      new Option(
        "--drop-store <name>",
        "a store of the version before whose state may be forgotten; may be given several times",
      )
        .default([], "none")
        .argParser((name: string, before: readonly string[]) => [...before, name]),
    )
    .addHelpText(
      "after",
      examples(
        "mulgil run jobs/bank/*.ts --until-idle",
        "mulgil run jobs/bank/*.ts --data-dir /var/lib/mulgil --workers 2 --log-format json",
      ),
    )
    .action(runFiles);
}

async function runFiles(files: readonly string[], options: RunOptions): Promise<void> {
  const jobs = (await loadJobs(files)).flatMap((loaded) => loaded.jobs);
  const kafka = await kafkaOptions(options);
  const { startJobs } = await engine();
  const report = createRunReport({
    format: options.logFormat ?? (process.stdout.isTTY ? "pretty" : "json"),
    stream: process.stdout,
    progressEveryMs: options.progressEvery,
  });
  const stopping = stopRequests(report.note);
  try {
    const run = await startJobs(jobs, {
      dataDir: path.resolve(options.dataDir),
      ...(kafka !== undefined && { kafka }),
      workers: options.workers,
      drainTimeoutMs: options.drainTimeout,
      topics: options.topics,
      droppedStores: options.dropStore,
      onEvent: report.event,
    });
    report.follow(run);
    report.summary(await untilEnd(run, stopping.requested, options.untilIdle === true));
  } finally {
    stopping.close();
    report.close();
  }
}

/**
 * Ends when the jobs are idle (if that is wanted), when somebody asks, or with the error that a job dies of. Always stops.
 * @returns how far the jobs were at their end
 */
async function untilEnd(run: JobsRun, requested: Promise<void>, untilIdle: boolean): Promise<readonly JobStatus[]> {
  try {
    await Promise.race([run.finished, requested, ...(untilIdle ? [run.untilIdle()] : [])]);
    return await run.status();
  } finally {
    await run.stop();
  }
}

/** A signal, or a reader of our output that has gone. */
function stopRequests(note: (message: string) => void) {
  const { promise: requested, resolve } = Promise.withResolvers<void>();
  const detach = onStopSignals((signal) => {
    note(`${signal}: finishing what has begun; a second signal ends at once and loses nothing`);
    resolve();
  });
  const broken = () => resolve();
  process.stdout.once("error", broken);
  return {
    requested,
    close() {
      detach();
      process.stdout.off("error", broken);
    },
  };
}
