import type { ConfluentRegistryOptions } from "../../../schemas/registry-requests.ts";
import { ConfigError, type Issue } from "../../errors/errors.ts";
import type { KafkaConnection } from "./kafka-connection.ts";
import type { KafkaTuning } from "./kafka-tuning.ts";
import { compressionBits } from "./protocol/compression.ts";
import { type RegistryVariables, registryFrom } from "./registry-settings.ts";
import { saslFrom, tlsFrom } from "./security-settings.ts";

/** How brokers are reached, as it stands in environment variables and files. Secrets are better kept in files. */
export interface KafkaVariables extends RegistryVariables {
  /** `host:port`, several by commas. */
  readonly MULGIL_KAFKA?: string | undefined;
  /** "1" for TLS with the authorities of the machine. */
  readonly MULGIL_KAFKA_TLS?: string | undefined;
  /** PEM file of the authorities to trust; means TLS. */
  readonly MULGIL_KAFKA_CA_FILE?: string | undefined;
  /** PEM files that show the brokers who this is; mean TLS. */
  readonly MULGIL_KAFKA_CERT_FILE?: string | undefined;
  readonly MULGIL_KAFKA_KEY_FILE?: string | undefined;
  /** "plain", "scram-sha-256", "scram-sha-512" or "oauthbearer". */
  readonly MULGIL_KAFKA_SASL?: string | undefined;
  readonly MULGIL_KAFKA_USER?: string | undefined;
  readonly MULGIL_KAFKA_PASSWORD?: string | undefined;
  readonly MULGIL_KAFKA_PASSWORD_FILE?: string | undefined;
  /** Read again whenever a connection needs a token. */
  readonly MULGIL_KAFKA_TOKEN_FILE?: string | undefined;
  /** Copies of each partition of topics that are made. */
  readonly MULGIL_KAFKA_REPLICATION_FACTOR?: string | undefined;
  /** "none", "gzip" or "zstd", of what is written. */
  readonly MULGIL_KAFKA_COMPRESSION?: string | undefined;
  /** How long calls go on trying while brokers are away. */
  readonly MULGIL_KAFKA_PATIENCE_MS?: string | undefined;
  /** How long an answer may take before it is asked again. */
  readonly MULGIL_KAFKA_REQUEST_TIMEOUT_MS?: string | undefined;
}

/** What the variables say. Secrets are in here: never print it. */
export interface KafkaSettings extends KafkaTuning {
  readonly connection: KafkaConnection;
  /** If an address of a registry is named. */
  readonly registry?: ConfluentRegistryOptions;
}

/** Fetches wait at the broker for a fifth of a second. */
const REQUEST_TIMEOUT_MIN_MS = 1_000;
/** Of timers. */
const WHOLE_MAX = 2 ** 31 - 1;
const ADDRESS = /^[^\s:,]+:\d{1,5}$/;

/** Undefined if no broker is named. @throws {ConfigError} KAFKA_… and REGISTRY_ADDRESS with every mistake; no secret is in it */
export async function kafkaSettingsFrom(variables: KafkaVariables): Promise<KafkaSettings | undefined> {
  if (variables.MULGIL_KAFKA === undefined || variables.MULGIL_KAFKA === "") return undefined;
  const issues: Issue[] = [];
  const brokers = brokersFrom(variables.MULGIL_KAFKA, issues);
  const tls = await tlsFrom(variables, issues);
  const sasl = await saslFrom(variables, issues);
  const requestTimeoutMs = wholeFrom("MULGIL_KAFKA_REQUEST_TIMEOUT_MS", variables, REQUEST_TIMEOUT_MIN_MS, issues);
  const tuning = tuningFrom(variables, issues);
  const registry = await registryFrom(variables, issues);
  if (issues.length > 0) throw new ConfigError("Kafka and its schema registry are not configured well:", issues);
  const connection = {
    brokers,
    ...(tls !== undefined && { tls }),
    ...(sasl !== undefined && { sasl }),
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
  };
  return { connection, ...tuning, ...(registry !== undefined && { registry }) };
}

function brokersFrom(text: string, issues: Issue[]): readonly string[] {
  const brokers = text.split(",").map((broker) => broker.trim());
  for (const broker of brokers.filter((each) => !ADDRESS.test(each))) {
    issues.push({
      code: "KAFKA_ADDRESS",
      at: "MULGIL_KAFKA",
      message: `"${broker}" is no address: write host:port, several by commas`,
    });
  }
  return brokers;
}

function tuningFrom(variables: KafkaVariables, issues: Issue[]): KafkaTuning {
  const replicationFactor = wholeFrom("MULGIL_KAFKA_REPLICATION_FACTOR", variables, 1, issues);
  const patienceMs = wholeFrom("MULGIL_KAFKA_PATIENCE_MS", variables, 1, issues);
  const compression = compressionFrom(variables, issues);
  return {
    ...(replicationFactor !== undefined && { replicationFactor }),
    ...(patienceMs !== undefined && { patienceMs }),
    ...(compression !== undefined && { compression }),
  };
}

function wholeFrom(
  name: "MULGIL_KAFKA_REPLICATION_FACTOR" | "MULGIL_KAFKA_PATIENCE_MS" | "MULGIL_KAFKA_REQUEST_TIMEOUT_MS",
  variables: KafkaVariables,
  min: number,
  issues: Issue[],
): number | undefined {
  const text = variables[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= WHOLE_MAX) return value;
  issues.push({
    code: "KAFKA_NUMBER",
    at: name,
    message: `"${text}" does not fit: give a whole number from ${min} to ${WHOLE_MAX}`,
  });
  return undefined;
}

function compressionFrom({ MULGIL_KAFKA_COMPRESSION: text }: KafkaVariables, issues: Issue[]) {
  const known = Object.keys(compressionBits) as (keyof typeof compressionBits)[];
  const found = known.find((each) => each === text);
  if (text !== undefined && found === undefined)
    issues.push({
      code: "KAFKA_COMPRESSION",
      at: "MULGIL_KAFKA_COMPRESSION",
      message: `"${text}" is not known, or Mulgil cannot write it: use one of ${known.join(", ")}`,
    });
  return found;
}
