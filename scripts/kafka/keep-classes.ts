import { existsSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { brokerJars, registryJar } from "./broker-jars.ts";
import { keptClassesOf } from "./java.ts";
import { startKafka } from "./start-kafka.ts";
import { startRegistry } from "./start-registry.ts";
import { cacheFolder } from "./variables.ts";

/** Writing tens of megabytes at the end of a process, on a machine that is busy. */
const STOP_MAX_MS = 120_000;

// Starts a broker and a registry once for the classes that they load, if those are not kept yet; every later start is faster.
await keep(await brokerJars(cacheFolder), (dir, javaOptions) => startKafka({ dir, javaOptions }));
await keep(path.dirname(await registryJar(cacheFolder)), (dir, javaOptions) => startRegistry({ dir, javaOptions }));

type Start = (dir: string, javaOptions: readonly string[]) => Promise<{ stop(maxMs?: number): Promise<void> }>;

async function keep(jars: string, start: Start): Promise<void> {
  const file = keptClassesOf(jars);
  if (existsSync(file)) return;
  const dir = await mkdtemp(path.join(os.tmpdir(), "mulgil-classes-"));
  const partial = `${file}-${process.pid}`;
  try {
    const running = await start(dir, [`-XX:ArchiveClassesAtExit=${partial}`]);
    await running.stop(STOP_MAX_MS);
    // A JVM that cannot keep them writes nothing.
    if (existsSync(partial)) await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
    await rm(dir, { recursive: true, force: true });
  }
}
