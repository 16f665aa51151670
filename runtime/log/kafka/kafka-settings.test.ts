import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../errors/errors.ts";
import { kafkaConnectionFrom } from "./kafka-settings.ts";

describe("kafkaConnectionFrom", () => {
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
    expect(await kafkaConnectionFrom({})).toBeUndefined();
    expect(await kafkaConnectionFrom({ MULGIL_KAFKA: "" })).toBeUndefined();
  });

  it("takes addresses by commas", async () => {
    expect(await kafkaConnectionFrom({ MULGIL_KAFKA: "a:9092, b.example:9093" })).toEqual({
      brokers: ["a:9092", "b.example:9093"],
    });
  });

  it("reads certificates and a password from files", async () => {
    const connection = await kafkaConnectionFrom({
      MULGIL_KAFKA: "a:9092",
      MULGIL_KAFKA_CA_FILE: await file("ca", "CA"),
      MULGIL_KAFKA_CERT_FILE: await file("cert", "CERT"),
      MULGIL_KAFKA_KEY_FILE: await file("key", "KEY"),
      MULGIL_KAFKA_SASL: "scram-sha-512",
      MULGIL_KAFKA_USER: "me",
      MULGIL_KAFKA_PASSWORD_FILE: await file("password", "secret\n"),
    });
    expect(connection).toEqual({
      brokers: ["a:9092"],
      tls: { ca: "CA", cert: "CERT", key: "KEY" },
      sasl: { mechanism: "scram-sha-512", username: "me", password: "secret" },
    });
  });

  it("reads a token whenever it is needed", async () => {
    const token = await file("token", "one\n");
    const connection = await kafkaConnectionFrom({
      MULGIL_KAFKA: "a:9092",
      MULGIL_KAFKA_SASL: "oauthbearer",
      MULGIL_KAFKA_TOKEN_FILE: token,
    });
    if (connection?.sasl?.mechanism !== "oauthbearer") throw new Error("another mechanism");
    expect(await connection.sasl.token()).toBe("one");
    await writeFile(token, "two");
    expect(await connection.sasl.token()).toBe("two");
  });

  it("tells all mistakes at once, and no secret", async () => {
    const call = kafkaConnectionFrom({
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
});
