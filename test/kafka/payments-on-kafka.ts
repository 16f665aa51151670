import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { MemoryLevel } from "memory-level";
import { count, defineJob, type Schema, sum, type TopicDefinition, tumbling } from "mulgil";
import { KafkaLog } from "../../runtime/log/kafka/kafka-log.ts";
import { partitionOf } from "../../runtime/log/partitioner.ts";
import type { Log, ProducerRecord } from "../../runtime/log/port.ts";
import { readPartition } from "../../runtime/log/read-partition.ts";
import { SeededRandom } from "../../runtime/testing/seeded-random.ts";
import { TopicCodec } from "../../runtime/testing/topic-codec.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { commit } from "../../runtime/worker/commit.ts";
import type { JobEvent } from "../../runtime/worker/job-event.ts";
import { type JobsRun, runJobs } from "../../runtime/worker/run-jobs.ts";
import { openEmbeddedRegistry } from "../../schemas/embedded-registry.ts";
import { type SchemaRegistry, subjectOfValue } from "../../schemas/registry.ts";
import { levelDisk } from "../../state/level-disk.ts";

export interface Payment {
  readonly id: number;
  readonly card: string;
  readonly shop: string;
  readonly amount: number;
  readonly at: number;
}

export interface ShopMinute {
  readonly windowStartMs: number;
  readonly payments: number;
  readonly total: number;
}

const record = <T>(name: string, fields: Readonly<Record<string, unknown>>): Schema<T> => ({
  avro: { type: "record", name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) },
});
const millis = { type: "long", logicalType: "timestamp-millis" };
const payment = record<Payment>("Payment", { id: "long", card: "string", shop: "string", amount: "long", at: millis });
const shopMinute = record<ShopMinute>("ShopMinute", { windowStartMs: millis, payments: "long", total: "long" });

const PARTITIONS = 4;
const WINDOW_MS = 60_000;
const SESSION_MS = 6_000;

/** Topics and job under names of their own, so that tests share a broker. */
function systemOf(name: string) {
  const source = { name: `${name}.payments`, value: payment, key: "card", eventTime: "at" } as const;
  const copies = { name: `${name}.copies`, value: payment, key: "card" } as const;
  const minutes = { name: `${name}.minutes`, value: shopMinute, keyType: "string" } as const;
  const job = defineJob({
    name,
    version: 1,
    commitEvery: "200 ms",
    flow(from) {
      const payments = from(source);
      payments.to(copies);
      payments
        .keyBy(({ shop }) => shop)
        .window(tumbling("1 minute", { grace: "1 day" }))
        .aggregate("minutes", { payments: count(), total: sum(({ amount }) => amount) })
        .to(minutes);
    },
  });
  return { source, copies, minutes, job };
}

/** Payments with event times of thirty years ago, somewhat out of order. */
export function generatePayments(howMany: number): readonly Payment[] {
  const random = new SeededRandom(7);
  const startMs = Date.UTC(1996, 0, 1);
  return Array.from({ length: howMany }, (_, id) => ({
    id,
    card: `card-${random.below(500)}`,
    shop: `shop-${random.below(20)}`,
    amount: 1 + random.below(1_000),
    at: startMs + id * 50 - random.below(5_000),
  }));
}

/** A job on a broker: every payment passed through, and sums by shop and minute behind a repartition. */
export class PaymentsOnKafka {
  readonly log: Log;
  readonly #system: ReturnType<typeof systemOf>;
  readonly #registry: SchemaRegistry;
  readonly #folder: string;
  readonly #runs: JobsRun[] = [];

  private constructor(name: string, log: Log, registry: SchemaRegistry, folder: string) {
    this.#system = systemOf(name);
    this.log = log;
    this.#registry = registry;
    this.#folder = folder;
  }

  static async open(name: string, bootstrap: string): Promise<PaymentsOnKafka> {
    const log = new KafkaLog({ connection: { brokers: bootstrap.split(",") } });
    const registry = await openEmbeddedRegistry(new MemoryLevel());
    const folder = await mkdtemp(path.join(os.tmpdir(), "mulgil-worker-"));
    const subject = new PaymentsOnKafka(name, log, registry, folder);
    const { source } = subject.#system;
    await registry.register(subjectOfValue(source.name), source.value.avro);
    const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const;
    await log.ensureTopics([{ topic: source.name, partitions: PARTITIONS, config }]);
    return subject;
  }

  /** Runs the job with two workers and the disk of this name. */
  async start(disk: string, onEvent: (event: JobEvent) => void = () => undefined): Promise<JobsRun> {
    const run = await runJobs([this.#system.job], {
      registry: this.#registry,
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
    const { source } = this.#system;
    const codec = await TopicCodec.open(source, this.#registry);
    const partitions = Map.groupBy(
      payments.map((each): ProducerRecord => codec.encode(each, { timestampMs: each.at })),
      ({ key }) => partitionOf(key!, PARTITIONS),
    );
    await this.log.produce([...partitions].map(([partition, records]) => ({ topic: source.name, partition, records })));
  }

  /** Of the payments that came through, as often as they did. */
  async copiedIds(): Promise<readonly number[]> {
    return (await this.#read(this.#system.copies))
      .map(({ value }) => (value as Payment).id)
      .sort((left, right) => left - right);
  }

  /** The last value of each shop and minute. */
  async minutes(): Promise<ReadonlyMap<string, ShopMinute>> {
    const all = await this.#read(this.#system.minutes);
    return new Map(
      all.map(({ key, value }) => [minuteId(String(key), (value as ShopMinute).windowStartMs), value as ShopMinute]),
    );
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#runs.map((run) => run.stop()));
    await this.log.close();
    await rm(this.#folder, { recursive: true });
  }

  async #read<T extends TopicDefinition>(topic: T) {
    const codec = await TopicCodec.open(topic, this.#registry);
    const found = (await this.log.describeTopics()).find((each) => each.topic === topic.name)!;
    const all = [];
    for (let partition = 0; partition < found.partitions; partition++) {
      for (const each of await readPartition(this.log, { topic: topic.name, partition }))
        all.push(await codec.decode(each));
    }
    return all;
  }
}

const minuteId = (shop: string, windowStartMs: number): string => `${shop}@${windowStartMs}`;

/** What the job should have computed, computed plainly. */
export function plainMinutes(payments: readonly Payment[]): ReadonlyMap<string, ShopMinute> {
  const minutes = new Map<string, ShopMinute>();
  for (const { shop, amount, at } of payments) {
    const windowStartMs = Math.floor(at / WINDOW_MS) * WINDOW_MS;
    const id = minuteId(shop, windowStartMs);
    const before = minutes.get(id) ?? { windowStartMs, payments: 0, total: 0 };
    minutes.set(id, { windowStartMs, payments: before.payments + 1, total: before.total + amount });
  }
  return minutes;
}
