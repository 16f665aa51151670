import { hostname } from "node:os";
import { styleText } from "node:util";
import { createLogUpdate } from "log-update";
import { pino } from "pino";
import type { JobEvent, JobStatus, JobsRun } from "../../runtime/index.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { isShown, type LogLevelMin, levelOf, lineOf, messageOfEvent, told } from "./log-line.ts";
import { number, ProgressMeter, progressLines, workerLines } from "./progress.ts";
import type { WorkerStanding } from "./supervisor.ts";

export type LogFormat = "json" | "pretty";

/** Tells what a run does while it goes on: to a person or to a program. */
export interface RunReport {
  /** `worker` is the process that it comes from, where there are several. */
  event(event: JobEvent, worker?: string): void;
  /** Begins to show progress: of all together, and of each worker process if there are several. */
  follow(run: Pick<JobsRun, "status">, workers?: () => readonly WorkerStanding[]): void;
  note(message: string, worker?: string): void;
  /** The last word: one line a job. */
  summary(statuses: readonly JobStatus[]): void;
  close(): void;
}

const LIVE_MS = 200;

export interface RunReportOptions {
  readonly format: LogFormat;
  readonly stream: NodeJS.WriteStream;
  /** How often the progress is told where it does not stay in place. */
  readonly progressEveryMs: number;
  /** @default "info" */
  readonly level?: LogLevelMin;
}

export function createRunReport(options: RunReportOptions): RunReport {
  return options.format === "json" ? jsonReport(options) : prettyReport(options);
}

/** A line of JSON for every event, and for every job now and then. */
function jsonReport({ stream, progressEveryMs, level = "info" }: RunReportOptions): RunReport {
  const log = pino(
    {
      level,
      base: { host: hostname() },
      messageKey: "message",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (name) => ({ level: name }) },
    },
    stream,
  );
  // Of several processes this one tells, and each line says whose it is.
  const from = (worker: string | undefined) => (worker === undefined ? { pid: process.pid } : { worker });
  const meter = new ProgressMeter(systemClock.now);
  const show = (statuses: readonly JobStatus[], message: string) => {
    for (const progress of meter.measure(statuses)) log.info({ ...progress, ...from(undefined) }, message);
  };
  const showWorkers = (workers: readonly WorkerStanding[]) => {
    for (const { worker, pid, statuses } of workers) {
      // The lag is that of the whole job.
      for (const { lag: _, ...progress } of meter.measure(statuses, worker))
        log.info({ ...progress, worker, pid }, "progress");
    }
  };
  const watch = watching(progressEveryMs, (statuses, workers) => {
    show(statuses, "progress");
    showWorkers(workers);
  });
  return {
    event(event, worker) {
      log[levelOf(event)]({ ...lineOf(event), ...from(worker) }, messageOfEvent(event));
    },
    follow: watch.start,
    note: (message, worker) =>
      worker === undefined ? log.info(from(worker), message) : log.warn(from(worker), message),
    summary(statuses) {
      watch.stop();
      show(statuses, "summary");
    },
    close: watch.stop,
  };
}

/** Lines that stay in place on a terminal; elsewhere plain lines now and then. */
function prettyReport({ stream, progressEveryMs, level = "info" }: RunReportOptions): RunReport {
  const live = stream.isTTY ? createLogUpdate(stream, { showCursor: true }) : undefined;
  const meter = new ProgressMeter(systemClock.now);
  const say = (line: string) => {
    live?.clear();
    stream.write(`${line}\n`);
  };
  const show = (statuses: readonly JobStatus[], workers: readonly WorkerStanding[]) => {
    const lines = [...progressLines(meter.measure(statuses)), ...workerLines(workers)];
    if (live !== undefined) live(lines.join("\n"));
    else for (const line of lines) say(line);
  };
  const watch = watching(live === undefined ? progressEveryMs : LIVE_MS, show);
  return {
    event(event, worker) {
      const line = isShown(levelOf(event), level) ? eventLine(event) : undefined;
      if (line !== undefined) say(worker === undefined ? line : `worker ${worker}: ${line}`);
    },
    follow: watch.start,
    note: (message) => say(message),
    summary(statuses) {
      watch.stop();
      live?.clear();
      for (const line of summaryLines(statuses)) stream.write(`${line}\n`);
    },
    close() {
      watch.stop();
      live?.done();
    },
  };
}

function summaryLines(statuses: readonly JobStatus[]): readonly string[] {
  const width = Math.max(0, ...statuses.map(({ job }) => job.length));
  return statuses.map((status) => {
    const trouble = [
      ...(status.deadLetters > 0 ? [styleText("yellow", `${number(status.deadLetters)} dead letters`)] : []),
      ...(status.skipped > 0 ? [styleText("yellow", `${number(status.skipped)} skipped`)] : []),
      ...(status.late > 0 ? [styleText("yellow", `${number(status.late)} late`)] : []),
      ...(status.effectsSkipped > 0 ? [`${number(status.effectsSkipped)} replayed without a call`] : []),
    ];
    return [
      `${styleText("bold", status.job.padEnd(width))}  ${number(status.recordsIn)} in, ${number(status.recordsOut)} out, lag ${number(status.lag)}`,
      ...trouble,
    ].join(", ");
  });
}

/** What a person wants to hear of at once; the counters tell the rest. */
function eventLine(event: JobEvent): string | undefined {
  switch (event.kind) {
    case "restored":
      return event.entries === 0
        ? undefined
        : `${event.job} ${event.task}: restored ${event.store}, ${number(event.entries)} entries (${event.reason})`;
    case "quarantined":
      return styleText(
        "yellow",
        `${event.job} ${event.task}: the folder of ${event.store} is damaged (${event.reason}); it was set aside as ${event.path} and is built anew`,
      );
    case "restarting":
      return styleText("yellow", `${event.job} ${event.task}: starts again after ${told(event.error).message}`);
    case "gap":
      return styleText(
        "yellow",
        `${event.job} ${event.task}: goes on at offset ${event.to} of "${event.topic}" instead of ${event.from}, for what was there is gone (${event.reason}); ${number(event.skipped)} offsets are left out`,
      );
    case "log": {
      const fields = Object.entries(event.fields ?? {}).map(([name, value]) => `${name}=${value}`);
      const line = [`${event.job} ${event.task} ${event.step}: ${event.message}`, ...fields].join(" ");
      return event.level === "warn" || event.level === "error" ? styleText("yellow", line) : line;
    }
    case "lost":
      return styleText("yellow", `${event.job}: ${event.worker} lost its place in the group and joins again`);
    case "ordered":
      return orderLine(event);
    case "schemaAwaited":
      return styleText(
        "yellow",
        `${event.job}: records with schema ${event.schema} wait, the rest goes on (${told(event.error).message})`,
      );
    case "schemaFound":
      return `${event.job}: records with schema ${event.schema} go on, after ${Math.round(event.waitedMs / 1_000)} s`;
    case "ordersUnread":
      return styleText(
        "yellow",
        `${event.job}: orders (pause, drain, scale, …) cannot be read for now, and it goes on as it is (${told(event.error).message})`,
      );
    case "circuitsUnshared":
      return styleText(
        "yellow",
        `${event.job}: ${event.worker} cannot share circuits for now, and goes on by what it knows (${told(event.error).message})`,
      );
    default:
      return undefined;
  }
}

function orderLine({ job, status, by, why }: Extract<JobEvent, { readonly kind: "ordered" }>): string {
  if (status === "running") return `${job}: resumed (${by}: ${why})`;
  return styleText(
    "yellow",
    `${job}: ${status} (${by}: ${why}); mulgil resume ${job} takes it back, and --until-idle waits for that`,
  );
}

/** Looks at a run again and again until it is stopped. */
function watching(everyMs: number, show: (statuses: readonly JobStatus[], workers: readonly WorkerStanding[]) => void) {
  const over = new AbortController();
  const watch = async (run: Pick<JobsRun, "status">, workers: () => readonly WorkerStanding[]) => {
    while (!over.signal.aborted) {
      await systemClock.sleep(everyMs, over.signal);
      const statuses = over.signal.aborted ? [] : await run.status();
      if (!over.signal.aborted) show(statuses, workers());
    }
  };
  return {
    start(run: Pick<JobsRun, "status">, workers: () => readonly WorkerStanding[] = () => []) {
      // A run that ends while we look at it cannot answer any more; how it ended is told elsewhere.
      watch(run, workers).catch(() => undefined);
    },
    stop: () => over.abort(),
  };
}
