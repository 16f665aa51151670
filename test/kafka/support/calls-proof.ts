import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { KafkaLog } from "../../../runtime/log/kafka/kafka-log.ts";
import { partitionOf } from "../../../runtime/log/partitioner.ts";
import type { Log, ProducerRecord } from "../../../runtime/log/port.ts";
import { readCircuits } from "../../../runtime/ops/circuits-overview.ts";
import { compile } from "../../../runtime/plan/compile.ts";
import type { Plan } from "../../../runtime/plan/plan.ts";
import type { ResourceReport } from "../../../runtime/resilience/resource-report.ts";
import { SeededRandom } from "../../../runtime/testing/seeded-random.ts";
import { TopicCodec } from "../../../runtime/testing/topic-codec.ts";
import { taskId } from "../../../runtime/worker/task-id.ts";
import { Banks } from "./banks.ts";
import { type CallsJob, type CallsVariant, callsJob, type Request } from "./calls-job.ts";
import { CallsOffsets } from "./calls-offsets.ts";
import { Endings } from "./endings.ts";
import { openRegistryOf } from "./registry-of.ts";
import { WorkerProcess } from "./worker-process.ts";

export const CALL_PARTITIONS = 4;
export const BANKS = Array.from({ length: 12 }, (_, bank) => `bank-${bank}`);
const CUSTOMERS = 150;
/** Of a worker that cannot be taken out of its group by the one that follows it. No machine is so slow that a living one stays away for longer. */
const SESSION_MS = 6_000;
/** Longer than any test: what is left open is never cleared away by the broker, and shows. */
const TRANSACTION_MS = 900_000;
const BATCH = 200;
const BATCH_EVERY_MS = 200;
const ENDED_MAX_MS = 180_000;
const LOOK_EVERY_MS = 100;

export interface CallsProofOptions {
  readonly bootstrap: string;
  /** Of the job; in the names of its topics. */
  readonly name: string;
  readonly variant: Omit<CallsVariant, "banks">;
}

/** The calls job on a broker, its workers processes of their own, the banks that they call in this one, and requests that come in while something happens. */
export class CallsProof {
  readonly log: Log;
  readonly plan: Plan;
  readonly banks: Banks;
  readonly endings: Endings;
  readonly offsets: CallsOffsets;
  /** All that were ever started, the dead ones too. */
  readonly workers: WorkerProcess[] = [];
  readonly sent: Request[] = [];
  readonly #options: CallsProofOptions;
  readonly #job: CallsJob;
  readonly #codec: TopicCodec;
  readonly #folder: string;
  readonly #random = new SeededRandom(11);
  /** Beside those that requests are drawn for. */
  #customers = CUSTOMERS;

  private constructor(
    options: CallsProofOptions,
    parts: {
      readonly log: Log;
      readonly banks: Banks;
      readonly endings: Endings;
      readonly job: CallsJob;
      readonly codec: TopicCodec;
      readonly folder: string;
    },
  ) {
    this.#options = options;
    this.log = parts.log;
    this.banks = parts.banks;
    this.endings = parts.endings;
    this.#job = parts.job;
    this.plan = compile(parts.job.job);
    this.offsets = new CallsOffsets(parts.log, this.plan, CALL_PARTITIONS);
    this.#codec = parts.codec;
    this.#folder = parts.folder;
  }

  static async open(options: CallsProofOptions): Promise<CallsProof> {
    const log = new KafkaLog({ connection: { brokers: options.bootstrap.split(",") } });
    const banks = await Banks.open();
    const job = callsJob(options.name, { ...options.variant, banks: banks.address });
    const registry = await openRegistryOf([job.requests, job.ended]);
    const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const;
    await log.ensureTopics(
      [job.requests, job.ended].map(({ name }) => ({ topic: name, partitions: CALL_PARTITIONS, config })),
    );
    return new CallsProof(options, {
      ...{ log, banks, job },
      endings: await Endings.open(log, job.ended, registry, CALL_PARTITIONS),
      codec: await TopicCodec.open(job.requests, registry),
      folder: await mkdtemp(path.join(os.tmpdir(), "mulgil-calls-")),
    });
  }

  /** The task that calls for a key. */
  taskOf(key: string): string {
    const { name } = this.plan.subTopologies[0]!;
    return taskId(name, partitionOf(Buffer.from(key), CALL_PARTITIONS));
  }

  /** The data directory that a worker of this name has, now and when it is started again. */
  dataDirOf(name: string): string {
    return path.join(this.#folder, name);
  }

  startWorker(name: string): WorkerProcess {
    const { bootstrap, variant } = this.#options;
    const worker = new WorkerProcess(name, {
      ...{ job: this.plan.job, bootstrap, delivery: this.plan.delivery, dataDir: this.dataDirOf(name) },
      ...{ sessionTimeoutMs: SESSION_MS, transactionTimeoutMs: TRANSACTION_MS },
      variant: { ...variant, banks: this.banks.address },
    });
    this.workers.push(worker);
    return worker;
  }

  /** Produces at a bounded pace, until there are enough requests and what happens meanwhile is over. @throws what it throws */
  async produceWhile(requestsMin: number, happens: () => Promise<void>): Promise<void> {
    let isOver = false;
    const happening = happens().finally(() => {
      isOver = true;
    });
    // It is awaited below.
    happening.catch(() => undefined);
    while (this.sent.length < requestsMin || !isOver) {
      await this.#produce(Array.from({ length: BATCH }, (_, index) => this.#request(this.sent.length + index)));
      await sleep(this.sent.length < requestsMin ? BATCH_EVERY_MS : 10 * BATCH_EVERY_MS);
    }
    await happening;
  }

  /** Requests that this worker has to call for, each of a key of its own. */
  async request(worker: WorkerProcess, bank: string, howMany: number): Promise<void> {
    const requests: Request[] = [];
    while (requests.length < howMany) {
      const key = `customer-${this.#customers++}@${bank}`;
      if (worker.tasks.has(this.taskOf(key))) requests.push({ id: this.sent.length + requests.length, key, bank });
    }
    await this.#produce(requests);
  }

  /** What a worker has told the others of a bank, in this life. */
  async reportOf({ name, events }: WorkerProcess, bank: string): Promise<ResourceReport | undefined> {
    const { reports } = await readCircuits(this.log, this.plan.job);
    const own = reports.find(({ worker, resource }) => worker.endsWith(this.dataDirOf(name)) && resource === bank);
    return own !== undefined && own.atMs >= events[0]!.atMs ? own : undefined;
  }

  #request(id: number): Request {
    const bank = this.#random.pick(BANKS);
    return { id, key: `customer-${this.#random.below(CUSTOMERS)}@${bank}`, bank };
  }

  async #produce(requests: readonly Request[]): Promise<void> {
    const timestampMs = Date.now();
    const partitions = Map.groupBy(
      requests.map((each): ProducerRecord => this.#codec.encode(each, { timestampMs })),
      ({ key }) => partitionOf(key!, CALL_PARTITIONS),
    );
    const { name: topic } = this.#job.requests;
    await this.log.produce([...partitions].map(([partition, records]) => ({ topic, partition, records })));
    this.sent.push(...requests);
  }

  /** Resolves when each request has ended visibly, and all that was produced and went to tiers is committed. */
  async untilAllHaveEnded(): Promise<void> {
    const patience = { timeout: ENDED_MAX_MS, interval: LOOK_EVERY_MS };
    await expect.poll(() => this.sent.length - this.endings.seenMs.size, patience).toBe(0);
    await expect.poll(() => this.offsets.lag(), patience).toBe(0);
  }

  /** Ends all workers that still run, and what was opened. */
  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    await this.endings.close();
    await this.banks.close();
    await this.log.close();
    await rm(this.#folder, { recursive: true });
  }
}
