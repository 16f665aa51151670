import type { KafkaOptions } from "../../runtime/worker/open-kafka.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { variables } from "./variables.ts";

/**
 * How Kafka is reached, from the options and the environment; undefined if no broker is named.
 * @throws {ConfigError} KAFKA_… if the connection is not configured well
 * @throws {MulgilError} REGISTRY_MISSING if no schema registry is named
 */
export async function kafkaOptions(options: {
  readonly kafka?: string;
  readonly registry?: string;
}): Promise<KafkaOptions | undefined> {
  if (options.kafka === undefined) return undefined;
  const { kafkaSettingsFrom } = await import("../../runtime/log/kafka/kafka-settings.ts");
  const named = { MULGIL_KAFKA: options.kafka, MULGIL_REGISTRY: options.registry };
  const settings = await kafkaSettingsFrom({ ...variables.kafkaSettings, ...named });
  if (settings === undefined) return undefined;
  const { registry } = settings;
  if (registry === undefined) {
    throw new MulgilError(
      "values on Kafka carry the id of their schema, and no schema registry is named: give --registry URL, or set MULGIL_REGISTRY",
      { code: "REGISTRY_MISSING" },
    );
  }
  return { ...settings, registry };
}
