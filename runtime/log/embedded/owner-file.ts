import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/** Who owns a data directory: only a hint for people, the lock is LevelDB's. */
export interface OwnerFile {
  readonly pid: number;
  readonly since: string;
}

const at = (directory: string): string => path.join(directory, "owner.json");

export const writeOwner = (directory: string, owner: OwnerFile): Promise<void> =>
  writeFile(at(directory), `${JSON.stringify(owner)}\n`, { mode: 0o600 });

export const removeOwner = (directory: string): Promise<void> => rm(at(directory), { force: true });

/** The pid of the owner, if the file can be read. */
export async function readOwnerPid(directory: string): Promise<number | undefined> {
  try {
    return (JSON.parse(await readFile(at(directory), "utf8")) as Partial<OwnerFile>).pid;
  } catch {
    // It is being written or removed, or the owner was killed before: then the pid is not known.
    return undefined;
  }
}
