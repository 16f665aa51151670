import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { lockDirectory } from "../../runtime/log/embedded/lock-directory.ts";
import { verificationReport } from "../../runtime/ops/state/verification-report.ts";
import { verifyTaskStore } from "../../runtime/ops/state/verify-task-store.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { parseTaskId } from "../../runtime/worker/task-id.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { levelDisk } from "../../state/level-disk.ts";
import type { LogLocation, OpenLog } from "../environment/open-log.ts";
import { messageOf } from "../output/problem.ts";
import { WorkProgress } from "../output/work-progress.ts";
import { maskHere } from "./shown-state.ts";
import { readableStore, type StoreOfJob } from "./store-of-job.ts";
import type { VerifiedStore, VerifyRequest } from "./verified-store.ts";

/**
 * Verifies what this machine has of the state of a job that does not run: in the data directory, and in those of the workers in it.
 * @throws {MulgilError} STATE_NOT_HERE if it has none
 */
export async function verifyStopped(
  open: OpenLog,
  where: LogLocation,
  stores: readonly StoreOfJob[],
  request: VerifyRequest,
): Promise<readonly VerifiedStore[]> {
  const verified: VerifiedStore[] = [];
  for (const folder of await stateFolders(path.resolve(where.dataDir))) {
    const found = await foldersOf(folder, stores, request.task);
    if (found.length === 0) continue;
    // On a data directory with a log of its own, whoever has the log has this too.
    const lock = where.kafka === undefined ? undefined : await lockDirectory(path.dirname(folder), systemClock);
    try {
      for (const each of found) verified.push(await verifyFolder(open, folder, each, request));
    } finally {
      await lock?.release();
    }
  }
  if (verified.length > 0) return verified;
  throw new MulgilError(
    `job "${request.job}" does not run, and ${where.dataDir} has nothing of this state: name the data directory it ran with, on the machine it ran on, with --data-dir`,
    { code: "STATE_NOT_HERE", context: { job: request.job } },
  );
}

/** One, and one for each worker of a run with several processes. */
async function stateFolders(dataDir: string): Promise<readonly string[]> {
  const workers = path.join(dataDir, "workers");
  const names = await readdir(workers).catch(() => []);
  return [dataDir, ...names.toSorted().map((name) => path.join(workers, name))]
    .map((folder) => path.join(folder, "state"))
    .filter((folder) => existsSync(folder));
}

interface StoreFolder {
  readonly of: StoreOfJob;
  readonly task: string;
}

async function foldersOf(
  state: string,
  stores: readonly StoreOfJob[],
  task: string | undefined,
): Promise<readonly StoreFolder[]> {
  const found: StoreFolder[] = [];
  for (const of of stores) {
    const tasks = await levelDisk(state).list(of.plan.job);
    for (const each of tasks) {
      const isOwn = parseTaskId(each).subTopology === of.part.name && (task ?? each) === each;
      if (isOwn && existsSync(path.join(state, of.plan.job, each, of.planned.name))) found.push({ of, task: each });
    }
  }
  return found;
}

async function verifyFolder(
  open: OpenLog,
  folder: string,
  { of: store, task }: StoreFolder,
  { recordsPerSecond, showing, signal }: VerifyRequest,
): Promise<VerifiedStore> {
  const { log, registry } = open;
  const { plan, planned } = store;
  const told = { store: planned.name, task, folder };
  const disk = levelDisk(folder);
  const progress = new WorkProgress(`of ${planned.name} in ${task} verified`);
  try {
    const of = await readableStore(store, registry);
    const mask = showing.reveal === true ? undefined : await maskHere(open, { ...store, ...of }, showing);
    const database = await disk.open(`${plan.job}/${task}/${planned.name}`);
    try {
      const result = await verifyTaskStore({
        ...{ log, clock: systemClock, disk, plan, task, of, committed: database, recordsPerSecond, signal },
        partition: parseTaskId(task).partition,
        onProgress: ({ done, total }) => progress.show(done, total),
      });
      return { ...told, report: verificationReport(result, of, mask) };
    } finally {
      await database.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    return { ...told, problem: messageOf(error) };
  } finally {
    progress.close();
  }
}
