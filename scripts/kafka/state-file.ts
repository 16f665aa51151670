import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const STOP_MAX_MS = 20_000;
const STOP_LOOK_MS = 100;

/** What `up` has started, for `down`. */
export interface Started {
  readonly bootstrap: string;
  readonly registry: string | undefined;
  readonly processes: readonly StartedProcess[];
}

export interface StartedProcess {
  readonly pid: number;
  /** Stands in its command line: a pid alone may belong to somebody else by now. */
  readonly mark: string;
}

const fileOf = (folder: string): string => path.join(folder, "running.json");

export const writeStarted = (folder: string, started: Started): Promise<void> =>
  writeFile(fileOf(folder), JSON.stringify(started, undefined, 2));

/** What was started on this folder and of which something still runs. */
export async function readStarted(folder: string): Promise<Started | undefined> {
  const text = await readFile(fileOf(folder), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const started = JSON.parse(text) as Started;
  const running = await Promise.all(started.processes.map(isRunning));
  return running.includes(true)
    ? { ...started, processes: started.processes.filter((_, index) => running[index]) }
    : undefined;
}

/** Ends exactly these, and forgets them. */
export async function stopStarted(folder: string, { processes }: Started): Promise<void> {
  await Promise.all(processes.map(stopProcess));
  await rm(fileOf(folder), { force: true });
}

async function stopProcess(started: StartedProcess): Promise<void> {
  const deadlineMs = performance.now() + STOP_MAX_MS;
  if (await isRunning(started)) process.kill(started.pid, "SIGTERM");
  while (await isRunning(started)) {
    if (performance.now() > deadlineMs) process.kill(started.pid, "SIGKILL");
    await sleep(STOP_LOOK_MS);
  }
}

async function isRunning({ pid, mark }: StartedProcess): Promise<boolean> {
  const shown = await run("ps", ["-ww", "-o", "args=", "-p", String(pid)]).catch(() => undefined);
  return shown?.stdout.includes(mark) ?? false;
}
