import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import type { Clock } from "../../time/clock.ts";
import type { LogAccess } from "../port.ts";
import { remoteLog, remoteRegistry } from "./client.ts";
import { directoryLocked, directoryUnusable, isLocked, isNobodyThere, nobodyServes } from "./data-directory-errors.ts";
import type { EmbeddedLog } from "./embedded-log.ts";
import { ownDirectory } from "./owned-directory.ts";
import { readOwnerPid } from "./owner-file.ts";
import { connectToOwner } from "./remote-connection.ts";
import { findSocketPath } from "./socket-path.ts";

export interface OpenDataDirectoryOptions {
  readonly clock: Clock;
  /** What to be: the only one, a guest of the one, or whichever is possible. @default "owner-or-client" */
  readonly mode?: "owner-or-client" | "owner" | "client";
  /** Numbers in [0, 1), for ids. @default a cryptographic source */
  readonly random?: () => number;
}

/** The process holds the directory: it can join groups and run transactions, and it serves others. */
export interface OwnedDataDirectory {
  readonly role: "owner";
  readonly log: EmbeddedLog;
  readonly registry: SchemaRegistry;
  close(): Promise<void>;
}

/** Another process holds the directory. */
export interface ServedDataDirectory {
  readonly role: "client";
  readonly log: LogAccess;
  readonly registry: SchemaRegistry;
  close(): Promise<void>;
}

export type DataDirectory = OwnedDataDirectory | ServedDataDirectory;

/** A killed owner needs a moment to vanish, and a new one to listen. */
const PATIENCE_MS = 3000;
const RETRY_MS = 50;

/**
 * Opens the log and the schema registry of a directory, which is created for this user only. The first process owns it and serves
 * it on a Unix socket in it; others connect there. The owner also runs compaction and retention, once a minute.
 * @throws {MulgilError} DATA_DIR_LOCKED, DATA_DIR_NOT_SERVED, DATA_DIR_UNUSABLE, LOG_PROTOCOL
 */
export async function openDataDirectory(
  directory: string,
  options: OpenDataDirectoryOptions & { readonly mode: "owner" },
): Promise<OwnedDataDirectory>;
export async function openDataDirectory(directory: string, options: OpenDataDirectoryOptions): Promise<DataDirectory>;
export async function openDataDirectory(directory: string, options: OpenDataDirectoryOptions): Promise<DataDirectory> {
  const { clock, mode = "owner-or-client" } = options;
  const folder = path.resolve(directory);
  try {
    if (mode !== "client") await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw directoryUnusable(folder, error);
  }
  const deadlineMs = clock.now() + PATIENCE_MS;
  for (;;) {
    const served = mode === "owner" ? undefined : await tryToConnect(folder, clock);
    if (served?.opened) return served.directory;
    const owned = mode === "client" ? undefined : await tryToOwn(folder, options);
    if (owned?.opened) return owned.directory;
    if (clock.now() >= deadlineMs) {
      if (mode === "client") throw nobodyServes(folder, served?.cause);
      throw directoryLocked(folder, await readOwnerPid(folder), owned?.cause);
    }
    await clock.sleep(RETRY_MS);
  }
}

/** `opened: false` may change in a moment; anything else is an error. */
type Attempt<D> =
  | { readonly opened: true; readonly directory: D }
  | { readonly opened: false; readonly cause: unknown };

async function tryToOwn(folder: string, options: OpenDataDirectoryOptions): Promise<Attempt<OwnedDataDirectory>> {
  try {
    return { opened: true, directory: await ownDirectory(folder, options) };
  } catch (cause) {
    if (isLocked(cause)) return { opened: false, cause };
    throw directoryUnusable(folder, cause);
  }
}

async function tryToConnect(folder: string, clock: Clock): Promise<Attempt<ServedDataDirectory>> {
  try {
    const connection = await connectToOwner(await findSocketPath(folder), { clock, patienceMs: PATIENCE_MS });
    const log = remoteLog(connection);
    const registry = remoteRegistry(connection);
    return { opened: true, directory: { role: "client", log, registry, close: () => connection.close() } };
  } catch (cause) {
    if (isNobodyThere(cause)) return { opened: false, cause };
    throw cause;
  }
}
