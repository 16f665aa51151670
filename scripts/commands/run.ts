import path from "node:path";
import { type Command, Option } from "commander";
import type { JobStatus, JobsRun, ListenAddress } from "../../runtime/index.ts";
import type { SupervisorLink } from "../../runtime/worker/job-control.ts";
import { engine } from "../environment/engine.ts";
import { kafkaOptions } from "../environment/kafka-options.ts";
import type { LogLocation } from "../environment/open-log.ts";
import { tracingFrom } from "../environment/tracing.ts";
import { httpVariables, tracingVariables, variables } from "../environment/variables.ts";
import { loadJobs } from "../job-files/load-jobs.ts";
import { digestWith } from "../reveal/digest.ts";
import { LOG_LEVELS, type LogLevelMin } from "../run/log-line.ts";
import { createRunReport, type LogFormat, type RunReport } from "../run/run-report.ts";
import { runWorkers } from "../run/run-workers.ts";
import { onStopSignals } from "../run/stop-signals.ts";
import { type WorkerSeat, workerSeat } from "../run/worker-seat.ts";
import { addHttpOptions, type HttpFlags, httpOptions, parsedVariable } from "./http-options.ts";
import {
  dataDirOption,
  dropStoreOption,
  duration,
  examples,
  kafkaOption,
  listenAddress,
  positiveInteger,
  registryOption,
  topicsOption,
} from "./options.ts";

interface RunOptions extends LogLocation, HttpFlags {
  readonly workers: number;
  readonly supervise?: true;
  readonly untilIdle?: true;
  readonly drainTimeout: number;
  readonly listen?: ListenAddress;
  readonly logFormat?: LogFormat;
  readonly logLevel: LogLevelMin;
  readonly progressEvery: number;
  readonly topics: "ensure" | "verify";
  readonly dropStore: readonly string[];
  readonly deployed?: true;
}

const DRAIN_MS = 30_000;
const PROGRESS_MS = 5_000;
/** For others on this machine: what it tells is no secret among those who may log in here, and nothing for a network. */
const LISTEN: ListenAddress = { host: "127.0.0.1", port: 0 };

export function addRun(program: Command): void {
  addHttpOptions(runCommand(program)).action(runFiles);
}

function runCommand(program: Command): Command {
  return program
    .command("run")
    .description("run jobs until SIGTERM or Ctrl-C, or until there is nothing left to do")
    .argument("<job files...>", "TypeScript files that export jobs; every process runs all of them")
    .addOption(dataDirOption())
    .addOption(kafkaOption())
    .addOption(registryOption())
    .addOption(
      new Option(
        "-w, --workers <n>",
        "on Kafka: processes; on a data directory: members of each job's group in this one",
      )
        .default(1)
        .argParser(positiveInteger),
    )
    .option(
      "--supervise",
      "on Kafka: start even a single worker as a process of its own, so that mulgil scale can add more",
    )
    .option("--until-idle", "end when everything has been read and nothing is in flight")
    .addOption(
      new Option("--drain-timeout <duration>", "how long a stop may take").default(DRAIN_MS, "30s").argParser(duration),
    )
    .addOption(
      new Option(
        "--listen <host:port>",
        "where it answers mulgil status, and GET /healthz, /readyz, /metrics, … (MULGIL_HTTP_LISTEN)",
      )
        .default(undefined, "127.0.0.1:0, a free port")
        .argParser(listenAddress),
    )
    .addOption(
      new Option("--log-format <format>", "pretty for people (on a terminal), json for programs (elsewhere)").choices([
        "json",
        "pretty",
      ]),
    )
    .addOption(new Option("--log-level <level>", "the least that is told").choices(LOG_LEVELS).default("info"))
    .addOption(
      new Option("--progress-every <duration>", "how often the progress is told, where there is no terminal")
        .default(PROGRESS_MS, "5s")
        .argParser(duration),
    )
    .addOption(topicsOption())
    .addOption(dropStoreOption())
    .option("--deployed", "refuse jobs whose version and plan are not those that were deployed")
    .addHelpText(
      "after",
      examples(
        "mulgil run jobs/bank/*.ts --until-idle",
        "mulgil run jobs/bank/*.ts --data-dir /var/lib/mulgil --workers 2 --log-format json",
        "mulgil run jobs/bank/*.ts --kafka broker-1:9092 --registry http://registry:8081 --workers 4",
      ),
    );
}

async function runFiles(files: readonly string[], options: RunOptions): Promise<void> {
  const seat = workerSeat({ progressEveryMs: options.progressEvery });
  if (seat !== undefined) return await runAsWorker(seat, files, options);
  const report = createRunReport({
    format: options.logFormat ?? (process.stdout.isTTY ? "pretty" : "json"),
    stream: process.stdout,
    level: options.logLevel,
    progressEveryMs: options.progressEvery,
  });
  if (options.kafka !== undefined && (options.workers > 1 || options.supervise)) {
    const { drainTimeout: drainTimeoutMs, untilIdle = false, workers, dataDir } = options;
    return await runWorkers({ report, drainTimeoutMs, untilIdle, workers, dataDir });
  }
  const stopping = stopRequests(report.note);
  try {
    const run = await start(files, options, report);
    await untilEnd(run, report, options.untilIdle ? [stopping.requested, run.untilIdle()] : [stopping.requested]);
  } finally {
    stopping.close();
    report.close();
  }
}

/** One of several processes: whoever started it shows what happens, says when to stop, and tells of an error once for all. */
async function runAsWorker(seat: WorkerSeat, files: readonly string[], options: RunOptions): Promise<void> {
  try {
    const own = {
      ...options,
      dataDir: seat.dataDirIn(options.dataDir),
      listen: seat.listenAt(listenOf(options)),
      workers: 1,
    };
    const run = await start(files, own, seat.report, seat.supervisor);
    if (options.untilIdle) run.untilIdle().then(seat.idle, () => undefined);
    await untilEnd(run, seat.report, [seat.requested]);
  } catch (error) {
    if (!(await seat.failed(error))) throw error;
    process.exitCode = 1;
  } finally {
    await seat.close();
  }
}

async function start(
  files: readonly string[],
  options: RunOptions,
  report: RunReport,
  supervisor?: SupervisorLink,
): Promise<JobsRun> {
  const jobs = (await loadJobs(files)).flatMap((loaded) => loaded.jobs);
  const kafka = await kafkaOptions(options);
  const { startJobs } = await engine();
  return await startJobs(jobs, {
    dataDir: path.resolve(options.dataDir),
    ...(kafka !== undefined && { kafka }),
    workers: options.workers,
    listen: listenOf(options),
    http: httpOptions(options),
    drainTimeoutMs: options.drainTimeout,
    topics: options.topics,
    droppedStores: options.dropStore,
    onlyDeployed: options.deployed === true,
    ...(supervisor !== undefined && { supervisor }),
    onEvent: report.event,
    tracing: tracingFrom(tracingVariables),
    digest: digestWith(variables.piiKeyFile),
  });
}

const listenOf = ({ listen }: RunOptions): ListenAddress =>
  listen ?? parsedVariable("MULGIL_HTTP_LISTEN", httpVariables.listen, listenAddress) ?? LISTEN;

/** Ends with the first of `ends`, or with the error that a job dies of. Always stops; says before how far the jobs were. */
async function untilEnd(run: JobsRun, report: RunReport, ends: readonly Promise<void>[]): Promise<void> {
  let statuses: readonly JobStatus[];
  report.follow(run);
  try {
    await Promise.race([run.finished, ...ends]);
    statuses = await run.status();
  } finally {
    await run.stop();
  }
  report.summary(statuses);
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
