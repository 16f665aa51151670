import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Caller } from "../worker-routes.ts";

/**
 * Whoever can read the data directory of a process has its state already, so he may also ask the process for it: a token lies there, for the owner only,
 * for as long as the process runs. So commands on the same machine need none of their own.
 */
export const OWNER: Caller = { name: "owner of the data directory", role: "operator" };

const FILE = /^http-\d+\.token$/;

export const newOwnerToken = (): string => randomBytes(32).toString("base64url");

/** In the data directory, or in that of a worker in it; undefined if the process with this address does not run there. */
export async function ownerTokenFile(dataDir: string, address: string): Promise<string | undefined> {
  const workers = await readdir(join(dataDir, "workers")).catch(() => []);
  const folders = [dataDir, ...workers.map((name) => join(dataDir, "workers", name))];
  return folders.map((folder) => join(folder, fileOf(address))).find((file) => existsSync(file));
}

/** Only the process that has the directory to itself may: what is left of others goes. */
export async function writeOwnerToken(dataDir: string, address: string, token: string): Promise<void> {
  for (const name of await readdir(dataDir)) if (FILE.test(name)) await rm(join(dataDir, name));
  await writeFile(join(dataDir, fileOf(address)), `${token}\n`, { mode: 0o600, flag: "wx" });
}

export const removeOwnerToken = (dataDir: string, address: string): Promise<void> =>
  rm(join(dataDir, fileOf(address)), { force: true });

export function isOwnerToken(token: string, ownerToken: string | undefined): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return ownerToken !== undefined && timingSafeEqual(hash(token), hash(ownerToken));
}

const fileOf = (address: string): string => `http-${new URL(address).port || "0"}.token`;
