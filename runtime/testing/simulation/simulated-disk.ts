import { decodeCheckpoint } from "../../../state/checkpoint.ts";
import type { Database, StateDisk } from "../../../state/disk.ts";
import { checkpointKey } from "../../../state/key-layout.ts";
import type { Checkpoint } from "../../../state/store.ts";

export interface DiskSteps {
  gate(step: string): Promise<void>;
  /** Told of every checkpoint before it is written. */
  onCheckpoint(path: string, checkpoint: Checkpoint): void;
  /** Told which databases the worker holds. */
  onOpen(path: string): void;
  onClose(path: string): void;
  /** Asked before every write: an error if it is not to happen. */
  failWrite(): Error | undefined;
}

/** A disk as one worker sees it: its process can die before and after every write. */
export function simulatedDisk(disk: StateDisk, steps: DiskSteps): StateDisk {
  return {
    async open(path) {
      await steps.gate(`open ${path}`);
      const database = await disk.open(path);
      steps.onOpen(path);
      return simulatedDatabase(database, path, steps);
    },
    async quarantine(path, reason) {
      // At once after the open that failed: another process on this machine could otherwise have rebuilt what is moved.
      const aside = await disk.quarantine(path, reason);
      await steps.gate(`quarantine ${path} done`);
      return aside;
    },
    remove: (path) => disk.remove(path),
    list: (path) => disk.list(path),
    sizeBytes: (path) => disk.sizeBytes(path),
  };
}

function simulatedDatabase(database: Database, path: string, steps: DiskSteps): Database {
  return {
    path: database.path,
    getSync: (key) => database.getSync(key),
    async write(...changes) {
      await steps.gate(`write ${path}`);
      const failure = steps.failWrite();
      if (failure !== undefined) throw failure;
      for (const { key, value } of changes.flat()) {
        if (value !== null && key.equals(checkpointKey)) steps.onCheckpoint(path, decodeCheckpoint(value));
      }
      await database.write(...changes);
      await steps.gate(`write ${path} done`);
    },
    async clear(range) {
      await steps.gate(`clear ${path}`);
      await database.clear(range);
    },
    iterate: (range) => database.iterate(range),
    async close() {
      await database.close();
      steps.onClose(path);
    },
  };
}
