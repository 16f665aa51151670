import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import path from "node:path";

/** What can become of the files of a LevelDB; each names the files that it hits. */
const damages = {
  "the pointer to the manifest is missing": (file: string) => file === "CURRENT",
  "the manifest is garbage": (file: string) => file.startsWith("MANIFEST"),
  "the log of writes is garbage in its middle": (file: string) => file.endsWith(".log"),
  "the tables have lost their ends": (file: string) => file.endsWith(".ldb"),
};

type Damage = keyof typeof damages;
export const allDamages = Object.keys(damages) as readonly Damage[];

/** @throws {Error} if there was nothing to damage */
export async function damage(directory: string, kind: Damage): Promise<void> {
  const hit = (await readdir(directory)).filter(damages[kind]);
  if (hit.length === 0) throw new Error(`${directory} has no file for "${kind}"`);
  for (const name of hit) await spoil(path.join(directory, name));
}

async function spoil(file: string): Promise<void> {
  if (file.endsWith("CURRENT")) return await rm(file);
  const content = await readFile(file);
  if (file.endsWith(".ldb")) return await truncate(file, content.length >> 1);
  const middle = content.length >> 1;
  await writeFile(file, content.fill(0xff, middle, middle + Math.min(64, middle)));
}
