import path from "node:path";
import { createInterface } from "node:readline";
import { setImmediate as nextTurn } from "node:timers/promises";
import { KafkaLog } from "../../../runtime/log/kafka/kafka-log.ts";
import type { CommittedOffset, TransactionalProducer } from "../../../runtime/log/port.ts";
import { systemClock } from "../../../runtime/time/system-clock.ts";
import { type Commit, type CommitFunction, type CommitPath, commit } from "../../../runtime/worker/commit.ts";
import { runJobs } from "../../../runtime/worker/run-jobs.ts";
import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { levelDisk } from "../../../state/level-disk.ts";
import { jobVariants } from "./job-variants.ts";
import { openPaymentsRegistry } from "./payments-job.ts";
import type { WorkerEvent, WorkerOrder, WorkerReport, WorkerSettings, WrittenBatch } from "./worker-process.ts";

// A worker of the payments job, as `mulgil run --kafka` is one, but for its short session: one process, one member of the group. It tells what
// happens on stdout, ends after a last commit on SIGTERM, and at once when stdin ends, for then nobody looks after it any more.

const settings = JSON.parse(process.argv[2]!) as WorkerSettings;
let order: WorkerOrder | undefined;

function tell(report: WorkerReport): void {
  process.stdout.write(`${JSON.stringify({ ...report, atMs: Date.now() } satisfies WorkerEvent)}\n`);
}

/** A producer of one commit, that stops the process where that is ordered: as SIGSTOP from outside would, at an exact point. */
function stoppable(producer: TransactionalProducer, offsets: readonly CommittedOffset[]): TransactionalProducer {
  let written: WrittenBatch[] = [];
  const pass = (point: WorkerOrder["stopWhen"]) => {
    if (order?.stopWhen !== point || !offsets.some(({ topic }) => topic === order?.input)) return;
    order = undefined;
    tell({ kind: "stopping", offsets, written });
    process.kill(process.pid, "SIGSTOP");
  };
  return {
    begin() {
      pass("before the transaction");
      return producer.begin();
    },
    async produce(batches) {
      const firstOffsets = await producer.produce(batches);
      written = batches.map(({ topic, partition, records }, index) => ({
        ...{ topic, partition },
        offset: firstOffsets[index]!,
        records: records.length,
      }));
      pass("outputs written");
      return firstOffsets;
    },
    async sendOffsets(groupId, sent) {
      await producer.sendOffsets(groupId, sent);
      pass("offsets sent");
    },
    commit: () => producer.commit(),
    abort: () => producer.abort(),
    close: () => producer.close(),
  };
}

const stoppablePath = ({ path, offsets }: Commit): CommitPath =>
  path.delivery === "exactly-once" ? { ...path, producer: stoppable(path.producer, offsets) } : path;

const toldCommit: CommitFunction = (options) =>
  commit({ ...options, path: stoppablePath(options) }).then(
    () => tell({ kind: "committed", offsets: options.offsets }),
    (error: unknown) => {
      const code = error instanceof MulgilError ? error.code : String(error);
      tell({ kind: "commitFailed", offsets: options.offsets, code });
      throw error;
    },
  );

const payments = jobVariants[settings.variant ?? "payments"](settings.job, settings.delivery);
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
