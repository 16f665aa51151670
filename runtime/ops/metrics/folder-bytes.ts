import { readdir, stat } from "node:fs/promises";
import path from "node:path";

/** The sizes of the files in a folder, not of folders in it; undefined if there is no such folder. What goes meanwhile counts nothing. */
export async function folderBytes(folder: string): Promise<number | undefined> {
  try {
    const names = await readdir(folder);
    const sizes = await Promise.all(names.map((name) => fileBytes(path.join(folder, name))));
    return sizes.reduce((sum, size) => sum + size, 0);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function fileBytes(file: string): Promise<number> {
  try {
    const found = await stat(file);
    return found.isFile() ? found.size : 0;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";
