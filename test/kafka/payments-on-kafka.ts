import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { KafkaLog } from "../../runtime/log/kafka/kafka-log.ts";
import type { Log } from "../../runtime/log/port.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { commit } from "../../runtime/worker/commit.ts";
import type { JobEvent } from "../../runtime/worker/job-event.ts";
import { type JobsRun, runJobs } from "../../runtime/worker/run-jobs.ts";
import { levelDisk } from "../../state/level-disk.ts";
import { type JobVariant, jobVariants } from "./support/job-variants.ts";
import type { Payment, PaymentsJob, ShopHour } from "./support/payments-job.ts";
import { PaymentsTopics } from "./support/payments-topics.ts";

const SESSION_MS = 6_000;

/** The payments job on a broker, its workers in this process. */
export class PaymentsOnKafka {
  readonly log: Log;
  readonly #payments: PaymentsJob;
  readonly #topics: PaymentsTopics;
  readonly #folder: string;
  readonly #runs: JobsRun[] = [];

  private constructor(log: Log, payments: PaymentsJob, topics: PaymentsTopics, folder: string) {
    this.log = log;
    this.#payments = payments;
    this.#topics = topics;
    this.#folder = folder;
  }

  static async open(name: string, bootstrap: string, variant: JobVariant = "payments"): Promise<PaymentsOnKafka> {
    const log = new KafkaLog({ connection: { brokers: bootstrap.split(",") } });
    const payments = jobVariants[variant](name);
    const topics = await PaymentsTopics.open(log, payments);
    return new PaymentsOnKafka(log, payments, topics, await mkdtemp(path.join(os.tmpdir(), "mulgil-worker-")));
  }

  /** Runs the job with two workers and the disk of this name. */
  async start(disk: string, onEvent: (event: JobEvent) => void = () => undefined): Promise<JobsRun> {
    const run = await runJobs([this.#payments.job], {
      registry: this.#topics.registry,
      environment: {
        ...{ log: this.log, commit, onEvent, clock: systemClock },
        disk: levelDisk(path.join(this.#folder, disk)),
        location: disk,
        turn: () => nextTurn(),
      },
      workers: 2,
      sessionTimeoutMs: SESSION_MS,
    });
    this.#runs.push(run);
    return run;
  }

  async produce(payments: readonly Payment[]): Promise<void> {
    await this.#topics.produce(payments);
  }

  /** Of the payments that came through, as often as they did. */
  async copiedIds(): Promise<readonly number[]> {
    return await this.#topics.idsIn("copies");
  }

  /** The last value of each shop and hour. */
  async hours(): Promise<ReadonlyMap<string, ShopHour>> {
    return new Map([...(await this.#topics.hours())].map(([id, updates]) => [id, updates.at(-1)!]));
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#runs.map((run) => run.stop()));
    await this.log.close();
    await rm(this.#folder, { recursive: true });
  }
}
