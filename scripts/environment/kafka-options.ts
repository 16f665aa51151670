import type { KafkaLogOptions, KafkaOptions } from "../../runtime/worker/open-kafka.ts";
import { registryMissing } from "./missing-registry.ts";
import { variables } from "./variables.ts";

interface Named {
  readonly kafka?: string;
  readonly registry?: string;
}

/** How Kafka is reached, and the schema registry if one is named. */
export type KafkaLocation = KafkaLogOptions & Partial<Pick<KafkaOptions, "registry">>;

/**
 * How Kafka is reached, from the options and the environment; undefined if no broker is named.
 * @throws {ConfigError} KAFKA_… and REGISTRY_… if the connection is not configured well
 */
export async function kafkaLocation(options: Named): Promise<KafkaLocation | undefined> {
  if (options.kafka === undefined) return undefined;
  const { kafkaSettingsFrom } = await import("../../runtime/log/kafka/kafka-settings.ts");
  const named = { MULGIL_KAFKA: options.kafka, MULGIL_REGISTRY: options.registry };
  return await kafkaSettingsFrom({ ...variables.kafkaSettings, ...named });
}

/**
 * The same for those who cannot do without a registry.
 * @throws {ConfigError} KAFKA_… and REGISTRY_… if the connection is not configured well
 * @throws {MulgilError} REGISTRY_MISSING if no schema registry is named
 */
export async function kafkaOptions(options: Named): Promise<KafkaOptions | undefined> {
  const location = await kafkaLocation(options);
  if (location === undefined) return undefined;
  const { registry } = location;
  if (registry === undefined) throw registryMissing();
  return { ...location, registry };
}
