import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Damage that LevelDB passes over without an error, so that entries would be missing below a newer checkpoint. Undefined if there is none. */

/** To be asked before the directory is opened: without its CURRENT it is taken for a new one, and keeps only what the log of writes has. */
export async function headless(directory: string): Promise<string | undefined> {
  const files = await readdir(directory);
  const hasContents = files.some((file) => /\.(log|ldb)$/.test(file));
  return hasContents && !files.includes("CURRENT") ? "its file CURRENT is missing" : undefined;
}

/** To be asked when it is open: what cannot be read of the log of writes is left out. That is said in the diary alone, begun anew at each opening. */
export async function leftOut(directory: string): Promise<string | undefined> {
  const diary = await readFile(join(directory, "LOG"), "utf8");
  const dropped = /dropping \d+ bytes; .*/.exec(diary)?.[0];
  return dropped === undefined ? undefined : `LevelDB has left out what it could not read: ${dropped}`;
}
