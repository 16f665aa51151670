import { readFile } from "node:fs/promises";
import type { Issue } from "../../errors/errors.ts";
import type { KafkaSasl, KafkaTls } from "./kafka-connection.ts";
import type { KafkaVariables } from "./kafka-settings.ts";
import { contentOf } from "./setting-file.ts";

const PASSWORD_MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512"] as const;

export async function tlsFrom(variables: KafkaVariables, issues: Issue[]): Promise<KafkaTls | undefined> {
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

export async function saslFrom(variables: KafkaVariables, issues: Issue[]): Promise<KafkaSasl | undefined> {
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
