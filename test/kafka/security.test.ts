import { randomUUID } from "node:crypto";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KafkaLog } from "../../runtime/log/kafka/kafka-log.ts";
import { type KafkaVariables, kafkaSettingsFrom } from "../../runtime/log/kafka/kafka-settings.ts";
import { readPartition } from "../../runtime/log/read-partition.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { batch, codeOf, textOf } from "../contract/log-under-test.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import { type Authority, type Certificate, makeAuthority } from "./certificates.ts";
import { TokenAuthority } from "./token-authority.ts";

const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 1_000 } as const;
const START_MAX_MS = 120_000;

/** Sessions end so soon that the clients of a test have to show again who they are, several times. */
const SESSION_MS = 3_000;

describe.skipIf(!(await canStartKafka()))("Kafka over TLS", { timeout: 120_000 }, () => {
  let kafka: RunningKafka;
  let folder: string;
  let variables: KafkaVariables;
  let clients: Authority;
  let tokens: TokenAuthority;
  /** Whole from the first moment on: it may be read at any time. */
  const file = async (name: string, content: string) => {
    const where = path.join(folder, name);
    await writeFile(`${where}.new`, content);
    await rename(`${where}.new`, where);
    return where;
  };
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "mulgil-security-"));
    clients = makeAuthority("clients");
    tokens = new TokenAuthority(folder, "keys");
    const clientCaFile = await file("clients.pem", clients.cert);
    kafka = await startTestKafka({ sasl: true, clientCaFile, ...tokens.brokerOptions(SESSION_MS) });
    const passwordFile = await file("password", `${kafka.sasl!.password}\n`);
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

  async function open(more: KafkaVariables, patienceMs = 5_000): Promise<KafkaLog> {
    const settings = await kafkaSettingsFrom({ ...variables, ...more });
    return new KafkaLog({ ...settings!, patienceMs });
  }

  async function makeTopic(log: KafkaLog): Promise<string> {
    const topic = `secured-${randomUUID()}`;
    await log.ensureTopics([{ topic, partitions: 1, config }]);
    return topic;
  }

  async function expectToWork(log: KafkaLog): Promise<void> {
    const topic = await makeTopic(log);
    const producer = await log.openTransactionalProducer(topic);
    await producer.begin();
    await producer.produce([batch(topic, 0, "secret")]);
    await producer.commit();
    expect((await readPartition(log, { topic, partition: 0 })).map(textOf)).toEqual(["secret"]);
    await log.close();
  }

  /** Writes and reads for as long; without patience, so that a connection that is lost fails it. */
  async function expectToWorkFor(ms: number, more: KafkaVariables, onceConnected = async () => {}): Promise<void> {
    const maker = await open(more);
    const topic = await makeTopic(maker);
    // What brokers do at the first use takes patience.
    await maker.produce([batch(topic, 0, "first")]);
    await maker.close();
    const log = await open(more, 0);
    const reader = await log.openReader({ isolation: "read_committed" });
    reader.assign([{ topic, partition: 0, offset: 1 }]);
    const read: string[] = [];
    let written = 0;
    await log.produce([batch(topic, 0, String(written++))]);
    await onceConnected();
    const untilMs = Date.now() + ms;
    while (Date.now() < untilMs) {
      await log.produce([batch(topic, 0, String(written++))]);
      for (const { records } of await reader.poll(5_000)) read.push(...records.map((each) => textOf(each) ?? ""));
    }
    await expect
      .poll(
        async () => {
          for (const { records } of await reader.poll(0)) read.push(...records.map((each) => textOf(each) ?? ""));
          return read.length;
        },
        { timeout: 60_000 },
      )
      .toBe(written);
    expect(read).toEqual(Array.from({ length: written }, (_, index) => String(index)));
    await log.close();
  }

  it.each(["plain", "scram-sha-256", "scram-sha-512"])("writes and reads with %s", async (mechanism) => {
    await expectToWork(await open({ MULGIL_KAFKA_SASL: mechanism }));
  });

  it("shows again who it is before a session ends, on the connections that it has", async () => {
    await expectToWorkFor(3 * SESSION_MS, { MULGIL_KAFKA_SASL: "scram-sha-256" });
  });

  describe("with a certificate of the client", () => {
    const by = async ({ cert, key }: Certificate): Promise<KafkaVariables> => ({
      MULGIL_KAFKA: kafka.mutualTls!.bootstrap,
      MULGIL_KAFKA_CERT_FILE: await file("client.pem", cert),
      MULGIL_KAFKA_KEY_FILE: await file("client.key", key),
    });

    it("writes and reads", async () => {
      await expectToWork(await open(await by(clients.issue("a client"))));
    });

    it("is refused without one, and with one of another authority", async () => {
      const none = await open({ MULGIL_KAFKA: kafka.mutualTls!.bootstrap });
      expect(await codeOf(none.describeTopics())).toBe("LOG_UNREACHABLE");
      await none.close();
      const foreign = await open(await by(makeAuthority("others").issue("a stranger")));
      expect(await codeOf(foreign.describeTopics())).toBe("LOG_UNREACHABLE");
      await foreign.close();
    });
  });

  describe("with a token", () => {
    const by = async (token: string): Promise<KafkaVariables> => ({
      MULGIL_KAFKA_SASL: "oauthbearer",
      MULGIL_KAFKA_TOKEN_FILE: await file("token", `${token}\n`),
    });

    it("writes and reads", async () => {
      await expectToWork(await open(await by(tokens.token(3_600_000))));
    });

    it("goes on with the token that the file has by then, when the first one has expired", async () => {
      const validMs = 10_000;
      const withToken = await by(tokens.token(validMs));
      await expectToWorkFor(2 * validMs, withToken, async () => void (await by(tokens.token(3_600_000))));
    });

    it("says that it is refused when the token has ended, and the file has no other", async () => {
      const log = await open(await by(tokens.token(5_000)), 30_000);
      const topic = await makeTopic(log);
      let written: unknown;
      await expect
        .poll(
          async () => {
            written = await log.produce([batch(topic, 0, "more")]).catch((error: unknown) => error);
            return written instanceof Error;
          },
          { timeout: 60_000 },
        )
        .toBe(true);
      expect(written).toMatchObject({ code: "LOG_AUTHENTICATION" });
      await log.close();
    });

    it("is refused with one of another authority, and does not show it", async () => {
      const token = new TokenAuthority(folder, "other-keys").token(3_600_000);
      const log = await open(await by(token));
      const refused: unknown = await log.describeTopics().catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "LOG_AUTHENTICATION" });
      expect(inspect(refused, { depth: Infinity, showHidden: true })).not.toContain(token);
      await log.close();
    });
  });

  it("says that the credentials are wrong, and shows none of them", async () => {
    const log = await open({
      MULGIL_KAFKA_SASL: "plain",
      MULGIL_KAFKA_PASSWORD_FILE: undefined,
      MULGIL_KAFKA_PASSWORD: "not-the-password",
    });
    const refused: unknown = await log.describeTopics().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "LOG_AUTHENTICATION" });
    expect(inspect(refused, { depth: Infinity, showHidden: true })).not.toContain("not-the-password");
    await log.close();
  });

  it("does not talk to a broker whose certificate it does not trust", async () => {
    const log = await open({ MULGIL_KAFKA_SASL: "plain", MULGIL_KAFKA_CA_FILE: undefined, MULGIL_KAFKA_TLS: "1" });
    expect(await codeOf(log.describeTopics())).toBe("LOG_UNREACHABLE");
    await log.close();
  });
});
