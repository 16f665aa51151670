import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Deletes what lies below `root` (job/task/store) of tasks that nobody has written since: their checkpoints are at least as old, so whoever started
 * them would wipe them. Only while no store of `root` is open. Never rejects: what cannot be removed costs space, and nothing else.
 */
export async function removeStaleState(root: string, writtenBeforeMs: number): Promise<void> {
  for (const job of await foldersIn(root)) {
    for (const task of await foldersIn(join(root, job))) {
      const folder = join(root, job, task);
      const isStale = (await lastWriteMs(folder).catch(() => Infinity)) < writtenBeforeMs;
      if (isStale) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** Of the folder and all below it. */
async function lastWriteMs(folder: string): Promise<number> {
  const below = await readdir(folder, { recursive: true });
  const times = await Promise.all(["", ...below].map(async (name) => (await stat(join(folder, name))).mtimeMs));
  return Math.max(...times);
}
