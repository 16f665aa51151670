import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { avroNodeOf } from "../../../schemas/avro-node.ts";
import { Decimal } from "../../../schemas/decimal.ts";
import { toJson } from "../../../schemas/json.ts";
import type { AvroJson } from "../../../schemas/schema.ts";
import { schemas, valuesOf } from "../../../schemas/schema-arbitraries.ts";
import { CanonicalValues } from "./canonical-values.ts";

const record = (name: string, ...fields: readonly (readonly [name: string, type: AvroJson])[]): AvroJson => ({
  ...{ type: "record", name },
  fields: fields.map(([field, type]) => ({ name: field, type })),
});
const decimal = (scale: number): AvroJson => ({ type: "bytes", logicalType: "decimal", precision: 12, scale });
const textOf = (avro: AvroJson, value: unknown, ignored: readonly string[] = []) =>
  new CanonicalValues(ignored).textOf(avro, value);

/** JSON with the entries of maps sorted: as an oracle for values of one schema. */
const sorted = (json: unknown): unknown => {
  if (Array.isArray(json)) return json.map(sorted);
  if (typeof json !== "object" || json === null) return json;
  return Object.fromEntries(
    Object.entries(json)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, value]) => [name, sorted(value)]),
  );
};

describe("canonical values", () => {
  it("of one schema are equal if, and only if, the values are", () => {
    const pairs = schemas.chain((avro) => {
      const values = valuesOf(avroNodeOf(avro));
      return fc.record({ avro: fc.constant(avro), left: values, other: values, isSame: fc.boolean() });
    });
    fc.assert(
      fc.property(pairs, ({ avro, left, other, isSame }) => {
        const right = isSame ? left : other;
        const json = (value: unknown) => JSON.stringify(sorted(toJson(avro, value)));
        expect(textOf(avro, left) === textOf(avro, right)).toBe(json(left) === json(right));
        expect(() => JSON.parse(textOf(avro, left))).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it("do not depend on the order of fields, names of records, or the width of numbers", () => {
    const left = textOf(record("A", ["a", "int"], ["b", ["null", "string"]]), { a: 1, b: "x" });
    expect(textOf(record("B", ["b", "string"], ["a", "double"]), { a: 1, b: "x" })).toBe(left);
    expect(textOf(record("B", ["b", "string"], ["a", "double"]), { a: 1.5, b: "x" })).not.toBe(left);
  });

  it("of decimals are those of their numbers", () => {
    expect(textOf(decimal(2), Decimal.of("12.30"))).toBe(textOf(decimal(3), Decimal.of("12.300")));
    expect(textOf(decimal(0), Decimal.of("100"))).toBe(textOf(decimal(2), Decimal.of("100.00")));
    expect(textOf(decimal(0), Decimal.of("100"))).not.toBe(textOf(decimal(0), Decimal.of("10")));
    expect(textOf(decimal(2), Decimal.of("12.30"))).not.toBe(textOf("string", "12.30"));
  });

  it("of a field that is null and one that is not there differ", () => {
    const left = textOf(record("A", ["a", "int"], ["b", ["null", "string"]]), { a: 1, b: null });
    expect(textOf(record("A", ["a", "int"]), { a: 1 })).not.toBe(left);
  });

  it("have the entries of maps in one order, and arrays as they are", () => {
    const map = { type: "map", values: "int" };
    expect(textOf(map, { b: 1, a: 2 })).toBe(textOf(map, { a: 2, b: 1 }));
    const array = { type: "array", items: "int" };
    expect(textOf(array, [1, 2])).not.toBe(textOf(array, [2, 1]));
  });

  it("leave fields out by their paths, through arrays, maps, unions and records in themselves", () => {
    const tree: AvroJson = {
      ...{ type: "record", name: "Tree" },
      fields: [
        { name: "at", type: "long" },
        { name: "below", type: { type: "array", items: "Tree" } },
        { name: "named", type: ["null", { type: "map", values: "Tree" }], default: null },
      ],
    };
    const value = (top: number, child: number, named: number) => ({
      ...{ at: top, below: [{ at: child, below: [], named: null }] },
      named: { x: { at: named, below: [], named: null } },
    });
    const all = ["at", "below.at", "named.at"];
    expect(textOf(tree, value(1, 2, 3), all)).toBe(textOf(tree, value(4, 5, 6), all));
    for (const [index, left] of [value(9, 2, 3), value(1, 9, 3), value(1, 2, 9)].entries()) {
      expect(textOf(tree, left, [all[index]!])).toBe(textOf(tree, value(1, 2, 3), [all[index]!]));
      expect(textOf(tree, left, all.toSpliced(index, 1))).not.toBe(
        textOf(tree, value(1, 2, 3), all.toSpliced(index, 1)),
      );
    }
  });

  it("tell which of the fields to be left out there are", () => {
    const values = new CanonicalValues(["a", "b.c", "nowhere"]);
    values.textOf(record("A", ["a", "int"], ["b", record("B", ["c", "int"])]), { a: 1, b: { c: 1 } });
    expect([...values.found].toSorted()).toEqual(["a", "b.c"]);
  });
});
