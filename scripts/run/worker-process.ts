import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { OrderAnswer } from "../../runtime/worker/control-records.ts";
import { workerEnvironment } from "../environment/variables.ts";
import type { WorkerMessage, WorkerOrder } from "./worker-messages.ts";

const LAST_WORDS_MS = 1_000;

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that runs the jobs as one of several workers. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  /** Asks it to finish what has begun, and to end. */
  stop(): void;
  /** Tells it what came of an order that it has told of. */
  answer(answer: OrderAnswer): void;
  /** At once, by SIGKILL. */
  kill(): void;
  /** Never rejects; all messages have been heard then. */
  readonly ended: Promise<ProcessEnd>;
}

/** Runs a worker process and hears what it says. */
export type StartWorker = (worker: string, hear: (message: WorkerMessage) => void) => WorkerProcess;

/**
 * Starts this same command once more, as a worker. It inherits the environment. What its jobs print comes out of this process as whole lines, for
 * several processes that write to one pipe would cut each other's.
 */
export const startWorkerProcess: StartWorker = (worker, hear) => {
  const child = fork(process.argv[1]!, process.argv.slice(2), {
    env: workerEnvironment(worker),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  child.on("message", (message) => hear(message as WorkerMessage));
  // It cannot be started or told any more: "close" follows.
  child.on("error", () => undefined);
  const printed = Promise.all([passLines(child.stdout!, process.stdout), passLines(child.stderr!, process.stderr)]);
  return {
    pid: child.pid,
    stop: () => tell(child, { kind: "stop" }),
    answer: (answer) => tell(child, { kind: "scaled", answer }),
    kill: () => void child.kill("SIGKILL"),
    ended: endOf(child, printed),
  };
};

function tell(child: ChildProcess, order: WorkerOrder): void {
  if (child.connected) child.send(order, () => undefined);
}

/** With its last messages and its last words. */
async function endOf(child: ChildProcess, printed: Promise<unknown>): Promise<ProcessEnd> {
  const disconnected = child.connected ? once(child, "disconnect") : undefined;
  const end = await new Promise<ProcessEnd>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
  });
  await disconnected;
  // A program that a job has started may keep the pipes open.
  await Promise.race([printed, systemClock.sleep(LAST_WORDS_MS)]);
  child.stdout!.destroy();
  child.stderr!.destroy();
  return end;
}

async function passLines(from: Readable, to: Writable): Promise<void> {
  try {
    for await (const line of createInterface({ input: from })) {
      if (!to.write(`${line}\n`)) await once(to, "drain");
    }
  } catch {
    // The reader of our own output has gone: main.ts sees it and ends the run.
  }
}
