import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { MulgilError } from "../../../schemas/mulgil-error.ts";

/** Unix sockets have short paths: 104 bytes on macOS, 108 on Linux, with the end mark. */
const SOCKET_PATH_BYTES_MAX = 100;
const NEAR = "mulgil.sock";
const POINTER = "socket";

/** Chooses where the owner listens, and leaves a note in the directory if that is elsewhere. What is there is stale: it goes. */
export async function prepareSocketPath(directory: string): Promise<string> {
  const near = path.join(directory, NEAR);
  await Promise.all([rm(near, { force: true }), rm(path.join(directory, POINTER), { force: true })]);
  if (Buffer.byteLength(near) <= SOCKET_PATH_BYTES_MAX) return near;
  const folder = await ownFolder();
  const name = createHash("sha256")
    .update(await realpath(directory))
    .digest("hex")
    .slice(0, 24);
  const far = path.join(folder, `${name}.sock`);
  await rm(far, { force: true });
  await writeFile(path.join(directory, POINTER), far, { mode: 0o600 });
  return far;
}

/** Where the owner of the directory listens, if there is one. */
export async function findSocketPath(directory: string): Promise<string> {
  try {
    return await readFile(path.join(directory, POINTER), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return path.join(directory, NEAR);
  }
}

export async function removeSocket(directory: string, socketPath: string): Promise<void> {
  await Promise.all([rm(socketPath, { force: true }), rm(path.join(directory, POINTER), { force: true })]);
}

/** A folder for sockets under the temporary one, which others can write: so it must be ours alone. */
async function ownFolder(): Promise<string> {
  const userId = process.getuid?.() ?? 0;
  const folder = path.join(os.tmpdir(), `mulgil-${userId}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== userId) {
    throw new MulgilError(
      `${folder} belongs to somebody else, so the socket of the data directory cannot be put there; remove it, or use a data directory with a path of less than ${SOCKET_PATH_BYTES_MAX - NEAR.length} bytes`,
      { code: "DATA_DIR_UNUSABLE", context: { file: folder } },
    );
  }
  await chmod(folder, 0o700);
  return folder;
}
