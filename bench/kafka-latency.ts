import { join } from "node:path";
import type { BenchRow } from "./bench-row.ts";
import { BenchProcess, withProcess } from "./kafka/bench-process.ts";
import type { LoadMessage, LoadSettings } from "./kafka/load-process.ts";
import { outputOf } from "./kafka/payments-job.ts";
import { type BenchBroker, withBroker } from "./kafka/with-broker.ts";
import type { WorkerMessage, WorkerSettings } from "./kafka/worker-process.ts";
import { awaitRunning } from "./kafka/worker-tasks.ts";
import { makeSource } from "./kafka/write-payments.ts";
import { describeRuns } from "./state-measure.ts";

const RECORDS_PER_SECOND = 1_000;
const KEYS = 10_000;
const WARM_UP_SECONDS = 4;
const SLICE_SECONDS = 6;
const SLICES = 3;

const CASES = [
  { name: "alo", delivery: "at-least-once", commitEvery: "1 second" },
  { name: "eos", delivery: "exactly-once", commitEvery: "1 second" },
  { name: "alo.100ms", delivery: "at-least-once", commitEvery: "100 ms" },
  { name: "eos.100ms", delivery: "exactly-once", commitEvery: "100 ms" },
] as const;

/**
 * [kafka.latency] Milliseconds from the timestamp of a source record to the moment in which a read_committed reader has the output that counts
 * it, of the job of kafka.window under 1,000 records a second (10,000 keys, uniform). The loop is open: a record's timestamp is the moment
 * in which it is due, however late it leaves, so nothing that stalls is left out (no coordinated omission). Median and 99th percentile of
 * all records of 6 seconds, three times one after the other behind a warm-up of 4. Results appear with a commit, so half of the commit
 * interval is the least that the median can be. Beside it, measured in the same run: from the timestamp until the source itself shows the record.
 */
export function run(): Promise<readonly BenchRow[]> {
  return withBroker("kafka.latency", async (broker) => {
    const rows: BenchRow[] = [];
    for (const each of CASES) rows.push(...(await measure(broker, each)));
    return rows;
  });
}

async function measure(broker: BenchBroker, { name, ...job }: (typeof CASES)[number]): Promise<readonly BenchRow[]> {
  const { bootstrap, folder, log } = broker;
  const source = `payments.${name}`;
  await makeSource(log, source);
  const worker: WorkerSettings = { ...job, name: `latency-${name}`, source, bootstrap, stateDir: join(folder, name) };
  const load: LoadSettings = {
    ...{ bootstrap, source, keys: KEYS, recordsPerSecond: RECORDS_PER_SECOND },
    seconds: WARM_UP_SECONDS + SLICES * SLICE_SECONDS,
    follow: { output: outputOf(worker), warmUpSeconds: WARM_UP_SECONDS, slices: SLICES },
  };
  const measured = await withProcess(
    new BenchProcess<WorkerMessage>("worker-process.ts", worker),
    async (runningWorker) => {
      await awaitRunning(runningWorker);
      return await withProcess(new BenchProcess<LoadMessage>("load-process.ts", load), (child) =>
        child.first("measured"),
      );
    },
  );
  return (["p50", "p99"] as const).map((quantile) => {
    const { median, spread } = describeRuns(measured.output.map((slice) => slice[`${quantile}Ms`]));
    const bare = measured.source[`${quantile}Ms`].toPrecision(3);
    return {
      ...{ name: `kafka.latency.${name}.${quantile}`, value: Number(median.toPrecision(3)), unit: "ms", spread },
      bound: `a commit each ${job.commitEvery}; the source itself: ${bare} ms`,
      ratio: null,
    };
  });
}
