import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BenchRow } from "./bench-row.ts";
import { BenchProcess, withProcess } from "./kafka/bench-process.ts";
import type { LoadMessage, LoadSettings } from "./kafka/load-process.ts";
import { OutputWatch } from "./kafka/output-watch.ts";
import { outputOf, PARTITIONS } from "./kafka/payments-job.ts";
import { type BenchBroker, withBroker } from "./kafka/with-broker.ts";
import type { WorkerMessage, WorkerSettings } from "./kafka/worker-process.ts";
import { awaitRunning, partitionsOf, runningTasks } from "./kafka/worker-tasks.ts";
import { makeSource } from "./kafka/write-payments.ts";
import { describeRuns } from "./state-measure.ts";

const RUNS = 3;
const RECORDS_PER_SECOND = 10_000;
const KEYS = 100_000;
/** Until compiled code and stores are there; then so long without a rebalance. */
const WARM_UP_MS = 5_000;
const BEFORE_MS = 5_000;
const AFTER_MS = 4_000;
/** Longer than it can take; the load is ended when the measuring is. */
const LOAD_SECONDS = 600;

/** The longest pause of any task, in seconds. */
interface Pauses {
  readonly undisturbed: number;
  readonly unaffected: number;
  readonly moved: number;
}

/**
 * [kafka.rebalance] The longest time in which a task makes no progress that a read_committed reader of its outputs can see, when a second
 * process joins a first one under load (10,000 records a second over 100,000 keys, 8 tasks, exactly once, a commit each second): of the tasks
 * that stay, and of those that move to an empty disk. From the start of the second process to 4 seconds after the first output of every
 * task that moved. Without a rebalance the pause is about the commit interval: it is measured in the same run, over the seconds before.
 */
export function run(): Promise<readonly BenchRow[]> {
  return withBroker("kafka.rebalance", async (broker) => {
    const runs: Pauses[] = [];
    for (let n = 0; n < RUNS; n++) runs.push(await scaleOut(broker, n));
    const undisturbed = describeRuns(runs.map((each) => each.undisturbed));
    return (["unaffected", "moved"] as const).map((kind) => {
      const { median, spread } = describeRuns(runs.map((each) => each[kind]));
      return {
        ...{ name: `kafka.rebalance.${kind}`, value: Number(median.toFixed(2)), unit: "s", spread },
        bound: `without a rebalance: ${undisturbed.median.toFixed(2)} s (${undisturbed.spread})`,
        ratio: undisturbed.median / median,
      };
    });
  });
}

async function scaleOut({ bootstrap, log, folder }: BenchBroker, n: number): Promise<Pauses> {
  const source = `payments.${n}`;
  const job = { name: `rebalance-${n}`, source, delivery: "exactly-once" } as const;
  await makeSource(log, source);
  const startWorker = (disk: string) => {
    const settings: WorkerSettings = { ...job, bootstrap, stateDir: join(folder, `${disk}-${n}`) };
    return new BenchProcess<WorkerMessage>("worker-process.ts", settings);
  };
  const load: LoadSettings = {
    ...{ bootstrap, source, keys: KEYS, recordsPerSecond: RECORDS_PER_SECOND, seconds: LOAD_SECONDS },
  };
  return await withProcess(startWorker("first"), async (first) => {
    await awaitRunning(first);
    const outputs = await OutputWatch.open(log, outputOf(job));
    try {
      return await withProcess(new BenchProcess<LoadMessage>("load-process.ts", load), async () => {
        await outputs.firstAfter(0);
        await sleep(WARM_UP_MS);
        const warmMs = performance.now();
        await sleep(BEFORE_MS);
        const joinedMs = performance.now();
        return await withProcess(startWorker("second"), async (second) => {
          const moved = await awaitMoved(second, outputs);
          return pausesOf(outputs, moved, warmMs, joinedMs);
        });
      });
    } finally {
      await outputs.close();
    }
  });
}

/** The partitions whose tasks the second process runs, once all of them have had outputs and some seconds have passed. */
async function awaitMoved(second: BenchProcess<WorkerMessage>, outputs: OutputWatch): Promise<ReadonlySet<number>> {
  await second.first("event", ({ event }) => event.kind === "assigned" && event.tasks.length === PARTITIONS / 2);
  await second.first("event", () => runningTasks(second).size === PARTITIONS / 2);
  const runningMs = performance.now();
  const moved = partitionsOf(second);
  for (const partition of moved) await outputs.firstAfter(runningMs, partition);
  await sleep(AFTER_MS);
  return moved;
}

function pausesOf(outputs: OutputWatch, moved: ReadonlySet<number>, warmMs: number, joinedMs: number): Pauses {
  const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  const longest = (partitions: readonly number[], fromMs: number, untilMs: number) =>
    Math.max(...partitions.map((partition) => outputs.longestPauseMs(partition, fromMs, untilMs))) / 1_000;
  const nowMs = performance.now();
  return {
    undisturbed: longest(all, warmMs, joinedMs),
    unaffected: longest(
      all.filter((partition) => !moved.has(partition)),
      joinedMs,
      nowMs,
    ),
    moved: longest([...moved], joinedMs, nowMs),
  };
}
