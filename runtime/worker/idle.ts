import type { LogAccess } from "../log/port.ts";
import { inputPositions } from "./input-positions.ts";
import type { JobRuntime } from "./job-runtime.ts";
import { tasksOf } from "./task-assignor.ts";
import type { Worker } from "./worker.ts";

/** Records between a job's committed offsets and the read_committed ends of its inputs. Counts markers: positions do. */
export async function lagOf(log: LogAccess, runtime: JobRuntime): Promise<number> {
  const partitionCounts = new Map([...runtime.partitionCounts, ...runtime.replays.counts]);
  const inputs = tasksOf(runtime.plan, partitionCounts).flatMap((task) => task.inputs);
  const positions = await inputPositions(log, runtime.job.name, inputs);
  return positions.reduce((sum, { lag }) => sum + lag, 0);
}

/**
 * One look: all members have joined and their tasks run, nothing waits or is uncommitted in them, and the inputs of the jobs are at the end.
 * `isShared`: other processes may run some of the tasks; what they have not committed shows as lag.
 */
export async function isIdle(
  log: LogAccess,
  runtimes: readonly JobRuntime[],
  workers: readonly Worker[],
  isShared = false,
): Promise<boolean> {
  const tasks = runtimes.reduce((sum, runtime) => sum + tasksOf(runtime.plan, runtime.partitionCounts).length, 0);
  const standings = workers.map((worker) => worker.standing);
  if (standings.some(({ isAssigned, starting, busy }) => !isAssigned || starting > 0 || busy)) return false;
  if (!isShared && standings.reduce((sum, { running }) => sum + running, 0) !== tasks) return false;
  for (const runtime of runtimes) if ((await lagOf(log, runtime)) > 0) return false;
  return true;
}
