import path from "node:path";
import { Level } from "level";
import { openEmbeddedRegistry } from "../../../schemas/embedded-registry.ts";
import type { Clock } from "../../time/clock.ts";
import type { OpenDataDirectoryOptions, OwnedDataDirectory } from "./data-directory.ts";
import type { EmbeddedLog } from "./embedded-log.ts";
import { openEmbeddedLog } from "./open-embedded-log.ts";
import { removeOwner, writeOwner } from "./owner-file.ts";
import { serveLog } from "./server.ts";
import { prepareSocketPath, removeSocket } from "./socket-path.ts";

const BUFFERS = { keyEncoding: "buffer", valueEncoding: "buffer" } as const;
const MAINTENANCE_MS = 60_000;

/** Takes a directory: its databases, then the socket. What was opened is closed again when a later step fails. */
export async function ownDirectory(
  folder: string,
  { clock, random }: OpenDataDirectoryOptions,
): Promise<OwnedDataDirectory> {
  await using undo = new AsyncDisposableStack();
  const database = new Level<Buffer, Buffer>(path.join(folder, "log"), BUFFERS);
  await database.open();
  undo.defer(() => database.close());
  await writeOwner(folder, { pid: process.pid, since: new Date(clock.now()).toISOString() });
  undo.defer(() => removeOwner(folder));
  const registryDatabase = new Level(path.join(folder, "registry"));
  await registryDatabase.open();
  undo.defer(() => registryDatabase.close());
  const registry = await openEmbeddedRegistry(registryDatabase);
  const log = await openEmbeddedLog(random === undefined ? { database, clock } : { database, clock, random });
  undo.defer(() => log.close());
  undo.defer(maintainRegularly(log, clock));
  const socketPath = await prepareSocketPath(folder);
  undo.defer(() => removeSocket(folder, socketPath));
  const server = await serveLog({ socketPath, log, registry });
  undo.defer(() => server.close());
  const opened = undo.move();
  return { role: "owner", log, registry, close: () => opened.disposeAsync() };
}

/** The returned function stops it. */
function maintainRegularly(log: EmbeddedLog, clock: Clock): () => void {
  let cancel = clock.after(MAINTENANCE_MS, maintain);
  let isStopped = false;
  function maintain(): void {
    // What fails here (a damaged batch, a full disk) fails again, and louder, for whoever reads or writes there.
    const maintained = log.maintain().catch(() => undefined);
    void maintained.then(() => {
      if (!isStopped) cancel = clock.after(MAINTENANCE_MS, maintain);
    });
  }
  return () => {
    isStopped = true;
    cancel();
  };
}
