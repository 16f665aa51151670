import type { TopicDefinition } from "mulgil";
import { partitionOf } from "../../../runtime/log/partitioner.ts";
import type { LogAccess, ProducerRecord } from "../../../runtime/log/port.ts";
import { readPartition } from "../../../runtime/log/read-partition.ts";
import { TopicCodec } from "../../../runtime/testing/topic-codec.ts";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import { hourId, type Payment, type PaymentsJob, type ShopHour, topicsOf } from "./payments-job.ts";
import { openRegistryOf } from "./registry-of.ts";

export const PARTITIONS = 4;

/** The topics of the payments job from outside: what goes in, and what read_committed shows of what comes out. */
export class PaymentsTopics {
  readonly registry: SchemaRegistry;
  readonly #log: LogAccess;
  readonly #job: PaymentsJob;
  readonly #source: TopicCodec;

  private constructor(log: LogAccess, job: PaymentsJob, registry: SchemaRegistry, source: TopicCodec) {
    this.#log = log;
    this.#job = job;
    this.registry = registry;
    this.#source = source;
  }

  /** Makes the source. */
  static async open(log: LogAccess, job: PaymentsJob): Promise<PaymentsTopics> {
    const registry = await openRegistryOf(topicsOf(job));
    const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const;
    await log.ensureTopics([{ topic: job.source.name, partitions: PARTITIONS, config }]);
    return new PaymentsTopics(log, job, registry, await TopicCodec.open(job.source, registry));
  }

  /** With timestamps of now, unlike the event times: by older ones a broker that restarts forgets whose writes it has, and takes a repeated one again. */
  async produce(payments: readonly Payment[]): Promise<void> {
    const timestampMs = Date.now();
    const partitions = Map.groupBy(
      payments.map((each): ProducerRecord => this.#source.encode(each, { timestampMs })),
      ({ key }) => partitionOf(key!, PARTITIONS),
    );
    await this.#log.produce(
      [...partitions].map(([partition, records]) => ({ topic: this.#job.source.name, partition, records })),
    );
  }

  /** Sorted; an id is there as often as its payment. */
  async idsIn(topic: "source" | "copies" | "late"): Promise<readonly number[]> {
    return (await this.#read(this.#job[topic]))
      .map(({ value }) => (value as Payment).id)
      .sort((left, right) => left - right);
  }

  /** All values of each shop and hour, in their order. */
  async hours(): Promise<ReadonlyMap<string, readonly ShopHour[]>> {
    const all = (await this.#read(this.#job.hours)) as { key: string; value: ShopHour }[];
    const grouped = Map.groupBy(all, ({ key, value }) => hourId(key, value.windowStartMs));
    return new Map([...grouped].map(([id, updates]) => [id, updates.map(({ value }) => value)]));
  }

  async #read(topic: TopicDefinition) {
    const codec = await TopicCodec.open(topic, this.registry);
    const found = (await this.#log.describeTopics()).find((each) => each.topic === topic.name)!;
    const all = [];
    for (let partition = 0; partition < found.partitions; partition++) {
      for (const each of await readPartition(this.#log, { topic: topic.name, partition }))
        all.push(await codec.decode(each));
    }
    return all;
  }
}
