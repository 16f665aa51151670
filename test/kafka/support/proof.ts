import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Delivery } from "mulgil";
import { expect } from "vitest";
import { KafkaLog } from "../../../runtime/log/kafka/kafka-log.ts";
import type { Isolation, Log, TopicPartition } from "../../../runtime/log/port.ts";
import { compile } from "../../../runtime/plan/compile.ts";
import { taskId } from "../../../runtime/worker/task-id.ts";
import { type JobVariant, jobVariants } from "./job-variants.ts";
import { endlessPayments, type Payment, type PaymentsJob, plainHours } from "./payments-job.ts";
import { PARTITIONS, PaymentsTopics } from "./payments-topics.ts";
import { WorkerProcess } from "./worker-process.ts";

export const SESSION_MS = 3_000;
/** Longer than any test: what is left open is never cleared away by the broker, and shows. */
const TRANSACTION_MS = 900_000;
/** Transactions end here, too. As many partitions as broker-properties.ts says; topics are described without what is the brokers' own. */
const CONSUMER_OFFSETS = { topic: "__consumer_offsets", partitions: 4 };
const PAYMENTS_MIN = 200_000;
const PAYMENTS_MAX = 400_000;
const BATCH = 500;
const BATCH_EVERY_MS = 60;
/** When there are enough: what goes on happening shall find work, and on a slow machine for long. */
const MORE_EVERY_MS = 600;
const CATCH_UP_MAX_MS = 120_000;
const LOOK_EVERY_MS = 100;

export interface ProofOptions {
  readonly bootstrap: string;
  /** Of the job; in the names of its topics. */
  readonly name: string;
  readonly delivery: Delivery;
  /** @default "payments" */
  readonly variant?: JobVariant;
}

/**
 * The payments job on a broker, its workers processes of their own, and payments that come in while something happens to them. What the job has
 * made of the payments is compared with a plain computation.
 */
export class Proof {
  readonly log: Log;
  readonly job: PaymentsJob;
  readonly topics: PaymentsTopics;
  /** All that were ever started, the dead ones too. */
  readonly workers: WorkerProcess[] = [];
  readonly #options: ProofOptions;
  readonly #folder: string;
  readonly #source = endlessPayments();
  readonly #acknowledged: Payment[] = [];

  private constructor(options: ProofOptions, log: Log, job: PaymentsJob, topics: PaymentsTopics, folder: string) {
    this.#options = options;
    this.log = log;
    this.job = job;
    this.topics = topics;
    this.#folder = folder;
  }

  static async open(options: ProofOptions): Promise<Proof> {
    const log = new KafkaLog({ connection: { brokers: options.bootstrap.split(",") } });
    const job = jobVariants[options.variant ?? "payments"](options.name, options.delivery);
    const topics = await PaymentsTopics.open(log, job);
    return new Proof(options, log, job, topics, await mkdtemp(path.join(os.tmpdir(), "mulgil-proof-")));
  }

  /** Payments that a broker has acknowledged, in their order. */
  get acknowledged(): readonly Payment[] {
    return this.#acknowledged;
  }

  /** The topic of the payments. */
  get source(): string {
    return this.job.source.name;
  }

  /** The topic between the two parts of the job. */
  get repartition(): string {
    return compile(this.job.job).topics.find(({ role }) => role === "repartition")!.topic;
  }

  /** The ids of the tasks that read this topic. */
  tasksReading(topic: string): ReadonlySet<string> {
    const part = compile(this.job.job).subTopologies.find(({ sources }) => sources.includes(topic))!;
    return new Set(Array.from({ length: PARTITIONS }, (_, partition) => taskId(part.name, partition)));
  }

  /** The data directory that a worker of this name has, now and when it is started again. */
  dataDirOf(name: string): string {
    return path.join(this.#folder, name);
  }

  startWorker(name: string): WorkerProcess {
    const { bootstrap, delivery, variant } = this.#options;
    const worker = new WorkerProcess(name, {
      ...{ job: this.job.job.name, bootstrap, delivery, dataDir: this.dataDirOf(name) },
      ...{ sessionTimeoutMs: SESSION_MS, transactionTimeoutMs: TRANSACTION_MS },
      ...(variant !== undefined && { variant }),
    });
    this.workers.push(worker);
    return worker;
  }

  /** Starts workers of these names and resolves when they share the tasks of the job among them. */
  async startWorkers(...names: readonly string[]): Promise<readonly WorkerProcess[]> {
    const started = names.map((name) => this.startWorker(name));
    await Promise.all(started.map((worker) => worker.until(({ tasks }) => tasks.size > 0)));
    return started;
  }

  /**
   * Produces at a bounded pace while something happens: until it is over, and until there are enough payments; no more than there may be at most.
   * @throws what it throws
   */
  async produceWhile(happens: () => Promise<void>): Promise<void> {
    let isOver = false;
    const over = new AbortController();
    const happening = happens().then(
      () => {
        isOver = true;
      },
      (error: unknown) => over.abort(error),
    );
    while (!over.signal.aborted && this.#wantsMore(isOver)) {
      const batch = Array.from({ length: BATCH }, () => this.#source.next().value);
      await this.topics.produce(batch);
      this.#acknowledged.push(...batch);
      await sleep(this.#acknowledged.length < PAYMENTS_MIN ? BATCH_EVERY_MS : MORE_EVERY_MS);
    }
    await happening;
    over.signal.throwIfAborted();
  }

  #wantsMore(isOver: boolean): boolean {
    const count = this.#acknowledged.length;
    return count < PAYMENTS_MIN || (!isOver && count < PAYMENTS_MAX);
  }

  /** Resolves when all that was produced has been processed and committed. */
  async untilCaughtUp(): Promise<void> {
    await expect.poll(() => this.lag(), { timeout: CATCH_UP_MAX_MS, interval: LOOK_EVERY_MS }).toBe(0);
  }

  /** Records between the job's committed offsets and the ends of its inputs. Sources first: what they cause is visible before they are committed. */
  async lag(): Promise<number> {
    let lag = 0;
    for (const topic of [this.source, this.repartition]) {
      const partitions = await this.#partitionsOf((name) => name === topic);
      const committed = await this.log.committedOffsets(this.job.job.name, partitions);
      for (const end of await this.#ends(partitions, "read_committed")) {
        const own = committed.find(({ partition }) => partition === end.partition);
        lag += end.offset - (own?.offset ?? 0);
      }
    }
    return lag;
  }

  /** Where readers under read_committed are held back, by an open transaction or by none. */
  async openTransactions(): Promise<readonly string[]> {
    const partitions = await this.#partitionsOf(() => true);
    const ends = await this.#ends(partitions, "read_uncommitted");
    const stable = await this.#ends(partitions, "read_committed");
    return ends.flatMap(({ topic, partition, offset }, index) =>
      offset === stable[index]!.offset ? [] : [`${topic}/${partition}: ${stable[index]!.offset} of ${offset}`],
    );
  }

  /** Ends all workers that still run, and what was opened. */
  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    await this.log.close();
    await rm(this.#folder, { recursive: true });
  }

  /** What the late ones leave to the windows. */
  async plainHours(): Promise<ReturnType<typeof plainHours>> {
    const late = new Set(await this.topics.idsIn("late"));
    return plainHours(this.#acknowledged.filter(({ id }) => !late.has(id)));
  }

  async #partitionsOf(isWanted: (topic: string) => boolean): Promise<readonly TopicPartition[]> {
    const topics = [...(await this.log.describeTopics()), CONSUMER_OFFSETS].filter(({ topic }) => isWanted(topic));
    return topics.flatMap(({ topic, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
    );
  }

  async #ends(partitions: readonly TopicPartition[], isolation: Isolation) {
    return await this.log.listOffsets(partitions, "latest", isolation);
  }
}
