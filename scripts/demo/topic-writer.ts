import { partitionOf } from "../../runtime/log/partitioner.ts";
import type { CleanupPolicy, LogAccess, ProducerRecord } from "../../runtime/log/port.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { Schema } from "../../schemas/schema.ts";
import { createValueSerde } from "../../schemas/value-serde.ts";

/** A topic of customers, as schemas/types/ has it. */
interface CustomerTopic<V> {
  readonly name: string;
  readonly value: Schema<V>;
  readonly partitions: number;
}

interface OfCustomer {
  readonly customerId: string;
}

export interface TopicWriter<V> {
  /** Resolves when they are in the log. */
  write(values: readonly V[], timestampMs: number): Promise<void>;
}

export interface TopicWriterOptions<V> {
  readonly log: LogAccess;
  readonly registry: SchemaRegistry;
  readonly topic: CustomerTopic<V>;
  readonly cleanupPolicy: CleanupPolicy;
}

const WEEK_MS = 7 * 86_400_000;

/** Makes the topic if it is missing. */
export async function openTopicWriter<V extends OfCustomer>(options: TopicWriterOptions<V>): Promise<TopicWriter<V>> {
  const { log, registry, cleanupPolicy } = options;
  const { name: topic, value: schema, partitions } = options.topic;
  const config = { cleanupPolicy, retentionMs: -1, deleteRetentionMs: WEEK_MS };
  await log.ensureTopics([{ topic, partitions, config }]);
  const serde = await createValueSerde({ schema, topic, registry });
  return {
    async write(values, timestampMs) {
      const batches = new Map<number, ProducerRecord[]>();
      for (const value of values) {
        const key = Buffer.from(value.customerId);
        const partition = partitionOf(key, partitions);
        const record = { key, value: serde.encode(value), timestampMs };
        batches.set(partition, [...(batches.get(partition) ?? []), record]);
      }
      if (batches.size > 0)
        await log.produce([...batches].map(([partition, records]) => ({ topic, partition, records })));
    },
  };
}
