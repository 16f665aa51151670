import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KafkaLog } from "../../runtime/log/kafka/kafka-log.ts";
import { type KafkaVariables, kafkaSettingsFrom } from "../../runtime/log/kafka/kafka-settings.ts";
import { readPartition } from "../../runtime/log/read-partition.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { batch, codeOf, textOf } from "../contract/log-under-test.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";

const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 1_000 } as const;
const START_MAX_MS = 120_000;

describe.skipIf(!(await canStartKafka()))("Kafka over TLS with user and password", () => {
  let kafka: RunningKafka;
  let folder: string;
  let variables: KafkaVariables;
  beforeAll(async () => {
    kafka = await startTestKafka({ sasl: true });
    folder = await mkdtemp(path.join(os.tmpdir(), "mulgil-security-"));
    const passwordFile = path.join(folder, "password");
    await writeFile(passwordFile, `${kafka.sasl!.password}\n`);
    variables = {
      MULGIL_KAFKA: kafka.sasl!.bootstrap,
      MULGIL_KAFKA_CA_FILE: kafka.sasl!.caFile,
      MULGIL_KAFKA_USER: kafka.sasl!.username,
      MULGIL_KAFKA_PASSWORD_FILE: passwordFile,
    };
  }, START_MAX_MS);
  afterAll(async () => {
    await kafka?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  async function open(more: KafkaVariables): Promise<KafkaLog> {
    const settings = await kafkaSettingsFrom({ ...variables, ...more });
    return new KafkaLog({ ...settings!, patienceMs: 5_000 });
  }

  it.each(["plain", "scram-sha-256", "scram-sha-512"])("writes and reads with %s", async (mechanism) => {
    const log = await open({ MULGIL_KAFKA_SASL: mechanism });
    const topic = `secured-${randomUUID()}`;
    await log.ensureTopics([{ topic, partitions: 1, config }]);
    const producer = await log.openTransactionalProducer(topic);
    await producer.begin();
    await producer.produce([batch(topic, 0, "secret")]);
    await producer.commit();
    expect((await readPartition(log, { topic, partition: 0 })).map(textOf)).toEqual(["secret"]);
    await log.close();
  });

  it("says that the credentials are wrong, and shows none of them", async () => {
    const log = await open({
      MULGIL_KAFKA_SASL: "plain",
      MULGIL_KAFKA_PASSWORD_FILE: undefined,
      MULGIL_KAFKA_PASSWORD: "not-the-password",
    });
    const refused: unknown = await log.describeTopics().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "LOG_AUTHENTICATION" });
    expect(String((refused as Error).stack)).not.toContain("not-the-password");
    await log.close();
  });

  it("does not talk to a broker whose certificate it does not trust", async () => {
    const log = await open({ MULGIL_KAFKA_SASL: "plain", MULGIL_KAFKA_CA_FILE: undefined, MULGIL_KAFKA_TLS: "1" });
    expect(await codeOf(log.describeTopics())).toBe("LOG_UNREACHABLE");
    await log.close();
  });
});
