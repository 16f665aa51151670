import { setTimeout as sleep } from "node:timers/promises";
import type { LogAccess } from "../../runtime/log/port.ts";
import type { BenchProcess } from "./bench-process.ts";
import { type JobSettings, PARTITIONS } from "./payments-job.ts";
import type { WorkerMessage } from "./worker-process.ts";

/** Waits until a worker that is alone runs every task. */
export async function awaitRunning(worker: BenchProcess<WorkerMessage>): Promise<void> {
  await worker.first("event", () => runningTasks(worker).size === PARTITIONS);
}

/** The tasks that a worker runs, as far as it has told. */
export function runningTasks({ messages }: BenchProcess<WorkerMessage>): ReadonlySet<string> {
  const running = new Set<string>();
  for (const message of messages) {
    if (message.kind !== "event") continue;
    if (message.event.kind === "running") running.add(message.event.task);
    if (message.event.kind === "closed") running.delete(message.event.task);
  }
  return running;
}

/** Of the tasks that a worker runs. */
export function partitionsOf(worker: BenchProcess<WorkerMessage>): ReadonlySet<number> {
  return new Set([...runningTasks(worker)].map((task) => Number(task.split("_").at(-1))));
}

const LOOK_MS = 200;
const COMMITTED_MAX_MS = 180_000;

/** Waits until a job has committed everything that its source holds. */
export async function awaitCommitted(log: LogAccess, { name, source }: JobSettings): Promise<void> {
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: source, partition }));
  const ends = await log.listOffsets(partitions, "latest", "read_committed");
  const deadlineMs = performance.now() + COMMITTED_MAX_MS;
  for (;;) {
    const committed = new Map(
      (await log.committedOffsets(name, partitions)).map((each) => [each.partition, each.offset]),
    );
    if (ends.every(({ partition, offset }) => (committed.get(partition) ?? 0) >= offset)) return;
    if (performance.now() > deadlineMs) throw new Error("the job has not committed its input for minutes");
    await sleep(LOOK_MS);
  }
}
