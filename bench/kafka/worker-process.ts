import { setImmediate as nextTurn } from "node:timers/promises";
import { KafkaLog } from "../../runtime/log/kafka/kafka-log.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { commit } from "../../runtime/worker/commit.ts";
import type { JobEvent } from "../../runtime/worker/job-event.ts";
import { runJobs } from "../../runtime/worker/run-jobs.ts";
import { levelDisk } from "../../state/level-disk.ts";
import { finish, send, settingsFromParent } from "./child.ts";
import { benchRegistry, type JobSettings, paymentsJob } from "./payments-job.ts";
import { type Cost, Stopwatch } from "./stopwatch.ts";

export interface WorkerSettings extends JobSettings {
  readonly bootstrap: string;
  readonly stateDir: string;
  readonly sessionTimeoutMs?: number;
  /** Ends after so many records; the time is taken from the first record after the warm-up to the end of the last commit. @default runs until it is killed */
  readonly measure?: { readonly warmUpRecords: number; readonly records: number };
}

export type WorkerMessage =
  | { readonly kind: "event"; readonly event: JobEvent }
  | { readonly kind: "measured"; readonly cost: Cost };

const settings = settingsFromParent<WorkerSettings>();
const { measure } = settings;
const finished = Promise.withResolvers<void>();
let processed = 0;
let stopwatch: Stopwatch | undefined;
let costUntilCommitted: Cost | undefined;

const log = new KafkaLog({ connection: { brokers: [settings.bootstrap] } });
const run = await runJobs([paymentsJob(settings, measure === undefined ? undefined : countRecord)], {
  registry: await benchRegistry(settings.source),
  isShared: true,
  environment: {
    log,
    disk: levelDisk(settings.stateDir),
    location: settings.stateDir,
    clock: systemClock,
    turn: () => nextTurn(),
    commit: async (options) => {
      await commit(options);
      costUntilCommitted = stopwatch?.cost;
    },
    onEvent: (event) => send({ kind: "event", event }),
  },
  ...(settings.sessionTimeoutMs !== undefined && { sessionTimeoutMs: settings.sessionTimeoutMs }),
});
run.finished.catch(finished.reject);
await finished.promise;
await run.stop();
await log.close();
send({ kind: "measured", cost: costUntilCommitted });
finish();

function countRecord(): void {
  if (processed === measure!.warmUpRecords) stopwatch = new Stopwatch();
  processed++;
  if (processed === measure!.records) finished.resolve();
}
