import path from "node:path";
import { createInterface } from "node:readline";
import { setImmediate as nextTurn } from "node:timers/promises";
import { KafkaLog } from "../../../runtime/log/kafka/kafka-log.ts";
import type { TransactionalProducer } from "../../../runtime/log/port.ts";
import { systemClock } from "../../../runtime/time/system-clock.ts";
import { type CommitFunction, type CommitPath, commit } from "../../../runtime/worker/commit.ts";
import { runJobs } from "../../../runtime/worker/run-jobs.ts";
import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { levelDisk } from "../../../state/level-disk.ts";
import { openPaymentsRegistry, paymentsJob } from "./payments-job.ts";
import type { WorkerEvent, WorkerOrder, WorkerReport, WorkerSettings } from "./worker-process.ts";

// A worker of the payments job, as `mulgil run --kafka` is one, but for its short session: one process, one member of the group. It tells what
// happens on stdout, ends after a last commit on SIGTERM, and at once when stdin ends, for then nobody looks after it any more.

const settings = JSON.parse(process.argv[2]!) as WorkerSettings;
let order: WorkerOrder | undefined;

const tell = (report: WorkerReport) =>
  process.stdout.write(`${JSON.stringify({ ...report, atMs: Date.now() } satisfies WorkerEvent)}\n`);

/** What SIGSTOP from outside would do, at an exact point. */
function stopIfOrdered(point: WorkerOrder["stopWhen"]): void {
  if (order?.stopWhen !== point) return;
  order = undefined;
  tell({ kind: "stopping", point });
  process.kill(process.pid, "SIGSTOP");
}

function stoppable(producer: TransactionalProducer): TransactionalProducer {
  return {
    begin() {
      stopIfOrdered("before the transaction");
      return producer.begin();
    },
    async produce(batches) {
      const firstOffsets = await producer.produce(batches);
      stopIfOrdered("outputs written");
      return firstOffsets;
    },
    async sendOffsets(groupId, offsets) {
      await producer.sendOffsets(groupId, offsets);
      stopIfOrdered("offsets sent");
    },
    commit: () => producer.commit(),
    abort: () => producer.abort(),
    close: () => producer.close(),
  };
}

const stoppablePath = (path: CommitPath): CommitPath =>
  path.delivery === "exactly-once" ? { ...path, producer: stoppable(path.producer) } : path;

const toldCommit: CommitFunction = (options) =>
  commit({ ...options, path: stoppablePath(options.path) }).then(
    () => void tell({ kind: "committed", offsets: options.offsets }),
    (error: unknown) => {
      tell({ kind: "commitFailed", code: error instanceof MulgilError ? error.code : String(error) });
      throw error;
    },
  );

const payments = paymentsJob(settings.job, settings.delivery);
const log = new KafkaLog({
  connection: { brokers: settings.bootstrap.split(",") },
  transactionTimeoutMs: settings.transactionTimeoutMs,
});
const run = await runJobs([payments.job], {
  registry: await openPaymentsRegistry(payments),
  isShared: true,
  environment: {
    ...{ log, clock: systemClock, commit: toldCommit },
    disk: levelDisk(path.join(settings.dataDir, "state")),
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
