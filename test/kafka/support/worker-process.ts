import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Delivery } from "mulgil";
import type { CommittedOffset } from "../../../runtime/log/port.ts";
import type { JobEvent } from "../../../runtime/worker/job-event.ts";
import type { CallsVariant } from "./calls-job.ts";
import type { CommitPoint, WrittenBatch } from "./commit-points.ts";
import type { JobVariant } from "./job-variants.ts";

/** What a worker process is started with. */
export interface WorkerSettings {
  readonly job: string;
  readonly delivery: Delivery;
  readonly bootstrap: string;
  readonly dataDir: string;
  readonly sessionTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  /** @default "payments" */
  readonly variant?: JobVariant | CallsVariant;
}

/** The worker sends itself the signal when a commit is next at this point. */
export interface WorkerOrder {
  readonly signal: "SIGSTOP" | "SIGKILL";
  readonly when: CommitPoint;
  /** Only a commit of a task that reads this topic. @default any */
  readonly input?: string;
}

export type WorkerReport =
  | JobEvent
  | { readonly kind: "committed"; readonly offsets: readonly CommittedOffset[] }
  | { readonly kind: "commitFailed"; readonly offsets: readonly CommittedOffset[]; readonly code: string }
  | {
      readonly kind: "obeying";
      readonly signal: WorkerOrder["signal"];
      readonly offsets: readonly CommittedOffset[];
      readonly written: readonly WrittenBatch[];
    };

export type WorkerEvent = WorkerReport & { readonly atMs: number };
export type WorkerEventOf<K extends WorkerEvent["kind"]> = Extract<WorkerReport, { readonly kind: K }> & {
  readonly atMs: number;
};

const WAIT_MAX_MS = 90_000;
const PROGRAM = path.join(import.meta.dirname, "worker-program.ts");
const NODE_ARGUMENTS = ["--conditions=mulgil-source", "--disable-warning=ExperimentalWarning"];

/** A worker that can be killed, and stopped and continued. */
export class WorkerProcess {
  readonly name: string;
  readonly events: WorkerEvent[] = [];
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #tasks = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #stderr = "";

  constructor(name: string, settings: WorkerSettings) {
    this.name = name;
    this.#child = spawn(process.execPath, [...NODE_ARGUMENTS, PROGRAM, JSON.stringify(settings)], {
      env: { ...process.env, NODE_COMPILE_CACHE: path.join(path.dirname(settings.dataDir), "compiled") },
    });
    // It may be killed before it has read what is written to it.
    this.#child.stdin.on("error", () => undefined);
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    createInterface(this.#child.stdout).on("line", (line) => this.#take(line));
    this.ended = once(this.#child, "close").then(([code]) => code as number | null);
  }

  /** Tasks that it runs, as far as it has told. */
  get tasks(): ReadonlySet<string> {
    return this.#tasks;
  }

  /** What it has told of this kind, or has told since. */
  told<K extends WorkerEvent["kind"]>(kind: K, since?: WorkerEvent): readonly WorkerEventOf<K>[] {
    const events = since === undefined ? this.events : this.events.slice(this.events.indexOf(since) + 1);
    return events.filter((event): event is WorkerEventOf<K> => event.kind === kind);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when this is so of what it has told; rejects if it ends before, or takes far too long. */
  async until(isSo: (worker: this) => boolean): Promise<void> {
    const over = new AbortController();
    const seen = new Promise<void>((resolve) => {
      const look = () => {
        if (isSo(this)) resolve();
      };
      this.#listeners.add(look);
      over.signal.addEventListener("abort", () => this.#listeners.delete(look));
      look();
    });
    const ended = this.ended.then((code) => {
      if (!isSo(this)) throw this.#disappointed(`ended (${code})`);
    });
    const late = sleep(WAIT_MAX_MS, undefined, { signal: over.signal }).then(() => {
      throw this.#disappointed("went on");
    });
    try {
      await Promise.race([seen, ended, late]);
    } finally {
      over.abort();
    }
  }

  #disappointed(how: string): Error {
    const last = this.events.slice(-5).map((event) => JSON.stringify(event));
    return new Error(`worker ${this.name} ${how} without what was waited for:\n${last.join("\n")}\n${this.#stderr}`);
  }

  get stderr(): string {
    return this.#stderr;
  }

  order(order: WorkerOrder): void {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  continue(): void {
    this.#child.kill("SIGCONT");
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Ends it after a last commit; waits until it has come up, for a signal would end it just so before. @returns its exit code */
  async stop(): Promise<number | null> {
    await this.until(({ events }) => events.length > 0);
    this.#child.kill("SIGTERM");
    return await this.ended;
  }

  #take(line: string): void {
    const event = JSON.parse(line) as WorkerEvent;
    this.events.push(event);
    if (event.kind === "running") this.#tasks.add(event.task);
    if (event.kind === "closed" || event.kind === "restarting") this.#tasks.delete(event.task);
    for (const look of this.#listeners) look();
  }
}
