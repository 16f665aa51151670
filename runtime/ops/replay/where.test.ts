import { describe, expect, it } from "vitest";
import { Decimal } from "../../../schemas/decimal.ts";
import type { AvroJson } from "../../../schemas/schema.ts";
import { parseWhere, type WhereRecord } from "./where.ts";

const inner = { type: "record", name: "Inner", fields: [{ name: "n", type: "int" }] };
const avro: AvroJson = {
  type: "record",
  name: "Sample",
  fields: [
    { name: "text", type: "string" },
    { name: "long", type: "long" },
    { name: "double", type: "double" },
    { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 20, scale: 2 } },
    { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
    { name: "day", type: { type: "int", logicalType: "date" } },
    { name: "maybe", type: ["null", "long"] },
    { name: "inner", type: inner },
    { name: "list", type: { type: "array", items: "long" } },
    { name: "map", type: { type: "map", values: "Inner" } },
  ],
} as AvroJson;

const record = (value: object = {}): WhereRecord => ({
  avro,
  value: {
    ...{ text: "abc", long: 7, double: 1.5, amount: Decimal.of("12.30"), at: Date.UTC(2026, 2, 1), day: "2026-03-01" },
    ...{ maybe: null, inner: { n: 3 }, list: [1, 2], map: { a: { n: 4 } } },
    ...value,
  },
  ...{ key: "k", headers: { source: "branch" }, timestampMs: Date.UTC(2026, 2, 2), offset: 12, partition: 1 },
});

describe("an expression after --where", () => {
  it("speaks of further texts where it is told of them, and says so where it is not one", () => {
    const where = parseWhere('code == "CALL_AGE" && value.long == 7', ["code"]);
    expect(where(record(), { code: "CALL_AGE" })).toBe(true);
    expect(where(record(), { code: "CALL_ATTEMPTS" })).toBe(false);
    expect(() => parseWhere("cod == 1", ["code"])).toThrow(
      /Unknown variable: cod[\s\S]*It can speak of code, value, key,/,
    );
    expect(() => parseWhere('code == "x"')).toThrow(/Unknown variable: code/);
  });

  it.each([
    ['value.text == "abc" && value.text.startsWith("a")', true],
    ["value.long == 7 && value.long % 2 == 1 && value.long > 6.5", true],
    ["value.double > 1.4 && value.double < 2.0", true],
    ["value.amount > 12 && value.amount < 12.31 && value.amount == 12.3", true],
    ['value.amount == decimal("12.300") && value.amount != 12', true],
    ["12 < value.amount && 12.3 >= value.amount", true],
    ["value.amount > decimal(13)", false],
    ['value.at == timestamp("2026-03-01T00:00:00Z") && value.at < timestamp', true],
    ['value.day >= "2026-03-01" && value.day < "2026-04-01"', true],
    ["value.maybe == null", true],
    ["value.inner.n == 3 && 2 in value.list && value.map.a.n == 4", true],
    ['headers.source == "branch" && !("other" in headers)', true],
    ['key == "k" && offset == 12 && partition in [1, 2]', true],
    ["has(value.missing) && value.missing > 3", false],
  ])("%s: %s", (expression, answer) => {
    expect(parseWhere(expression)(record())).toBe(answer);
  });

  it("compares decimals exactly, however large", () => {
    const huge = record({ amount: Decimal.of("900719925474099301.11") });
    expect(parseWhere('value.amount == decimal("900719925474099301.11")')(huge)).toBe(true);
    expect(parseWhere('value.amount > decimal("900719925474099301.12")')(huge)).toBe(false);
  });

  it("reads a tombstone as null", () => {
    expect(parseWhere("value == null")({ ...record(), value: null, avro: undefined })).toBe(true);
  });

  it.each([
    ["value.long >", "Unexpected", 12],
    ['value.text == "', "Unterminated string", 14],
    ["amount > 3", "Unknown variable: amount", 0],
    ['offset == "a"', "no such overload: int == string", 0],
  ])("%s is refused before anything happens, with its place", (expression, what, column) => {
    const refusal = expect(() => parseWhere(expression));
    refusal.toThrow(expect.objectContaining({ code: "WHERE_INVALID", message: expect.stringContaining(what) }));
    refusal.toThrow(new RegExp(`\\n {${">    1 | ".length + column}}\\^`));
  });

  it.each(["offset + 1", '"yes"', "[true]"])("%s is no question", (expression) => {
    expect(() => parseWhere(expression)).toThrow("has to say yes or no");
  });

  it.each(["value.missing > 3", "value.maybe > 3", "value.text > 3", "value.text"])(
    "%s has no answer",
    (expression) => {
      expect(() => parseWhere(expression)(record())).toThrow();
    },
  );
});
