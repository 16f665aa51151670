import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { SchemaRegistry as OtherClient } from "@kafkajs/confluent-schema-registry";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openConfluentRegistry } from "../../schemas/confluent-registry.ts";
import type { Schema } from "../../schemas/schema.ts";
import { createValueSerde } from "../../schemas/value-serde.ts";
import { type RunningRegistry, startRegistry } from "../../scripts/kafka/start-registry.ts";
import { canStartRegistry } from "./broker-for-tests.ts";

interface Visit {
  readonly page: string;
  readonly seconds: number;
}

const visit: Schema<Visit> = {
  avro: {
    type: "record",
    name: "Visit",
    namespace: "test",
    fields: [
      { name: "page", type: "string" },
      { name: "seconds", type: "int" },
    ],
  },
};

describe.skipIf(!(await canStartRegistry()))("a schema registry", () => {
  let folder: string;
  let running: RunningRegistry;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "mulgil-registry-"));
    running = await startRegistry({ dir: folder });
  }, 180_000);
  afterAll(async () => {
    await running?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  it("lets another Confluent client read what Mulgil writes, and the reverse", async () => {
    const registry = await openConfluentRegistry({ url: running.url });
    const serde = await createValueSerde({ schema: visit, topic: "visits", registry });
    const other = new OtherClient({ host: running.url });
    expect({ ...(await other.decode(serde.encode({ page: "/", seconds: 3 }))) }).toEqual({ page: "/", seconds: 3 });

    const { id } = await other.register({ type: "AVRO", schema: JSON.stringify(visit.avro) } as never, {
      subject: "others-value",
    });
    const bytes = await other.encode(id, { page: "/cards", seconds: 8 });
    await serde.load(serde.missingId(bytes) ?? id);
    expect(serde.decode(bytes)).toEqual({ page: "/cards", seconds: 8 });
  });

  it("refuses what the registry finds incompatible", async () => {
    const registry = await openConfluentRegistry({ url: running.url });
    await registry.register("rules-value", visit.avro);
    await expect(registry.register("rules-value", "int")).rejects.toMatchObject({ code: "SCHEMA_INCOMPATIBLE" });
    expect((await registry.versions("rules-value")).map(({ version }) => version)).toEqual([1]);
  });

  it("has its schemas after a restart", async () => {
    const before = await openConfluentRegistry({ url: running.url });
    const id = await before.register("kept-value", visit.avro);
    await running.stop();
    expect(await before.schemaById(id)).toEqual(visit.avro);
    running = await startRegistry({ dir: folder });
    const after = await openConfluentRegistry({ url: running.url });
    expect(await after.register("kept-value", visit.avro)).toBe(id);
    expect(await after.schemaById(id)).toEqual(visit.avro);
  });
});
