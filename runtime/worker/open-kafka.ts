import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { ConfluentRegistryOptions } from "../../schemas/registry-requests.ts";
import type { KafkaConnection } from "../log/kafka/kafka-connection.ts";
import type { KafkaTuning } from "../log/kafka/kafka-tuning.ts";
import type { LogTroubles } from "../log/log-troubles.ts";
import type { Log } from "../log/port.ts";

/** How Kafka is reached, and what is asked of the brokers. */
export interface KafkaLogOptions extends KafkaTuning {
  readonly connection: KafkaConnection;
}

/** How a job reaches Kafka and the schema registry beside it, and what it asks of the brokers. */
export interface KafkaOptions extends KafkaLogOptions {
  readonly registry: ConfluentRegistryOptions;
}

export interface OpenedKafka extends OpenedKafkaLog {
  readonly registry: SchemaRegistry;
}

export interface OpenedKafkaLog {
  readonly log: Log;
  /** Counted since it was opened. */
  readonly troubles?: LogTroubles;
  close(): Promise<void>;
}

/** Brokers that go away are waited for much longer; one that never answered is more likely a wrong address. */
const FIRST_ANSWER_MAX_MS = 10_000;

/**
 * Opens the log on Kafka, once its brokers have answered, and the registry, which is not asked yet.
 * @throws {MulgilError} LOG_UNREACHABLE, within seconds, if no broker answers
 */
export async function openKafka({ registry, ...options }: KafkaOptions): Promise<OpenedKafka> {
  const { openConfluentRegistry } = await import("../../schemas/confluent-registry.ts");
  return { registry: await openConfluentRegistry(registry), ...(await openKafkaLog(options)) };
}

/**
 * Opens the log on Kafka, once its brokers have answered. The client is loaded by those who use it.
 * @throws {MulgilError} LOG_UNREACHABLE, within seconds, if no broker answers
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<OpenedKafkaLog> {
  const { KafkaLog } = await import("../log/kafka/kafka-log.ts");
  const patienceMs = Math.min(FIRST_ANSWER_MAX_MS, options.patienceMs ?? FIRST_ANSWER_MAX_MS);
  const first = new KafkaLog({ ...options, patienceMs });
  try {
    await first.describeTopics();
  } finally {
    await first.close();
  }
  const log = new KafkaLog(options);
  const { troubles } = log;
  return { log, troubles, close: () => log.close() };
}
