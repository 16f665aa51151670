import fc from "fast-check";
import { MemoryLevel } from "memory-level";
import { describe, expect, expectTypeOf, it } from "vitest";
import { openEmbeddedRegistry } from "./embedded-registry.ts";
import { createAvroKeySerde, type KeySerde, keySerde, keyTypeOfField } from "./key-serde.ts";
import type { AvroJson, Schema } from "./schema.ts";

const roundTrips = <K>(serde: KeySerde<K>, keys: fc.Arbitrary<K>): void => {
  fc.assert(
    fc.property(keys, keys, (key, other) => {
      expect(serde.decode(serde.encode(key))).toEqual(key);
      expect(serde.token(key) === serde.token(other)).toBe(serde.encode(key).equals(serde.encode(other)));
    }),
  );
};
const hex = (bytes: Buffer): string => bytes.toString("hex");

describe("primitive keys", () => {
  it("have the bytes of Kafka's Java serializers", () => {
    expect(hex(keySerde("string").encode("가"))).toBe("eab080");
    expect(hex(keySerde("int").encode(-2))).toBe("fffffffe");
    expect(hex(keySerde("long").encode(-2))).toBe("fffffffffffffffe");
    expect(hex(keySerde("long").encode(2 ** 40 + 1))).toBe("0000010000000001");
    expect(hex(keySerde("double").encode(1.5))).toBe("3ff8000000000000");
    expect(hex(keySerde("bytes").encode(Buffer.from([1, 2])))).toBe("0102");
  });

  it("survive the wire, and have equal tokens exactly when they have equal bytes", () => {
    roundTrips(keySerde("string"), fc.string({ unit: "grapheme" }));
    roundTrips(keySerde("int"), fc.oneof(fc.integer(), fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31))));
    roundTrips(
      keySerde("long"),
      fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -1, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 32, -(2 ** 32))),
    );
    roundTrips(
      keySerde("double"),
      fc.double({ noNaN: true }).map((key) => key + 0),
    );
    roundTrips(
      keySerde("bytes"),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    );
  });

  it("agree with the platform on longs", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (key) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64BE(BigInt(key));
        expect(keySerde("long").encode(key)).toEqual(bytes);
      }),
    );
  });

  it("are refused where two of them would look like one, or one is no such key", () => {
    const invalid = expect.objectContaining({ code: "KEY_INVALID" });
    expect(() => keySerde("string").encode("\ud800")).toThrow(invalid);
    expect(() => keySerde("string").encode(1 as unknown as string)).toThrow(invalid);
    for (const key of [0.5, 2 ** 31, Number.NaN]) expect(() => keySerde("int").encode(key)).toThrow(invalid);
    for (const key of [0.5, 2 ** 53]) expect(() => keySerde("long").encode(key)).toThrow(invalid);
    expect(() => keySerde("double").encode(Number.NaN)).toThrow(invalid);
    expect(keySerde("double").encode(-0)).toEqual(keySerde("double").encode(0));
  });

  it("tell what they cannot read", () => {
    const undecodable = (text: string) =>
      expect.objectContaining({ code: "KEY_UNDECODABLE", message: expect.stringContaining(text) });
    expect(() => keySerde("string").decode(Buffer.from([0xff]))).toThrow(undecodable("declare the key as bytes"));
    expect(keySerde("string").decode(Buffer.from("\uFFFD"))).toBe("\uFFFD");
    expect(() => keySerde("int").decode(Buffer.alloc(8))).toThrow(undecodable("8 bytes instead of 4"));
    expect(() => keySerde("long").decode(Buffer.from("8000000000000000", "hex"))).toThrow(
      undecodable("beyond the safe integers"),
    );
  });

  it("have the type of their values", () => {
    expectTypeOf(keySerde("string")).toEqualTypeOf<KeySerde<string>>();
    expectTypeOf(keySerde("long")).toEqualTypeOf<KeySerde<number>>();
    expectTypeOf(keySerde("bytes")).toEqualTypeOf<KeySerde<Buffer>>();
  });

  it("do not alias the buffer they were read from", () => {
    const buffer = Buffer.from([1, 2]);
    const key = keySerde("bytes").decode(buffer);
    buffer.fill(0);
    expect([...key]).toEqual([1, 2]);
  });
});

describe("Avro keys", () => {
  const schema: Schema<{ customer: string; region?: string }> = {
    avro: { type: "record", name: "K", fields: [{ name: "customer", type: "string" }] },
  };

  it("are framed with the id of their schema", async () => {
    const registry = await openEmbeddedRegistry(new MemoryLevel<string, string>());
    const serde = await createAvroKeySerde({ schema, subject: "t-key", registry });
    expect(hex(serde.encode({ customer: "ab" }))).toBe("0000000001046162");
    expect(serde.decode(serde.encode({ customer: "ab" }))).toEqual({ customer: "ab" });
    expect(serde.token({ customer: "a" })).toBe(serde.token({ customer: "a" }));
    expect(serde.token({ customer: "a" })).not.toBe(serde.token({ customer: "b" }));
    expect(() => serde.encode({ customer: 3 as unknown as string })).toThrow(
      expect.objectContaining({ code: "KEY_INVALID" }),
    );
  });

  it("are read when an earlier version wrote them, and refused otherwise", async () => {
    const registry = await openEmbeddedRegistry(new MemoryLevel<string, string>());
    const old = await createAvroKeySerde({ schema, subject: "t-key", registry });
    const fields = [
      { name: "customer", type: "string" },
      { name: "region", type: "string", default: "" },
    ];
    const serde = await createAvroKeySerde({
      schema: { ...schema, avro: { type: "record", name: "K", fields } },
      subject: "t-key",
      registry,
    });
    expect(serde.decode(old.encode({ customer: "ab" }))).toEqual({ customer: "ab", region: "" });
    const undecodable = expect.objectContaining({ code: "KEY_UNDECODABLE" });
    for (const bytes of [
      Buffer.from("ab"),
      Buffer.from([0, 0, 0, 0, 9, 1]),
      Buffer.from([0, 0, 0, 0, 1, 8, 1]),
      Buffer.alloc(0),
    ]) {
      expect(() => serde.decode(bytes)).toThrow(undecodable);
    }
  });
});

describe("keyTypeOfField", () => {
  const avro: AvroJson = {
    type: "record",
    name: "bank.T",
    fields: [
      { name: "id", type: { type: "string", logicalType: "uuid" } },
      { name: "day", type: { type: "int", logicalType: "date" } },
      { name: "kind", type: { type: "enum", name: "E", symbols: ["A"] } },
      { name: "count", type: "int" },
      { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
      { name: "ratio", type: "double" },
      { name: "note", type: ["null", "string"] },
      { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 5, scale: 2 } },
    ],
  };

  it.each([
    ["id", "string"],
    ["day", "string"],
    ["kind", "string"],
    ["count", "int"],
    ["at", "long"],
    ["ratio", "double"],
  ])("makes %s a key of type %s", (field, type) => expect(keyTypeOfField(avro, field)).toBe(type));

  it.each([
    ["nmae", 'record "bank.T" has no field "nmae"; fields that can be the key: id, day, kind, count, at, ratio'],
    ["note", "a union may be null"],
    ["amount", "not a bytes"],
  ])("refuses %s", (field, message) => {
    expect(() => keyTypeOfField(avro, field)).toThrow(
      expect.objectContaining({ code: "TOPIC_KEY_FIELD", message: expect.stringContaining(message) }),
    );
  });

  it("refuses a value that is no record", () => {
    expect(() => keyTypeOfField("string", "id")).toThrow(expect.objectContaining({ code: "TOPIC_KEY_FIELD" }));
  });
});
