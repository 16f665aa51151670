import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AvroNode, avroNodeOf } from "./avro-node.ts";
import { avroTypeOf } from "./avro-type.ts";
import { Decimal } from "./decimal.ts";
import { fromJson, fromText, toJson } from "./json.ts";
import type { AvroJson } from "./schema.ts";
import { recordSchemas, valuesOf } from "./schema-arbitraries.ts";

const decimal = { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 };
const schema: AvroJson = {
  type: "record",
  name: "bank.Payment",
  fields: [
    { name: "id", type: "long" },
    { name: "amount", type: decimal },
    { name: "day", type: { type: "int", logicalType: "date" } },
    { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
    { name: "status", type: { type: "enum", name: "Status", symbols: ["OPEN", "DONE"] }, default: "OPEN" },
    { name: "note", type: ["null", "string"] },
    { name: "memo", type: "string" },
    { name: "data", type: "bytes", default: "\u00ff" },
    { name: "isLarge", type: "boolean", default: false },
    {
      name: "lines",
      type: {
        type: "array",
        items: { type: "record", name: "Line", fields: [{ name: "fee", type: ["null", decimal] }] },
      },
      default: [],
    },
  ],
};
const json = {
  id: 7,
  amount: "12.30",
  day: "2024-02-29",
  at: 1_700_000_000_000,
  status: "DONE",
  note: null,
  memo: "",
  data: "AQI=",
  isLarge: true,
  lines: [{ fee: null }, { fee: "0.50" }],
};
const value = {
  ...json,
  amount: Decimal.of("12.30"),
  data: Buffer.from([1, 2]),
  lines: [{ fee: null }, { fee: Decimal.of("0.50") }],
};
const invalid = (text: string) =>
  expect.objectContaining({ code: "VALUE_INVALID", message: expect.stringContaining(text) });

/** Whether JSON tells the branches of every union apart. */
function isReadable(node: AvroNode): boolean {
  if (node.kind === "array") return isReadable(node.items);
  if (node.kind === "map") return isReadable(node.values);
  if (node.kind === "record") return node.fields.every((field) => isReadable(field.node));
  if (node.kind !== "union") return true;
  const texts = node.branches.filter((branch) => !["null", "record", "map", "array"].includes(branch.kind));
  return (node.isWrapped || texts.length <= 1) && node.branches.every(isReadable);
}

describe("toJson and fromJson", () => {
  it("show a value and read it back", () => {
    expect(toJson(schema, value)).toEqual(json);
    expect(fromJson(schema, json)).toEqual(value);
  });

  it("are inverse for every schema whose unions JSON can tell apart", () => {
    fc.assert(
      fc.property(
        recordSchemas.filter((avro) => isReadable(avroNodeOf(avro))),
        fc.gen(),
        (avro, generate) => {
          const original = generate(valuesOf, avroNodeOf(avro));
          const text = JSON.stringify(toJson(avro, original));
          expect(avroTypeOf(avro).toBuffer(fromJson(avro, JSON.parse(text)))).toEqual(
            avroTypeOf(avro).toBuffer(withoutNegativeZero(original)),
          );
        },
      ),
    );
  });

  it("give absent fields their default, and null where they may be null", () => {
    const { id, amount, day, at, memo } = json;
    expect(fromJson(schema, { id, amount, day, at, memo })).toEqual({
      ...value,
      status: "OPEN",
      note: null,
      data: Buffer.from([255]),
      isLarge: false,
      lines: [],
    });
  });

  it("show wrapped unions with their branch", () => {
    const union: AvroJson = ["null", "int", { type: "map", values: "long" }, "double"];
    expect(toJson(union, { double: 1.5 })).toEqual({ double: 1.5 });
    expect(toJson(union, null)).toBeNull();
    expect(fromJson(union, { map: { a: 1 } })).toEqual({ map: { a: 1 } });
    expect(fromJson(union, 1.5)).toEqual({ double: 1.5 });
  });

  it.each<[AvroJson, unknown, unknown]>([
    [decimal, 12.3, Decimal.of("12.30")],
    [decimal, "1e2", Decimal.of("100.00")],
    [decimal, "12.3000", Decimal.of("12.30")],
    ["long", "9007199254740991", 2 ** 53 - 1],
    ["double", "1e3", 1000],
    ["double", "NaN", Number.NaN],
    [
      { type: "string", logicalType: "uuid" },
      "0123ABCD-0123-4567-89AB-0123456789AB",
      "0123abcd-0123-4567-89ab-0123456789ab",
    ],
    [{ type: "long", logicalType: "timestamp-millis" }, "2024-01-01T09:00:00.5+09:00", 1_704_067_200_500],
    [{ type: "long", logicalType: "timestamp-micros" }, "2024-01-01T00:00:00Z", 1_704_067_200_000_000],
    [{ type: "long", logicalType: "timestamp-millis" }, "1704067200000", 1_704_067_200_000],
  ])("read as %j the input %j", (avro, input, expected) => expect(fromJson(avro, input)).toEqual(expected));

  it.each<[AvroJson, unknown]>([
    [decimal, "12.345"],
    [decimal, "10000000.00"],
    [decimal, 0.1 + 0.2],
    [decimal, 1234567.8901234567],
    [decimal, ""],
    [decimal, null],
    ["int", 2 ** 31],
    ["int", "1.0"],
    ["long", 2 ** 53],
    ["long", "9007199254740993"],
    ["boolean", "yes"],
    ["double", "1,5"],
    ["bytes", "not base64!"],
    [{ type: "fixed", name: "F", size: 3 }, "AQI="],
    [{ type: "int", logicalType: "date" }, "2024-02-30"],
    [{ type: "long", logicalType: "timestamp-millis" }, "2024-01-01T00:00:00"],
    [{ type: "long", logicalType: "timestamp-millis" }, "2024-02-30T00:00:00Z"],
    [{ type: "array", items: "int" }, { a: 1 }],
    [["null", "int"], "x"],
    [["null", "int", { type: "array", items: "int" }], "x"],
  ])("refuse as %j the input %j", (avro, input) =>
    expect(() => fromJson(avro, input)).toThrow(invalid("the input does not fit the schema")),
  );
});

describe("fromText", () => {
  const columns = {
    id: "7",
    amount: "12.3",
    day: "2024-02-29",
    at: "2023-11-14T22:13:20Z",
    status: "DONE",
    note: "",
    memo: "",
    data: "AQI=",
    isLarge: "TRUE",
  };

  it("reads a row of text", () => {
    expect(fromText(schema, { ...columns, lines: '[{"fee":null},{"fee":0.5}]' })).toEqual(value);
    expect(fromText(schema, { ...columns, note: "x", memo: "y" })).toMatchObject({ note: "x", memo: "y", lines: [] });
  });

  it("takes an empty column for absent, unless it is a string", () => {
    expect(fromText(schema, { ...columns, status: "", isLarge: "" })).toMatchObject({
      status: "OPEN",
      isLarge: false,
      memo: "",
      note: null,
    });
    expect(() => fromText(schema, { ...columns, id: "" })).toThrow(invalid("id: it is missing, and has no default"));
  });

  it("reports everything that does not fit at once, and shows no value", () => {
    const wrong = { ...columns, id: "7.5", amount: "secret", status: "GONE", lines: "[{" };
    expect(() => fromText(schema, wrong)).toThrow(
      invalid(
        'the input does not fit the schema "bank.Payment": id: expected an integer that a number holds exactly (2^53); amount: expected a decimal of at most 9 digits, ' +
          "2 of them after the point, as text or as a number of at most 15 digits; status: expected one of OPEN, DONE; lines: expected JSON, because the field is an array",
      ),
    );
    expect(() => fromText(schema, { ...columns, lines: '[{"fee":"x"},{"fee":"0.123"}]' })).toThrow(
      invalid("lines[1].fee: expected a decimal"),
    );
  });

  it("ignores columns that the schema does not have, or refuses them", () => {
    expect(fromText(schema, { ...columns, extra: "1" })).not.toHaveProperty("extra");
    expect(() => fromText(schema, { ...columns, extra: "" }, { extra: "refuse" })).toThrow(
      invalid("extra: the schema has no such field"),
    );
    expect(() => fromJson(schema, { ...json, lines: [{ fee: null, x: 1 }] }, { extra: "refuse" })).toThrow(
      invalid("lines[0].x: the schema has no"),
    );
  });

  it("takes an empty column for null where the field may be null, whatever its default", () => {
    const avro: AvroJson = {
      type: "record",
      name: "T",
      fields: [{ name: "x", type: ["string", "null"], default: "d" }],
    };
    expect(fromText(avro, { x: "" })).toEqual({ x: null });
    expect(fromText(avro, {})).toEqual({ x: "d" });
  });

  it("needs a record", () =>
    expect(() => fromText("string", { a: "b" })).toThrow(invalid("columns need the schema of a record")));
});

/** JSON has no negative zero. */
function withoutNegativeZero(input: unknown): unknown {
  if (typeof input === "number") return input + 0;
  if (Array.isArray(input)) return input.map(withoutNegativeZero);
  if (typeof input !== "object" || input === null || Buffer.isBuffer(input) || input instanceof Decimal) return input;
  return Object.fromEntries(Object.entries(input).map(([key, item]) => [key, withoutNegativeZero(item)]));
}
