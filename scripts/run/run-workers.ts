import path from "node:path";
import { lockDirectory } from "../../runtime/log/embedded/lock-directory.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { RunReport } from "./run-report.ts";
import { onStopSignals } from "./stop-signals.ts";
import { Supervisor } from "./supervisor.ts";
import { startWorkerProcess } from "./worker-process.ts";

export interface RunWorkersOptions {
  readonly dataDir: string;
  readonly workers: number;
  readonly untilIdle: boolean;
  readonly drainTimeoutMs: number;
  readonly report: RunReport;
}

/**
 * Runs this command in as many processes as there are workers, each with a folder of its own in the data directory, until they are told to stop,
 * are idle (if that is wanted), or one fails for good.
 */
export async function runWorkers(options: RunWorkersOptions): Promise<void> {
  const { workers, untilIdle, drainTimeoutMs, report } = options;
  const lock = await lockDirectory(path.resolve(options.dataDir), systemClock);
  const supervisor = new Supervisor({
    ...{ workers, untilIdle, drainTimeoutMs },
    startWorker: startWorkerProcess,
    clock: systemClock,
    onEvent: report.event,
    onNote: report.note,
  });
  const stop = () => supervisor.stop();
  const detach = onStopSignals(
    (signal) => {
      report.note(`${signal}: finishing what has begun; a second signal ends at once and loses nothing`);
      stop();
    },
    () => supervisor.kill(),
  );
  process.stdout.once("error", stop);
  try {
    report.follow({ status: async () => supervisor.totals }, () => supervisor.standings);
    await supervisor.finished;
    report.summary(supervisor.totals);
  } finally {
    detach();
    process.stdout.off("error", stop);
    report.close();
    await lock.release();
  }
}
