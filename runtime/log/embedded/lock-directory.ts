import { mkdir } from "node:fs/promises";
import path from "node:path";
import { Level } from "level";
import type { Clock } from "../../time/clock.ts";
import { directoryLocked, directoryUnusable, isLocked } from "./data-directory-errors.ts";
import { readOwnerPid, removeOwner, writeOwner } from "./owner-file.ts";

export interface DirectoryLock {
  release(): Promise<void>;
}

/** A killed owner needs a moment to vanish. */
const PATIENCE_MS = 3000;
const RETRY_MS = 50;

/**
 * Takes a data directory that holds no log of its own (the log is on Kafka) for this process. The lock is that of a LevelDB database in it, so it
 * ends with the process, however that ends.
 * @throws {MulgilError} DATA_DIR_LOCKED with the process that has it, DATA_DIR_UNUSABLE
 */
export async function lockDirectory(directory: string, clock: Clock): Promise<DirectoryLock> {
  const folder = path.resolve(directory);
  const giveUpAtMs = clock.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await tryToLock(folder, clock);
    } catch (cause) {
      if (!isLocked(cause)) throw directoryUnusable(folder, cause);
      if (clock.now() >= giveUpAtMs) throw directoryLocked(folder, await readOwnerPid(folder), cause);
    }
    await clock.sleep(RETRY_MS);
  }
}

async function tryToLock(folder: string, clock: Clock): Promise<DirectoryLock> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await using undo = new AsyncDisposableStack();
  const database = new Level(path.join(folder, "lock"));
  await database.open();
  undo.defer(() => database.close());
  await writeOwner(folder, { pid: process.pid, since: new Date(clock.now()).toISOString() });
  undo.defer(() => removeOwner(folder));
  const held = undo.move();
  return { release: () => held.disposeAsync() };
}
