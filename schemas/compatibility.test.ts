import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { avroJsonOf, avroNodeOf } from "./avro-node.ts";
import { avroTypeOf } from "./avro-type.ts";
import { checkCanRead } from "./compatibility.ts";
import type { AvroJson } from "./schema.ts";
import { schemas, valuesOf } from "./schema-arbitraries.ts";

const record = (type: AvroJson, rest: object = {}): AvroJson => ({
  type: "record",
  name: "n.T",
  fields: [{ name: "x", type, ...rest }],
});
const decimal = (precision: number, scale: number) => ({ type: "bytes", logicalType: "decimal", precision, scale });
const date = { type: "int", logicalType: "date" };
const uuid = { type: "string", logicalType: "uuid" };
const millis = { type: "long", logicalType: "timestamp-millis" };
const micros = { type: "long", logicalType: "timestamp-micros" };
const symbols = (list: string[], rest: object = {}) => ({ type: "enum", name: "E", symbols: list, ...rest });

describe("checkCanRead", () => {
  it.each<[string, AvroJson, AvroJson]>([
    ["the same schema", record("int"), record("int")],
    ["a promoted number", record("double"), record("int")],
    ["a new field with a default", record("int", { name: "y", default: 0 }), record("int")],
    ["a removed field", { type: "record", name: "n.T", fields: [] }, record("int")],
    ["a field renamed with an alias", record("int", { name: "y", aliases: ["x"] }), record("int")],
    ["a field that may now be null", record(["null", "int"]), record("int")],
    ["a record renamed with an alias", { type: "record", name: "m.U", aliases: ["n.T"], fields: [] }, record("int")],
    [
      "an unqualified alias in the record's own namespace",
      { type: "record", name: "n.U", aliases: ["T"], fields: [] },
      record("int"),
    ],
    ["a new symbol", record(symbols(["A", "B"])), record(symbols(["A"]))],
    ["a removed symbol with a default", record(symbols(["A"], { default: "A" })), record(symbols(["A", "B"]))],
    ["a decimal of more digits", record(decimal(20, 2)), record(decimal(10, 2))],
    ["a plain long as a timestamp", record(millis), record("long")],
    ["a date as its plain int", record("int"), record(date)],
    ["a uuid as its plain string", record("string"), record(uuid)],
  ])("accepts %s", (_what, reader, writer) => {
    expect(checkCanRead(reader, writer)).toEqual([]);
    expect(() => avroTypeOf(reader).createResolver(avroTypeOf(writer))).not.toThrow();
  });

  it.each<[string, AvroJson, AvroJson, string, string]>([
    [
      "a new field without default",
      record("int", { name: "y" }),
      record("int"),
      "T.y",
      "give it a default, or an alias if it was renamed",
    ],
    ["a narrowed number", record("int"), record("long"), "T.x", "long cannot be read as int"],
    ["a field that may no longer be null", record("int"), record(["null", "int"]), "T.x", "null cannot be read as int"],
    ["a removed branch", record(["null", "int"]), record(["null", "int", "string"]), "T.x", "string fits no branch"],
    ["a removed symbol", record(symbols(["A"])), record(symbols(["A", "B", "C"])), "T.x", "lacks the symbols B, C"],
    ["a renamed record", { type: "record", name: "m.T", fields: [] }, record("int"), "T", 'add the alias "n.T"'],
    [
      "a fixed of another size",
      record({ type: "fixed", name: "F", size: 4 }),
      record({ type: "fixed", name: "F", size: 5 }),
      "T.x",
      "from 5 to 4",
    ],
    [
      "another scale",
      record(decimal(10, 3)),
      record(decimal(10, 2)),
      "T.x",
      "scale of a decimal cannot change from 2 to 3",
    ],
    ["less precision", record(decimal(9, 2)), record(decimal(10, 2)), "T.x", "keep 10"],
    [
      "less precision, behind a union",
      record(["null", decimal(9, 2)]),
      record(["null", decimal(10, 2)]),
      "T.x",
      "keep 10",
    ],
    [
      "bytes as a decimal",
      record(decimal(9, 2)),
      record("bytes"),
      "T.x",
      "bytes cannot be read as bytes decimal(9, 2)",
    ],
    ["an int as a date", record(date), record("int"), "T.x", "int cannot be read as int date"],
    ["a string as a uuid", record(uuid), record("string"), "T.x", "string cannot be read as string uuid"],
    [
      "millis as micros",
      record(micros),
      record(millis),
      "T.x",
      "long timestamp-millis cannot be read as long timestamp-micros",
    ],
    ["a decimal as a string", record("string"), record(decimal(9, 2)), "T.x", "cannot be read as string"],
    [
      "ambiguous aliases",
      record("int", { aliases: ["y"] }),
      {
        type: "record",
        name: "n.T",
        fields: [
          { name: "x", type: "int" },
          { name: "y", type: "int" },
        ],
      },
      "T.x",
      'the writer has "x" and "y"',
    ],
    [
      "items of another type",
      record({ type: "array", items: "int" }),
      record({ type: "array", items: "string" }),
      "T.x[]",
      "string cannot",
    ],
    [
      "values of another type",
      record({ type: "map", values: "int" }),
      record({ type: "map", values: "string" }),
      "T.x{}",
      "string cannot",
    ],
  ])("refuses %s", (_what, reader, writer, path, message) => {
    expect(checkCanRead(reader, writer)).toEqual([{ path, message: expect.stringContaining(message) }]);
  });

  it("reports every reason at once", () => {
    const fields = (list: [string, AvroJson][]): AvroJson => ({
      type: "record",
      name: "T",
      fields: list.map(([name, type]) => ({ name, type })),
    });
    const issues = checkCanRead(
      fields([
        ["a", "int"],
        ["b", "int"],
        ["c", "string"],
      ]),
      fields([
        ["a", "string"],
        ["c", "long"],
      ]),
    );
    expect(issues.map((issue) => issue.path)).toEqual(["T.a", "T.b", "T.c"]);
  });

  it("follows records that contain themselves", () => {
    const tree = (value: AvroJson): AvroJson => ({
      type: "record",
      name: "Tree",
      fields: [
        { name: "value", type: value },
        { name: "children", type: { type: "array", items: "Tree" } },
      ],
    });
    expect(checkCanRead(tree("long"), tree("int"))).toEqual([]);
    expect(checkCanRead(tree("int"), tree("long"))).toHaveLength(1);
  });

  it("says yes exactly when avsc can read every value, and no when it cannot", () => {
    let [compatible, incompatible] = [0, 0];
    fc.assert(
      fc.property(schemas, schemas, fc.boolean(), fc.gen(), (reader, other, isSame, generate) => {
        const writer = isSame ? reader : other;
        const readerType = avroTypeOf(reader);
        const writerType = avroTypeOf(writer);
        const issues = checkCanRead(reader, writer);
        if (issues.length > 0) {
          incompatible++;
          // avsc lets a string read the bytes of a decimal, also where the string is a branch beside another decimal.
          const isLenient = mentions(reader, '"string"') && mentions(writer, '"decimal"');
          if (!isLenient && !issues.some((issue) => issue.message.includes("fits no branch")))
            expect(() => readerType.createResolver(writerType)).toThrow();
          return;
        }
        compatible++;
        const resolver = readerType.createResolver(writerType);
        const value = generate(valuesOf, avroNodeOf(writer));
        expect(() => readerType.fromBuffer(writerType.toBuffer(value), resolver)).not.toThrow();
        const again = writerType.fromBuffer(writerType.toBuffer(value));
        expect(writerType.toBuffer(again)).toEqual(writerType.toBuffer(value));
      }),
      { numRuns: 3000 },
    );
    expect(Math.min(compatible, incompatible)).toBeGreaterThan(200);
  });
});

const mentions = (schema: AvroJson, name: string) => JSON.stringify(schema).includes(name);

describe("avroJsonOf", () => {
  it("builds an equal schema from its nodes", () => {
    fc.assert(
      fc.property(schemas, (schema) => {
        const again = avroJsonOf(avroNodeOf(schema));
        expect(avroTypeOf(again).toJSON()).toEqual(avroTypeOf(schema).toJSON());
        expect(avroNodeOf(again)).toEqual(avroNodeOf(schema));
      }),
    );
  });

  it("keeps names, namespaces and recursion", () => {
    const schema: AvroJson = {
      type: "record",
      name: "a.b.T",
      fields: [
        { name: "next", type: ["null", "T"], default: null },
        { name: "e", type: { type: "enum", name: "E", symbols: ["X"] } },
        { name: "f", type: "a.b.E" },
        { name: "g", type: { type: "fixed", name: "G", namespace: "", size: 1 } },
      ],
    };
    expect(avroTypeOf(avroJsonOf(avroNodeOf(schema))).toJSON()).toEqual(avroTypeOf(schema).toJSON());
  });
});
