import { open } from "node:fs/promises";

export interface FileContent {
  readonly text: string;
  /** Differs when the file has changed. */
  readonly stamp: string;
}

const OTHERS = 0o007;
const GROUP_WRITES = 0o020;
const GROUP = 0o070;

/**
 * Reads a file that holds secrets. A file of root may be readable by a group: so clusters mount them for processes that are not root.
 * @throws {Error} that says why it cannot be read, or who else can
 */
export async function readOwnerOnly(path: string): Promise<FileContent> {
  const file = await open(path, "r");
  try {
    const { mode, uid, mtimeMs, size, ino } = await file.stat();
    const tooMany = uid === 0 ? OTHERS | GROUP_WRITES : OTHERS | GROUP;
    if ((mode & tooMany) !== 0) throw new Error(`others than its owner may use ${path}: chmod 600 ${path}`);
    return { text: await file.readFile("utf8"), stamp: `${mtimeMs} ${size} ${ino}` };
  } finally {
    await file.close();
  }
}
