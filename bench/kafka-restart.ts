import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BenchRow } from "./bench-row.ts";
import { makeOneWindow, type Payment } from "./engine-fixtures.ts";
import { BenchProcess } from "./kafka/bench-process.ts";
import { OutputWatch } from "./kafka/output-watch.ts";
import { outputOf } from "./kafka/payments-job.ts";
import { type BenchBroker, withBroker } from "./kafka/with-broker.ts";
import type { WorkerMessage, WorkerSettings } from "./kafka/worker-process.ts";
import { awaitCommitted, awaitRunning } from "./kafka/worker-tasks.ts";
import { makeSource, paymentWriter, type WritePayments } from "./kafka/write-payments.ts";
import { describeRuns } from "./state-measure.ts";

const ENTRIES = 1_000_000;
const RUNS = 3;
/** Written just before a process is killed, so that it dies at work, and again before the next one starts. */
const MORE_RECORDS = 20_000;
const SESSION_MS = 6_000;
const SESSION_OVER_MS = SESSION_MS + 1_500;
/** What the killed process has committed must be seen before the next one starts. */
const AT_ONCE_MS = 1_000;
const JOB = { name: "restart", source: "payments.restart", delivery: "exactly-once" } as const;

/**
 * [kafka.restart] Seconds from the start of a process, after kill -9 of the one before it, to the first output that a read_committed
 * reader sees, with 1,000,000 entries of state (8 tasks, one window, exactly once, a commit each second): on the disk that the killed process
 * left, and on an empty one. The process is killed at work, and input is waiting when the next one starts, once the group has noticed
 * that its member is gone: until then (the rest of the session, 30 seconds by default) no start can get its tasks. kafka.restart.at-once
 * is a start one second after the kill, with the default session.
 */
export function run(): Promise<readonly BenchRow[]> {
  return withBroker("kafka.restart", async (broker) => {
    const subject = await Subject.open(broker);
    try {
      return await measure(subject);
    } finally {
      await subject.close();
    }
  });
}

async function measure(subject: Subject): Promise<readonly BenchRow[]> {
  const [same, empty]: [number[], number[]] = [[], []];
  for (let n = 0; n < RUNS; n++) {
    await subject.kill(SESSION_OVER_MS);
    same.push(await subject.restart("disk", SESSION_MS));
    await subject.kill(SESSION_OVER_MS);
    empty.push(await subject.restart(`empty-disk-${n}`, SESSION_MS));
  }
  await subject.kill(SESSION_OVER_MS);
  await subject.restart("disk");
  await subject.kill(AT_ONCE_MS);
  const atOnce = await subject.restart("disk");
  const sameDisk = describeRuns(same).median;
  return [
    row("same-disk", same, "itself"),
    row("empty-disk", empty, `on the same disk: ${sameDisk.toFixed(2)} s`),
    row("at-once", [atOnce], `once the session is over: ${sameDisk.toFixed(2)} s`),
  ];
}

function row(name: string, seconds: readonly number[], bound: string): BenchRow {
  const { median, spread } = describeRuns(seconds);
  return { name: `kafka.restart.${name}`, value: Number(median.toFixed(2)), unit: "s", spread, bound, ratio: null };
}

/** The job with its state, and one process at a time that runs it. */
class Subject {
  readonly #broker: BenchBroker;
  readonly #write: WritePayments;
  #worker: BenchProcess<WorkerMessage>;
  #outputs: OutputWatch | undefined;

  private constructor(broker: BenchBroker, write: WritePayments) {
    this.#broker = broker;
    this.#write = write;
    this.#worker = this.#start("disk", SESSION_MS);
  }

  static async open(broker: BenchBroker): Promise<Subject> {
    await makeSource(broker.log, JOB.source);
    const subject = new Subject(broker, await paymentWriter(broker.log, JOB.source));
    try {
      await subject.#fill();
      return subject;
    } catch (error) {
      await subject.close();
      throw error;
    }
  }

  async #fill(): Promise<void> {
    await awaitRunning(this.#worker);
    this.#outputs = await OutputWatch.open(this.#broker.log, outputOf(JOB));
    await this.#write(makeOneWindow(ENTRIES));
    await awaitCommitted(this.#broker.log, JOB);
  }

  /** Kills the process at work, waits, and leaves input for the next one. */
  async kill(waitMs: number): Promise<void> {
    await this.#write(this.#more());
    await this.#worker.kill();
    await sleep(waitMs);
    await this.#write(this.#more());
  }

  /** @returns seconds to the first output; the process has committed everything then */
  async restart(disk: string, sessionTimeoutMs?: number): Promise<number> {
    const startedMs = performance.now();
    this.#worker = this.#start(disk, sessionTimeoutMs);
    await awaitRunning(this.#worker);
    const seconds = ((await this.#outputs!.firstAfter(startedMs)) - startedMs) / 1_000;
    await awaitCommitted(this.#broker.log, JOB);
    return seconds;
  }

  async close(): Promise<void> {
    await this.#worker.kill();
    await this.#outputs?.close();
  }

  #start(disk: string, sessionTimeoutMs?: number): BenchProcess<WorkerMessage> {
    const { bootstrap, folder } = this.#broker;
    const settings: WorkerSettings = {
      ...{ ...JOB, bootstrap, stateDir: join(folder, disk) },
      ...(sessionTimeoutMs !== undefined && { sessionTimeoutMs }),
    };
    return new BenchProcess("worker-process.ts", settings);
  }

  /** Of customers that the state holds already. */
  #more(): Iterable<Payment> {
    return makeOneWindow(MORE_RECORDS);
  }
}
