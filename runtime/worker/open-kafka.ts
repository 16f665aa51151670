import type { ConfluentRegistryOptions } from "../../schemas/confluent-registry.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { KafkaConnection } from "../log/kafka/kafka-connection.ts";
import type { Log } from "../log/port.ts";

/** How a job reaches Kafka and the schema registry beside it. */
export interface KafkaOptions {
  readonly connection: KafkaConnection;
  readonly registry: ConfluentRegistryOptions;
}

export interface OpenedKafka {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  close(): Promise<void>;
}

/** Opens the log on Kafka. The client is loaded by those who use it. */
export async function openKafka({ connection, registry }: KafkaOptions): Promise<OpenedKafka> {
  const [{ KafkaLog }, { openConfluentRegistry }] = await Promise.all([
    import("../log/kafka/kafka-log.ts"),
    import("../../schemas/confluent-registry.ts"),
  ]);
  const log = new KafkaLog({ connection });
  return { log, registry: await openConfluentRegistry(registry), close: () => log.close() };
}
