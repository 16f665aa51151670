import { readFile } from "node:fs/promises";
import { ConfigError, type Issue } from "../../errors/errors.ts";
import type { KafkaConnection, KafkaSasl, KafkaTls } from "./kafka-connection.ts";

/** How brokers are reached, as it stands in environment variables and files. Secrets are better kept in files. */
export interface KafkaVariables {
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
}

const ADDRESS = /^[^\s:,]+:\d{1,5}$/;
const PASSWORD_MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512"] as const;

/** Undefined if no broker is named. @throws {ConfigError} KAFKA_… with every mistake; no secret is in it */
export async function kafkaConnectionFrom(variables: KafkaVariables): Promise<KafkaConnection | undefined> {
  if (variables.MULGIL_KAFKA === undefined || variables.MULGIL_KAFKA === "") return undefined;
  const issues: Issue[] = [];
  const brokers = brokersFrom(variables.MULGIL_KAFKA, issues);
  const tls = await tlsFrom(variables, issues);
  const sasl = await saslFrom(variables, issues);
  if (issues.length > 0) throw new ConfigError("the connection to Kafka is not configured well:", issues);
  return { brokers, ...(tls !== undefined && { tls }), ...(sasl !== undefined && { sasl }) };
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

async function tlsFrom(variables: KafkaVariables, issues: Issue[]): Promise<KafkaTls | undefined> {
  const { MULGIL_KAFKA_TLS, MULGIL_KAFKA_CERT_FILE, MULGIL_KAFKA_KEY_FILE } = variables;
  if ((MULGIL_KAFKA_CERT_FILE === undefined) !== (MULGIL_KAFKA_KEY_FILE === undefined)) {
    issues.push({
      code: "KAFKA_TLS",
      at: "MULGIL_KAFKA_CERT_FILE",
      message: "a certificate needs its key in MULGIL_KAFKA_KEY_FILE, and the reverse",
    });
  }
  const ca = await contentOf("MULGIL_KAFKA_CA_FILE", variables, issues);
  const cert = await contentOf("MULGIL_KAFKA_CERT_FILE", variables, issues);
  const key = await contentOf("MULGIL_KAFKA_KEY_FILE", variables, issues);
  if (MULGIL_KAFKA_TLS !== "1" && ca === undefined && cert === undefined) return undefined;
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) };
}

async function saslFrom(variables: KafkaVariables, issues: Issue[]): Promise<KafkaSasl | undefined> {
  const { MULGIL_KAFKA_SASL: mechanism, MULGIL_KAFKA_USER: username, MULGIL_KAFKA_TOKEN_FILE: tokenFile } = variables;
  if (mechanism === undefined) return undefined;
  if (mechanism === "oauthbearer") {
    if (tokenFile !== undefined) return { mechanism, token: async () => (await readFile(tokenFile, "utf8")).trim() };
    issues.push({
      code: "KAFKA_SASL",
      at: "MULGIL_KAFKA_TOKEN_FILE",
      message: "oauthbearer needs a file with the token",
    });
    return undefined;
  }
  const known = PASSWORD_MECHANISMS.find((each) => each === mechanism);
  if (known === undefined) {
    const list = [...PASSWORD_MECHANISMS, "oauthbearer"].join(", ");
    issues.push({
      code: "KAFKA_SASL",
      at: "MULGIL_KAFKA_SASL",
      message: `"${mechanism}" is not known: use one of ${list}`,
    });
    return undefined;
  }
  const password =
    (await contentOf("MULGIL_KAFKA_PASSWORD_FILE", variables, issues))?.trim() ?? variables.MULGIL_KAFKA_PASSWORD;
  if (username === undefined || password === undefined) {
    issues.push({
      code: "KAFKA_SASL",
      at: "MULGIL_KAFKA_USER",
      message: `${known} needs a user, and a password in MULGIL_KAFKA_PASSWORD_FILE or MULGIL_KAFKA_PASSWORD`,
    });
    return undefined;
  }
  return { mechanism: known, username, password };
}

async function contentOf(
  name: keyof KafkaVariables,
  variables: KafkaVariables,
  issues: Issue[],
): Promise<string | undefined> {
  const file = variables[name];
  if (file === undefined) return undefined;
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    issues.push({
      code: "KAFKA_FILE",
      at: name,
      message: `cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
    });
    return undefined;
  }
}
