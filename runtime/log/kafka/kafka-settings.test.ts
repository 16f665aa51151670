import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../errors/errors.ts";
import { kafkaSettingsFrom } from "./kafka-settings.ts";

describe("kafkaSettingsFrom", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "mulgil-settings-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const file = async (name: string, content: string) => {
    const where = path.join(folder, name);
    await writeFile(where, content);
    return where;
  };

  it("names no broker where none is set", async () => {
    expect(await kafkaSettingsFrom({})).toBeUndefined();
    expect(await kafkaSettingsFrom({ MULGIL_KAFKA: "" })).toBeUndefined();
  });

  it("takes addresses by commas", async () => {
    expect(await kafkaSettingsFrom({ MULGIL_KAFKA: "a:9092, b.example:9093" })).toEqual({
      connection: { brokers: ["a:9092", "b.example:9093"] },
    });
  });

  it("reads certificates and a password from files", async () => {
    const settings = await kafkaSettingsFrom({
      MULGIL_KAFKA: "a:9092",
      MULGIL_KAFKA_CA_FILE: await file("ca", "CA"),
      MULGIL_KAFKA_CERT_FILE: await file("cert", "CERT"),
      MULGIL_KAFKA_KEY_FILE: await file("key", "KEY"),
      MULGIL_KAFKA_SASL: "scram-sha-512",
      MULGIL_KAFKA_USER: "me",
      MULGIL_KAFKA_PASSWORD_FILE: await file("password", "secret\n"),
    });
    expect(settings?.connection).toEqual({
      brokers: ["a:9092"],
      tls: { ca: "CA", cert: "CERT", key: "KEY" },
      sasl: { mechanism: "scram-sha-512", username: "me", password: "secret" },
    });
  });

  it("reads a token whenever it is needed", async () => {
    const token = await file("token", "one\n");
    const settings = await kafkaSettingsFrom({
      MULGIL_KAFKA: "a:9092",
      MULGIL_KAFKA_SASL: "oauthbearer",
      MULGIL_KAFKA_TOKEN_FILE: token,
    });
    const sasl = settings?.connection.sasl;
    if (sasl?.mechanism !== "oauthbearer") throw new Error("another mechanism");
    expect(await sasl.token()).toBe("one");
    await writeFile(token, "two");
    expect(await sasl.token()).toBe("two");
  });

  it("tells all mistakes at once, and no secret", async () => {
    const call = kafkaSettingsFrom({
      MULGIL_KAFKA: "a:9092,b",
      MULGIL_KAFKA_CERT_FILE: path.join(folder, "nothing"),
      MULGIL_KAFKA_SASL: "gssapi",
      MULGIL_KAFKA_PASSWORD: "secret",
    });
    const error = await call.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).issues.map(({ code, at }) => [code, at])).toEqual([
      ["KAFKA_ADDRESS", "MULGIL_KAFKA"],
      ["KAFKA_TLS", "MULGIL_KAFKA_CERT_FILE"],
      ["KAFKA_FILE", "MULGIL_KAFKA_CERT_FILE"],
      ["KAFKA_SASL", "MULGIL_KAFKA_SASL"],
    ]);
    expect(String(error)).not.toContain("secret");
  });

  it("reads what is asked of the brokers", async () => {
    expect(
      await kafkaSettingsFrom({
        MULGIL_KAFKA: "a:9092",
        MULGIL_KAFKA_REPLICATION_FACTOR: "3",
        MULGIL_KAFKA_COMPRESSION: "zstd",
        MULGIL_KAFKA_PATIENCE_MS: "30000",
        MULGIL_KAFKA_REQUEST_TIMEOUT_MS: "5000",
      }),
    ).toEqual({
      connection: { brokers: ["a:9092"], requestTimeoutMs: 5_000 },
      ...{ replicationFactor: 3, compression: "zstd", patienceMs: 30_000 },
    });
  });

  it("reads how the schema registry is reached, and its password whenever it is asked for", async () => {
    const passwordFile = await file("password", "secret\n");
    const settings = await kafkaSettingsFrom({
      MULGIL_KAFKA: "a:9092",
      MULGIL_REGISTRY: "https://registry.example/apis",
      MULGIL_REGISTRY_USER: "me",
      MULGIL_REGISTRY_PASSWORD_FILE: passwordFile,
      MULGIL_REGISTRY_CA_FILE: await file("ca", "CA"),
    });
    expect(settings?.registry).toEqual({
      url: "https://registry.example/apis",
      auth: { username: "me", password: expect.any(Function) },
      ca: "CA",
    });
    const password = settings?.registry?.auth?.password as () => Promise<string>;
    expect(await password()).toBe("secret");
    await file("password", "another\n");
    expect(await password()).toBe("another");
  });

  it.each([
    ["KAFKA_NUMBER", { MULGIL_KAFKA_REPLICATION_FACTOR: "0" }],
    ["KAFKA_NUMBER", { MULGIL_KAFKA_PATIENCE_MS: "2 minutes" }],
    ["KAFKA_NUMBER", { MULGIL_KAFKA_REQUEST_TIMEOUT_MS: "10" }],
    ["KAFKA_COMPRESSION", { MULGIL_KAFKA_COMPRESSION: "lz4" }],
    ["REGISTRY_ADDRESS", { MULGIL_REGISTRY: "registry:8081/secret" }],
    ["REGISTRY_ADDRESS", { MULGIL_REGISTRY: "http://me:secret@registry:8081" }],
    ["REGISTRY_USER", { MULGIL_REGISTRY: "http://registry:8081", MULGIL_REGISTRY_USER: "me" }],
    ["REGISTRY_USER", { MULGIL_REGISTRY: "http://registry:8081", MULGIL_REGISTRY_PASSWORD: "secret" }],
    ["KAFKA_FILE", { MULGIL_REGISTRY: "http://registry:8081", MULGIL_REGISTRY_CA_FILE: "/nothing/there" }],
  ])("refuses with %s what it cannot use, and shows no secret: %o", async (code, variables) => {
    const error: unknown = await kafkaSettingsFrom({ MULGIL_KAFKA: "a:9092", ...variables }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).issues.map((issue) => issue.code)).toEqual([code]);
    expect(String(error)).not.toContain("secret");
  });
});
