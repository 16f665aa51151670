import avsc from "avsc";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { avroTypeOf, invalidPaths, valueInvalid } from "./avro-type.ts";
import { dateOfDays } from "./calendar-date.ts";
import { Decimal } from "./decimal.ts";
import type { AvroJson } from "./schema.ts";

const record = (type: AvroJson, rest: object = {}): AvroJson => ({
  type: "record",
  name: "R",
  fields: [{ name: "x", type, ...rest }],
});
const decimal = (precision: number, scale: number) => ({ type: "bytes", logicalType: "decimal", precision, scale });
const roundTrip = (schema: AvroJson, value: unknown): unknown => {
  const type = avroTypeOf(schema);
  return type.fromBuffer(type.toBuffer(value));
};

const varint = (bytes: Buffer): bigint => bytes.reduceRight((rest, byte) => (rest << 7n) | BigInt(byte & 0x7f), 0n);

describe("avroTypeOf", () => {
  it("builds a type once for each schema", () => {
    const schema = record("string");
    expect(avroTypeOf(schema)).toBe(avroTypeOf(schema));
    expect(avroTypeOf("string")).toBe(avroTypeOf("string"));
  });

  it("ignores attributes that Avro does not know", () => {
    const schema = {
      type: "record",
      name: "A",
      topic: "t",
      key: "x",
      partitions: 3,
      fields: [{ name: "x", type: "string", pii: "mask" }],
    };
    expect(roundTrip(schema, { x: "ㄱ" })).toEqual({ x: "ㄱ" });
  });

  it.each<[AvroJson, string]>([
    ["nonsense", "undefined type name"],
    [{ type: "record", name: "A", fields: [{ name: "x", type: "Missing" }] }, '("A"): undefined type name'],
    [record({ type: "bytes", logicalType: "decimal" }), "precision"],
    [record(decimal(2, 3)), "scale"],
    [record({ type: "int", logicalType: "decimal", precision: 2 }), "bytes"],
    [record({ type: "string", logicalType: "date" }), '"int"'],
    [record({ type: "bytes", logicalType: "uuid" }), '"string"'],
    [record("int", { default: "1" }), "incompatible field default"],
  ])("refuses the schema %j", (schema, message) => {
    expect(() => avroTypeOf(schema)).toThrow(
      expect.objectContaining({ code: "SCHEMA_INVALID", message: expect.stringContaining(message) }),
    );
  });
});

describe("decimals", () => {
  const bytes = avroTypeOf(decimal(60, 3));
  const fixed = avroTypeOf({ type: "fixed", name: "F", size: 26, logicalType: "decimal", precision: 60, scale: 3 });
  const unscaled = fc.oneof(
    fc.bigInt({ min: -70_000n, max: 70_000n }),
    fc.bigInt({ min: -(2n ** 56n), max: 2n ** 56n }),
    fc.bigInt({ min: -(10n ** 60n) + 1n, max: 10n ** 60n - 1n }),
    fc
      .integer({ min: 0, max: 190 })
      .chain((bits) =>
        fc.constantFrom(2n ** BigInt(bits), -(2n ** BigInt(bits)), 2n ** BigInt(bits) - 1n, -(2n ** BigInt(bits)) - 1n),
      ),
  );

  it("survives the wire exactly, on bytes and on fixed", () => {
    fc.assert(
      fc.property(unscaled, (integer) => {
        const value = Decimal.ofUnscaled(integer, 3);
        expect(bytes.fromBuffer(bytes.toBuffer(value))).toEqual(value);
        expect(fixed.fromBuffer(fixed.toBuffer(value))).toEqual(value);
      }),
      { numRuns: 2000 },
    );
  });

  it("writes the shortest two's complement, as Java does", () => {
    fc.assert(
      fc.property(unscaled, (integer) => {
        const plain = avroTypeOf("bytes").fromBuffer(bytes.toBuffer(Decimal.ofUnscaled(integer, 3))) as Buffer;
        expect(BigInt.asIntN(plain.length * 8, BigInt(`0x${plain.toString("hex")}`))).toBe(integer);
        if (plain.length > 1) expect(BigInt.asIntN((plain.length - 1) * 8, integer)).not.toBe(integer);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["1", true],
    ["12.3", true],
    ["12.340", true],
    ["12.345", false],
    ["999.99", true],
    ["1000.00", false],
    ["-999.99", true],
    ["-1000", false],
  ])("takes %s in a decimal(5, 2): %s", (text, fits) => {
    const type = avroTypeOf(decimal(5, 2));
    const value = Decimal.of(text);
    expect(type.isValid(value)).toBe(fits);
    if (fits) expect((type.fromBuffer(type.toBuffer(value)) as Decimal).toString()).toBe(value.withScale(2).toString());
    else expect(() => type.toBuffer(value)).toThrow();
  });

  it("takes nothing but Decimals", () => {
    for (const value of [1, "1.00", 1n, null, undefined, Buffer.from([1]), {}])
      expect(avroTypeOf(decimal(5, 2)).isValid(value)).toBe(false);
  });

  it("is null or a Decimal in a nullable field, and takes its default", () => {
    expect(roundTrip(record(["null", decimal(5, 2)]), { x: null })).toEqual({ x: null });
    expect(roundTrip(record(["null", decimal(5, 2)]), { x: Decimal.of("1.5") })).toEqual({ x: Decimal.of("1.50") });
    expect(roundTrip(record(decimal(5, 2), { default: "\u0001\u0000" }), {})).toEqual({ x: Decimal.of("2.56") });
  });

  it("tells truncated bytes", () => {
    const whole = bytes.toBuffer(Decimal.of("123456.789"));
    expect(bytes.decode(whole.subarray(0, 3)).offset).toBe(-1);
    expect(fixed.decode(Buffer.alloc(25)).offset).toBe(-1);
  });
});

describe("the other types", () => {
  it("keeps every date of ten thousand years, and nothing that is no date", () => {
    const type = avroTypeOf({ type: "int", logicalType: "date" });
    fc.assert(
      fc.property(fc.integer({ min: -719_528, max: 2_932_896 }), (days) => {
        const text = dateOfDays(days)!;
        expect(type.toBuffer(text)).toEqual(avroTypeOf("int").toBuffer(days));
        expect(type.fromBuffer(type.toBuffer(text))).toBe(text);
      }),
      { numRuns: 3000 },
    );
    for (const value of ["2023-02-29", "2023-1-1", "", 3, null]) expect(type.isValid(value)).toBe(false);
    expect(() => type.fromBuffer(avroTypeOf("int").toBuffer(2_932_897))).toThrow("outside the years");
  });

  it("keeps uuids in lower case", () => {
    const type = avroTypeOf({ type: "string", logicalType: "uuid" });
    const id = "0123abcd-0123-4567-89ab-0123456789ab";
    expect(type.fromBuffer(type.toBuffer(id))).toBe(id);
    expect(type.fromBuffer(avroTypeOf("string").toBuffer(id.toUpperCase()))).toBe(id);
    expect(() => type.fromBuffer(avroTypeOf("string").toBuffer("customer-7"))).toThrow("uuid");
    for (const value of [id.toUpperCase(), `${id}0`, "", 7]) expect(type.isValid(value)).toBe(false);
  });

  it("keeps longs and timestamps as safe integers and refuses what is none", () => {
    for (const schema of [
      "long",
      { type: "long", logicalType: "timestamp-millis" },
      { type: "long", logicalType: "timestamp-micros" },
    ]) {
      const type = avroTypeOf(schema);
      const edges = fc.constantFrom(
        0,
        -1,
        2 ** 53 - 1,
        -(2 ** 53) + 1,
        2 ** 52,
        -(2 ** 52),
        -(2 ** 52) - 1,
        1_700_000_000_000,
      );
      fc.assert(
        fc.property(fc.oneof(edges, fc.maxSafeInteger()), (value) => {
          expect(type.fromBuffer(type.toBuffer(value))).toBe(value);
          const zigzag = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
          expect(varint(type.toBuffer(value))).toBe(zigzag);
          const double = avroTypeOf("double");
          expect(double.fromBuffer(type.toBuffer(value), double.createResolver(type))).toBe(value);
        }),
      );
      for (const value of [2 ** 53, 0.5, Number.NaN, 1n, "1"]) expect(() => type.toBuffer(value)).toThrow();
    }
    const tooLong = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    expect(() => avroTypeOf("long").fromBuffer(tooLong)).toThrow("beyond the safe integers");
    expect(() => avroTypeOf("int").fromBuffer(avroTypeOf("long").toBuffer(2 ** 31))).toThrow("32 bits");
  });

  it("takes nothing for an enum but its symbols", () => {
    const type = avroTypeOf({ type: "enum", name: "E", symbols: ["A", "B"] });
    expect(type.fromBuffer(type.toBuffer("B"))).toBe("B");
    for (const value of ["C", "constructor", "toString", "__proto__", 0, null]) {
      expect(type.isValid(value)).toBe(false);
      expect(() => type.toBuffer(value)).toThrow();
    }
  });

  it("copies bytes out of the buffer they were read from", () => {
    for (const schema of [record("bytes"), record({ type: "fixed", name: "F", size: 3 })]) {
      const type = avroTypeOf(schema);
      const buffer = type.toBuffer({ x: Buffer.from([1, 2, 3]) });
      const value = type.fromBuffer(buffer) as { x: Buffer };
      buffer.fill(0);
      expect([...value.x]).toEqual([1, 2, 3]);
    }
  });

  it("keeps arrays and maps, also of nothing, in several blocks, and with awkward keys", () => {
    expect(roundTrip({ type: "array", items: "string" }, ["a", "", "c"])).toEqual(["a", "", "c"]);
    expect(roundTrip({ type: "array", items: "null" }, [null, null])).toEqual([null, null]);
    expect(roundTrip({ type: "map", values: "long" }, { a: 1, b: 2 })).toEqual({ a: 1, b: 2 });
    const blocks = Buffer.from([0x02, 0x02, 0x01, 0x02, 0x04, 0x00]); // one item; then one item of one byte, with its size
    expect(avroTypeOf({ type: "array", items: "int" }).fromBuffer(blocks)).toEqual([1, 2]);
    const awkward = Object.fromEntries([["__proto__", 1]]);
    expect(Object.keys(roundTrip({ type: "map", values: "int" }, awkward) as object)).toEqual(["__proto__"]);
  });

  it("gives up at once on garbage that claims to be endless", () => {
    const endless = Buffer.concat([avroTypeOf("long").toBuffer(2 ** 50), Buffer.from([1, 2, 3])]);
    const backwards = Buffer.concat([
      avroTypeOf("long").toBuffer(-1),
      avroTypeOf("long").toBuffer(-3),
      Buffer.from([1]),
    ]);
    for (const items of ["string", "null", "long"]) {
      for (const schema of [
        { type: "array", items },
        { type: "map", values: items },
      ]) {
        for (const garbage of [endless, backwards]) {
          expect(() => avroTypeOf(schema).fromBuffer(garbage)).toThrow();
          const holder = avroTypeOf({
            type: "record",
            name: "W",
            fields: [
              { name: "a", type: schema },
              { name: "b", type: "int" },
            ],
          });
          const onlyB = avroTypeOf({ type: "record", name: "W", fields: [{ name: "b", type: "int" }] });
          expect(() => onlyB.fromBuffer(garbage, onlyB.createResolver(holder))).toThrow();
        }
      }
    }
  });

  it("wraps the values of a union whose branches they do not tell", () => {
    const amount = decimal(5, 2);
    const clash: AvroJson = ["null", "string", { type: "int", logicalType: "date" }];
    expect(roundTrip(record(clash), { x: { string: "2024-01-01" } })).toEqual({ x: { string: "2024-01-01" } });
    expect(roundTrip(record(["null", amount, "string"]), { x: Decimal.of("1.00") })).toEqual({ x: Decimal.of("1.00") });
    expect(roundTrip(record([amount, { type: "map", values: "int" }]), { x: { map: { a: 1 } } })).toEqual({
      x: { map: { a: 1 } },
    });
  });

  it("resolves arrays of evolved records", () => {
    const writer = avroTypeOf({ type: "array", items: record("int") });
    const reader = avroTypeOf({ type: "array", items: record("long") });
    expect(writer).not.toBeInstanceOf(avsc.types.RecordType);
    expect(reader.fromBuffer(writer.toBuffer([{ x: 1 }, { x: 2 }]), reader.createResolver(writer))).toEqual([
      { x: 1 },
      { x: 2 },
    ]);
  });
});

describe("values that do not fit", () => {
  const schema: AvroJson = {
    type: "record",
    name: "bank.Payment",
    fields: [
      { name: "id", type: { type: "string", logicalType: "uuid" } },
      { name: "amount", type: decimal(5, 2) },
      {
        name: "lines",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "Line",
            fields: [{ name: "day", type: ["null", { type: "int", logicalType: "date" }] }],
          },
        },
      },
      { name: "note", type: "string", default: "none" },
    ],
  };
  const id = "0123abcd-0123-4567-89ab-0123456789ab";

  it("names every place, what was expected and the kind of what was found, and shows no value", () => {
    const value = {
      id: "secret",
      amount: Decimal.of("1234.56"),
      lines: [{ day: null }, { day: "2023-02-30" }],
      note: 3,
    };
    expect(invalidPaths(avroTypeOf(schema), value)).toEqual([
      { path: "id", expected: "a lower-case uuid", found: "a string" },
      { path: "amount", expected: "a Decimal of at most 5 digits, 2 of them after the point", found: "a Decimal" },
      { path: "lines.1.day", expected: 'null or a calendar date "YYYY-MM-DD"', found: "a string" },
      { path: "note", expected: "a string", found: "a number" },
    ]);
    const error = valueInvalid(avroTypeOf(schema), value);
    expect(error.code).toBe("VALUE_INVALID");
    expect(error.message).toContain(
      'a value does not fit the schema "bank.Payment": id: expected a lower-case uuid, found a string; amount: ',
    );
    expect(error.message).not.toContain("secret");
    expect(error.message).not.toContain("1234");
  });

  it("lets a missing field take its default and reports one without", () => {
    const type = avroTypeOf(schema);
    expect(invalidPaths(type, { id, amount: Decimal.of("1"), lines: [] })).toEqual([]);
    expect(type.fromBuffer(type.toBuffer({ id, amount: Decimal.of("1"), lines: [] }))).toMatchObject({ note: "none" });
    expect(invalidPaths(type, { id, lines: [] })).toEqual([
      { path: "amount", expected: "a Decimal of at most 5 digits, 2 of them after the point", found: "nothing" },
    ]);
  });
});
