import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { registryJar } from "./broker-jars.ts";
import { hasEnded, stopNode } from "./broker-process.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { withKeptClasses } from "./java.ts";
import { cacheFolder, jdkProgram } from "./variables.ts";

const READY_MAX_MS = 120_000;
const READY_LOOK_MS = 200;

export interface RunningRegistry {
  /** For clients of Confluent's Schema Registry. */
  readonly url: string;
  readonly pid: number;
  stop(maxMs?: number): Promise<void>;
}

/** Starts a schema registry (Apicurio, with Confluent's interface) that keeps its schemas in a folder; returns when it answers. */
export async function startRegistry(options: {
  readonly dir: string;
  /** @default a free one */
  readonly port?: number;
  readonly detached?: boolean;
  /** Of its Java, beside memory. */
  readonly javaOptions?: readonly string[];
}): Promise<RunningRegistry> {
  const folder = path.resolve(options.dir);
  await mkdir(folder, { recursive: true });
  const jar = await registryJar(cacheFolder);
  const port = options.port ?? (await freePorts(1))[0]!;
  const url = `http://${LOOPBACK}:${port}/apis/ccompat/v7`;
  const settings = [
    `-Dquarkus.http.host=${LOOPBACK}`,
    `-Dquarkus.http.port=${port}`,
    `-Dquarkus.datasource.jdbc.url=jdbc:h2:file:${path.join(folder, "schemas")}`,
  ];
  const output = openSync(path.join(folder, "output.log"), "a");
  const memory = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
  const java = [...memory, ...withKeptClasses(path.dirname(jar)), ...(options.javaOptions ?? [])];
  const child = spawn(jdkProgram("java"), [...java, ...settings, "-jar", jar], {
    detached: options.detached ?? false,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  if (options.detached) child.unref();
  await ready(child, url, folder);
  return { url, pid: child.pid!, stop: (maxMs) => stopNode(child, maxMs) };
}

async function ready(child: ChildProcess, url: string, folder: string): Promise<void> {
  const deadlineMs = performance.now() + READY_MAX_MS;
  for (;;) {
    const answer = await fetch(`${url}/subjects`).catch(() => undefined);
    if (answer?.ok) return;
    if (hasEnded(child) || performance.now() > deadlineMs) {
      await stopNode(child);
      throw new Error(`the schema registry does not come up; ${path.join(folder, "output.log")} says why`);
    }
    await sleep(READY_LOOK_MS);
  }
}
