import fc from "fast-check";
import { MemoryLevel } from "memory-level";
import { describe, expect, it } from "vitest";
import { avroNodeOf } from "./avro-node.ts";
import { avroTypeOf } from "./avro-type.ts";
import { Decimal } from "./decimal.ts";
import { openEmbeddedRegistry } from "./embedded-registry.ts";
import type { SchemaRegistry } from "./registry.ts";
import type { AvroJson, Schema } from "./schema.ts";
import { recordSchemas, valuesOf } from "./schema-arbitraries.ts";
import { createGenericDecoder, createValueDecoder, createValueSerde } from "./value-serde.ts";

interface Payment {
  id: string;
  amount: Decimal;
  note?: string;
  data: Buffer;
}

const fields = [
  { name: "id", type: "string" },
  { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 } },
  { name: "note", type: "string", default: "none" },
  { name: "data", type: "bytes" },
];
const schema: Schema<Payment> = { avro: { type: "record", name: "Payment", fields } };
const newer: Schema<Payment & { region: string }> = {
  avro: { type: "record", name: "Payment", fields: [{ name: "region", type: "string", default: "KR" }, ...fields] },
};
const payment: Payment = { id: "p-1", amount: Decimal.of("12.30"), data: Buffer.from([1, 2, 3]) };
const registryInMemory = (): Promise<SchemaRegistry> => openEmbeddedRegistry(new MemoryLevel<string, string>());
const code = (expected: string, text = "") =>
  expect.objectContaining({ code: expected, message: expect.stringContaining(text) });

describe("the value serde", () => {
  it("writes Confluent's frame and reads it back, with defaults", async () => {
    const registry = await registryInMemory();
    const serde = await createValueSerde({ schema, topic: "payments", registry });
    const bytes = serde.encode(payment);
    expect([...bytes.subarray(0, 5)]).toEqual([0, 0, 0, 0, 1]);
    expect(bytes.subarray(5)).toEqual(avroTypeOf(schema.avro).toBuffer(payment));
    expect(serde.missingId(bytes)).toBeUndefined();
    expect(serde.decode(bytes)).toEqual({ ...payment, note: "none" });
    expect(await registry.subjects()).toEqual(["payments-value"]);
  });

  it("keeps what it encoded, over many slabs and values larger than one", async () => {
    const serde = await createValueSerde<string>({
      schema: { avro: "string" },
      topic: "t",
      registry: await registryInMemory(),
    });
    const texts = fc
      .sample(fc.string({ maxLength: 50 }), { numRuns: 300, seed: 1 })
      .flatMap((text, index) => [text.repeat(index), "x".repeat((index * 7919) % 70_000)]);
    const encoded = [...texts, "y".repeat(300_000), ""].map((text) => ({ text, bytes: serde.encode(text) }));
    for (const { text, bytes } of encoded) expect(serde.decode(bytes) === text).toBe(true);
  });

  it("encodes any value of any schema", async () => {
    const registry = await registryInMemory();
    let topics = 0;
    await fc.assert(
      fc.asyncProperty(recordSchemas, fc.gen(), async (avro, generate) => {
        const serde = await createValueSerde<unknown>({ schema: { avro }, topic: `t${topics++}`, registry });
        const bytes = serde.encode(generate(valuesOf, avroNodeOf(avro)));
        expect(serde.encode(serde.decode(bytes))).toEqual(bytes);
        const end = fc.sample(fc.integer({ min: 0, max: bytes.length - 1 }), { numRuns: 1, seed: topics })[0]!;
        if (bytes.length > 5)
          expect(() => serde.decode(bytes.subarray(0, end))).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/^VALUE_/) }),
          );
      }),
      { numRuns: 300 },
    );
  });

  it("names the fields that do not fit", async () => {
    const serde = await createValueSerde({ schema, topic: "payments", registry: await registryInMemory() });
    const wrong = { ...payment, amount: Decimal.of("1.234"), id: undefined as unknown as string };
    expect(() => serde.encode(wrong)).toThrow(
      code("VALUE_INVALID", 'schema "Payment": id: expected a string, found nothing; amount: expected a Decimal'),
    );
    expect(serde.decode(serde.encode(payment)).id).toBe("p-1");
  });

  it("tells apart what is not framed, not loaded and not decodable", async () => {
    const serde = await createValueSerde({ schema, topic: "payments", registry: await registryInMemory() });
    const bytes = serde.encode(payment);
    for (const unframed of [Buffer.alloc(0), Buffer.from('{"id":1}'), bytes.subarray(0, 4)]) {
      expect(serde.missingId(unframed)).toBeUndefined();
      expect(() => serde.decode(unframed)).toThrow(code("VALUE_NOT_FRAMED"));
    }
    const other = Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), bytes.subarray(5)]);
    expect(serde.missingId(other)).toBe(7);
    expect(() => serde.decode(other)).toThrow(code("SCHEMA_UNKNOWN_ID", "await load"));
    expect(() => serde.decode(bytes.subarray(0, -1))).toThrow(code("VALUE_UNDECODABLE", "too early"));
    expect(() => serde.decode(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(
      code("VALUE_UNDECODABLE", "1 bytes are left over"),
    );
    expect(serde.decode(bytes).id).toBe("p-1");
  });

  it("never hangs or crashes on garbage", async () => {
    const avro: AvroJson = {
      type: "record",
      name: "Tree",
      fields: [
        { name: "children", type: { type: "array", items: ["Tree", "null"] } },
        { name: "tags", type: { type: "map", values: "bytes" } },
        {
          name: "amounts",
          type: { type: "array", items: { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 } },
        },
      ],
    };
    const serde = await createValueSerde<unknown>({ schema: { avro }, topic: "t", registry: await registryInMemory() });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (garbage) => {
        try {
          serde.decode(Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), garbage]));
        } catch (error) {
          expect(error).toMatchObject({ code: "VALUE_UNDECODABLE" });
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("reads what earlier and later versions wrote, once they are loaded", async () => {
    const registry = await registryInMemory();
    const before = await createValueSerde({ schema, topic: "payments", registry });
    const after = await createValueSerde({ schema: newer, topic: "payments", registry });
    const old = before.encode(payment);
    const recent = after.encode({ ...payment, region: "US" });
    for (const [serde, bytes] of [
      [after, old],
      [before, recent],
    ] as const) {
      const id = serde.missingId(bytes)!;
      expect(id).toBe(bytes.readInt32BE(1));
      await serde.load(id);
      expect(serde.missingId(bytes)).toBeUndefined();
    }
    expect(after.decode(old)).toEqual({ ...payment, note: "none", region: "KR" });
    expect(before.decode(recent)).toEqual({ ...payment, note: "none" });
    expect(after.decode(recent).region).toBe("US");
    expect(after.decode(old).region).toBe("KR");
  });

  it("remembers an unknown and an incompatible id, and says why it cannot read them", async () => {
    const registry = await registryInMemory();
    const serde = await createValueSerde({ schema, topic: "payments", registry });
    const foreignId = await registry.register("other-value", {
      type: "record",
      name: "Payment",
      fields: [{ name: "id", type: "long" }],
    });
    for (const [id, expected, text] of [
      [99, "SCHEMA_UNKNOWN_ID", "knows no schema 99"],
      [foreignId, "SCHEMA_INCOMPATIBLE", "Payment.id: long cannot"],
    ] as const) {
      const bytes = Buffer.from([0, 0, 0, 0, id, 2]);
      await serde.load(serde.missingId(bytes)!);
      expect(serde.missingId(bytes)).toBeUndefined();
      expect(() => serde.decode(bytes)).toThrow(code(expected, text));
    }
  });

  it("forgets a failure of the registry, so that loading can be tried again", async () => {
    const registry = await registryInMemory();
    let isDown = true;
    const flaky: SchemaRegistry = {
      register: (...given) => registry.register(...given),
      latest: (subject) => registry.latest(subject),
      versions: (subject) => registry.versions(subject),
      subjects: () => registry.subjects(),
      compatibilityOf: (subject) => registry.compatibilityOf(subject),
      schemaById: async (id) => {
        if (isDown) throw new Error("connection refused");
        return registry.schemaById(id);
      },
    };
    const bytes = (await createValueSerde({ schema, topic: "payments", registry })).encode(payment);
    const decoder = createValueDecoder({ schema, registry: flaky });
    await expect(decoder.load(1)).rejects.toThrow("connection refused");
    expect(decoder.missingId(bytes)).toBe(1);
    isDown = false;
    await decoder.load(1);
    expect(decoder.decode(bytes).id).toBe("p-1");
  });

  it("does not alias the buffer it reads", async () => {
    const serde = await createValueSerde({ schema, topic: "payments", registry: await registryInMemory() });
    const bytes = Buffer.from(serde.encode(payment));
    const value = serde.decode(bytes);
    bytes.fill(0xff);
    expect(value).toEqual({ ...payment, note: "none" });
  });
});

describe("decoders", () => {
  it("read only the chosen fields, also when a dropped one defines a name they need", async () => {
    const registry = await registryInMemory();
    const kind = { type: "enum", name: "Kind", symbols: ["A", "B"] };
    const avro: AvroJson = {
      type: "record",
      name: "n.T",
      fields: [
        { name: "a", type: kind },
        { name: "b", type: "string" },
        { name: "c", type: "Kind" },
      ],
    };
    const typed: Schema<{ a: string; b: string; c: string }> = { avro };
    const bytes = (await createValueSerde({ schema: typed, topic: "t", registry })).encode({
      a: "A",
      b: "skipped",
      c: "B",
    });
    const decoder = createValueDecoder({ schema: typed, registry, fields: ["c"] });
    await decoder.load(decoder.missingId(bytes)!);
    expect(decoder.decode(bytes)).toEqual({ c: "B" });
    expect(() => decoder.decode(Buffer.concat([bytes, bytes]))).toThrow(code("VALUE_UNDECODABLE"));
    expect(() => createValueDecoder({ schema: typed, registry, fields: ["d" as "a"] })).toThrow(
      code("SCHEMA_INVALID", "it has a, b, c"),
    );
  });

  it("read any topic with the schema it was written with", async () => {
    const registry = await registryInMemory();
    const bytes = (await createValueSerde({ schema, topic: "payments", registry })).encode(payment);
    const decoder = createGenericDecoder({ registry });
    await decoder.load(decoder.missingId(bytes)!);
    expect(decoder.decode(bytes)).toEqual({ ...payment, note: "none" });
    expect(decoder.avroOf(bytes)).toEqual(schema.avro);
  });
});
