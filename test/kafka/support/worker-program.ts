import path from "node:path";
import { createInterface } from "node:readline";
import { setImmediate as nextTurn } from "node:timers/promises";
import { KafkaLog } from "../../../runtime/log/kafka/kafka-log.ts";
import type { CommittedOffset } from "../../../runtime/log/port.ts";
import { systemClock } from "../../../runtime/time/system-clock.ts";
import { type CommitFunction, commit } from "../../../runtime/worker/commit.ts";
import { runJobs } from "../../../runtime/worker/run-jobs.ts";
import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { levelDisk } from "../../../state/level-disk.ts";
import { type CommitPoint, type WrittenBatch, watchedPath } from "./commit-points.ts";
import { openRegistryOf } from "./registry-of.ts";
import { jobOfWorker } from "./worker-job.ts";
import type { WorkerEvent, WorkerOrder, WorkerReport, WorkerSettings } from "./worker-process.ts";

// A worker of one job, as `mulgil run --kafka` is one, but for its short session: one process, one member of the group. It tells what
// happens on stdout, ends after a last commit on SIGTERM, and at once when stdin ends, for then nobody looks after it any more.

const settings = JSON.parse(process.argv[2]!) as WorkerSettings;
let order: WorkerOrder | undefined;

function tell(report: WorkerReport): void {
  process.stdout.write(`${JSON.stringify({ ...report, atMs: Date.now() } satisfies WorkerEvent)}\n`);
}

/** What somebody outside would do to the process, at an exact point of a commit. */
function obey(point: CommitPoint, offsets: readonly CommittedOffset[], written: readonly WrittenBatch[]): void {
  if (order?.when !== point) return;
  const { signal, input } = order;
  if (input !== undefined && !offsets.some(({ topic }) => topic === input)) return;
  order = undefined;
  tell({ kind: "obeying", signal, offsets, written });
  process.kill(process.pid, signal);
}

const toldCommit: CommitFunction = (options) => {
  const { path, offsets } = options;
  obey("before the log", offsets, []);
  return commit({ ...options, path: watchedPath(path, (point, written) => obey(point, offsets, written)) }).then(
    () => tell({ kind: "committed", offsets }),
    (error: unknown) => {
      tell({ kind: "commitFailed", offsets, code: error instanceof MulgilError ? error.code : String(error) });
      throw error;
    },
  );
};

const { job, topics } = jobOfWorker(settings);
const log = new KafkaLog({
  connection: { brokers: settings.bootstrap.split(",") },
  transactionTimeoutMs: settings.transactionTimeoutMs,
});
const run = await runJobs([job], {
  registry: await openRegistryOf(topics),
  isShared: true,
  environment: {
    ...{ log, clock: systemClock, commit: toldCommit },
    disk: levelDisk(path.join(settings.dataDir, "state")),
    location: settings.dataDir,
    turn: () => nextTurn(),
    onEvent: (event) => tell("error" in event ? { ...event, error: String(event.error) } : event),
  },
  sessionTimeoutMs: settings.sessionTimeoutMs,
});
process.once("SIGTERM", () => void run.stop());
createInterface(process.stdin)
  .on("line", (line) => {
    order = JSON.parse(line) as WorkerOrder;
  })
  .on("close", () => process.exit());
await run.finished;
await log.close();
process.exit();
