import { MemoryLevel } from "memory-level";
import { describe, expect, it } from "vitest";
import { openEmbeddedRegistry } from "./embedded-registry.ts";
import type { AvroJson } from "./schema.ts";

const record = (fields: Record<string, AvroJson>, rest: object = {}): AvroJson => ({
  type: "record",
  name: "Payment",
  fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
  ...rest,
});
const first = record({ id: "string" });
const second = record({ id: "string" }, { doc: "second" });

describe("the embedded registry", () => {
  it("gives an equal schema the id it has, whatever the order of its attributes and the subject", async () => {
    const registry = await openEmbeddedRegistry(new MemoryLevel<string, string>());
    const id = await registry.register("a-value", first);
    expect(await registry.register("a-value", Object.fromEntries(Object.entries(first as object).reverse()))).toBe(id);
    expect(await registry.register("b-value", first)).toBe(id);
    expect(await registry.register("a-value", second)).not.toBe(id);
    expect(await registry.register("a-value", first)).toBe(id);
    expect((await registry.versions("a-value")).map(({ version }) => version)).toEqual([1, 2]);
    expect(await registry.subjects()).toEqual(["a-value", "b-value"]);
  });

  it("tells schemas apart by attributes of ours", async () => {
    const registry = await openEmbeddedRegistry(new MemoryLevel<string, string>());
    const id = await registry.register("a-value", first);
    expect(await registry.register("a-value", record({ id: "string" }, { key: "id" }))).not.toBe(id);
  });

  it("answers by id, the latest and all versions, and nothing for what does not exist", async () => {
    const registry = await openEmbeddedRegistry(new MemoryLevel<string, string>());
    const id = await registry.register("a-value", first);
    const newer = await registry.register("a-value", second);
    expect(await registry.schemaById(id)).toEqual(first);
    expect(await registry.latest("a-value")).toEqual({ subject: "a-value", version: 2, id: newer, avro: second });
    expect(await registry.latest("b-value")).toBeUndefined();
    expect(await registry.versions("b-value")).toEqual([]);
    await expect(registry.schemaById(99)).rejects.toMatchObject({
      code: "SCHEMA_UNKNOWN_ID",
      message: expect.stringContaining("no schema 99"),
    });
  });

  it("remembers everything when it is opened again", async () => {
    const database = new MemoryLevel<Buffer, Buffer>({ keyEncoding: "buffer", valueEncoding: "buffer" });
    const before = await openEmbeddedRegistry(database);
    for (let version = 0; version < 12; version++)
      await before.register("a/b-value", record({ id: "string" }, { doc: String(version) }));
    const after = await openEmbeddedRegistry(database);
    expect(await after.versions("a/b-value")).toEqual(await before.versions("a/b-value"));
    expect(await after.register("a/b-value", record({ id: "string" }, { doc: "3" }))).toBe(4);
    expect(await after.register("a/b-value", record({ id: "string" }, { doc: "new" }))).toBe(13);
  });

  it("refuses a schema that cannot read the latest version, with every reason, and keeps nothing of it", async () => {
    const registry = await openEmbeddedRegistry(new MemoryLevel<string, string>());
    await registry.register("a-value", record({ id: "long", name: "string" }));
    await expect(registry.register("a-value", record({ id: "int", name: "string", age: "int" }))).rejects.toMatchObject(
      {
        code: "SCHEMA_INCOMPATIBLE",
        message: expect.stringMatching(
          /"a-value" cannot read what version 1 wrote; .*\n {2}Payment.id: long cannot.*\n {2}Payment.age: .*default/,
        ),
      },
    );
    expect(await registry.versions("a-value")).toHaveLength(1);
    await expect(registry.register("a-value", "nonsense")).rejects.toMatchObject({ code: "SCHEMA_INVALID" });
  });

  it("registers one after the other, so that concurrent calls agree", async () => {
    const registry = await openEmbeddedRegistry(new MemoryLevel<string, string>());
    const ids = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((each) => registry.register(`s${each % 2}-value`, each < 4 ? first : second)),
    );
    expect(ids).toEqual([1, 1, 1, 1, 2, 2]);
    expect(await registry.versions("s0-value")).toHaveLength(2);
  });

  it("knows nothing of a schema whose write failed, and can register it later", async () => {
    const database = new MemoryLevel<string, string>();
    const registry = await openEmbeddedRegistry(database);
    await database.close();
    await expect(registry.register("a-value", first)).rejects.toMatchObject({ code: "LEVEL_DATABASE_NOT_OPEN" });
    expect(await registry.latest("a-value")).toBeUndefined();
    await database.open();
    expect(await registry.register("a-value", first)).toBe(1);
  });

  it("is not changed by what a caller does with its schema later", async () => {
    const registry = await openEmbeddedRegistry(new MemoryLevel<string, string>());
    const schema = { type: "record", name: "T", fields: [{ name: "x", type: "int" }] };
    const id = await registry.register("a-value", schema);
    schema.fields.pop();
    expect(await registry.schemaById(id)).toMatchObject({ fields: [{ name: "x" }] });
  });
});
