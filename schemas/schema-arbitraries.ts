import fc from "fast-check";
import type { AvroNode } from "./avro-node.ts";
import { dateOfDays } from "./calendar-date.ts";
import { Decimal } from "./decimal.ts";
import type { AvroJson } from "./schema.ts";

/** Random schemas and values for the property tests of this folder. */

interface Shape {
  readonly [attribute: string]: unknown;
}

const leaf = fc.constantFrom<AvroJson>(
  "null",
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "bytes",
  "string",
  { type: "bytes", logicalType: "decimal", precision: 6, scale: 2 },
  { type: "bytes", logicalType: "decimal", precision: 20, scale: 2 },
  { type: "bytes", logicalType: "decimal", precision: 20, scale: 3 },
  { type: "int", logicalType: "date" },
  { type: "string", logicalType: "uuid" },
);
const named = fc.oneof(
  fc.constantFrom<AvroJson>(
    { type: "fixed", size: 4 },
    { type: "fixed", size: 5 },
    { type: "fixed", size: 5, logicalType: "decimal", precision: 9, scale: 2 },
  ),
  fc.record({
    type: fc.constant("enum"),
    symbols: fc.uniqueArray(fc.constantFrom("A", "B", "C"), { minLength: 1 }),
    isOpen: fc.boolean(),
  }),
);
const { node } = fc.letrec<{ node: AvroJson }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { arbitrary: leaf, weight: 5 },
    { arbitrary: named as fc.Arbitrary<AvroJson>, weight: 1 },
    { arbitrary: fc.record({ type: fc.constant("array"), items: tie("node") }), weight: 1 },
    { arbitrary: fc.record({ type: fc.constant("map"), values: tie("node") }), weight: 1 },
    { arbitrary: fc.uniqueArray(tie("node"), { minLength: 1, maxLength: 3, selector: kindOf }), weight: 2 },
    { arbitrary: recordOf(tie("node")), weight: 3 },
  ),
}));

function recordOf(type: fc.Arbitrary<AvroJson>): fc.Arbitrary<AvroJson> {
  const field = fc.record({
    name: fc.constantFrom("a", "b", "c"),
    type,
    hasDefault: fc.boolean(),
    alias: fc.constantFrom(undefined, undefined, "a", "d"),
  });
  return fc.record({
    type: fc.constant("record"),
    fields: fc.uniqueArray(field, { maxLength: 3, selector: (each) => each.name }),
  });
}

/** Random schemas. Names come from the place, so that two of them often agree. */
export const schemas: fc.Arbitrary<AvroJson> = node.map((shape) => withNames(shape, "R", false));

/** Random records. */
export const recordSchemas: fc.Arbitrary<AvroJson> = recordOf(node).map((shape) => withNames(shape, "R", false));

function kindOf(schema: AvroJson): string {
  if (Array.isArray(schema)) return "union";
  if (typeof schema === "string") return schema;
  return (schema as Shape)["type"] as string;
}

/** Gives names to what needs them, takes unions out of unions, and defaults to what can have them. */
function withNames(schema: AvroJson, path: string, isInUnion: boolean): AvroJson {
  if (typeof schema === "string") return schema;
  if (Array.isArray(schema))
    return isInUnion
      ? "null"
      : distinct(schema.map((branch: AvroJson) => withNames(branch, `${path}_${kindOf(branch)}`, true)));
  const shape = schema as Shape;
  if (shape["type"] === "array") return { ...shape, items: withNames(shape["items"] as AvroJson, `${path}_i`, false) };
  if (shape["type"] === "map") return { ...shape, values: withNames(shape["values"] as AvroJson, `${path}_v`, false) };
  if (shape["type"] === "fixed") return { ...shape, name: path };
  if (shape["type"] === "enum") {
    const { isOpen, ...rest } = shape;
    return { ...rest, name: path, ...(isOpen ? { default: (shape["symbols"] as string[])[0] } : {}) };
  }
  if (shape["type"] !== "record") return schema;
  const fields = (shape["fields"] as Shape[]).map((field) => namedField(field, path));
  return { type: "record", name: path, fields };
}

function namedField(field: Shape, path: string): Shape {
  const type = withNames(field["type"] as AvroJson, `${path}_${field["name"]}`, false);
  const fallback = field["hasDefault"] ? defaultOf(type) : undefined;
  const aliases = field["alias"] === undefined || field["alias"] === field["name"] ? [] : [field["alias"]];
  return { name: field["name"], type, aliases, ...(fallback === undefined ? {} : { default: fallback }) };
}

const distinct = (branches: AvroJson[]): AvroJson => [
  ...new Map(branches.map((branch) => [kindOf(branch), branch])).values(),
];

function defaultOf(type: AvroJson): unknown {
  const first = Array.isArray(type) ? (type[0] as AvroJson) : type;
  const defaults: Readonly<Record<string, unknown>> = {
    null: null,
    boolean: true,
    int: 1,
    long: 2,
    float: 0.5,
    double: 1.5,
    array: [],
    map: {},
  };
  if (typeof first === "object" && ("logicalType" in first || "fields" in first)) return undefined;
  return kindOf(first) === "string" ? "d" : defaults[kindOf(first)];
}

/** Random values of a schema. */
export function valuesOf(type: AvroNode): fc.Arbitrary<unknown> {
  if ("logical" in type && type.logical !== undefined)
    return logicalValues(type.logical, type.precision ?? 0, type.scale ?? 0);
  switch (type.kind) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "int":
      return fc.integer();
    case "long":
      return fc.maxSafeInteger();
    case "float":
      return fc.float({ noNaN: true });
    case "double":
      return fc.double({ noNaN: true });
    case "bytes":
      return fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes));
    case "string":
      return fc.string({ unit: "grapheme", maxLength: 8 });
    case "fixed":
      return fc.uint8Array({ minLength: type.size, maxLength: type.size }).map((bytes) => Buffer.from(bytes));
    case "enum":
      return fc.constantFrom(...type.symbols);
    case "array":
      return fc.array(valuesOf(type.items), { maxLength: 3 });
    case "map":
      return fc.dictionary(fc.string({ maxLength: 5 }), valuesOf(type.values), { maxKeys: 3, noNullPrototype: true });
    case "union":
      return fc.oneof(...type.branches.map((branch) => wrapped(branch, type.isWrapped)));
    default:
      return fc.record(Object.fromEntries(type.fields.map((field) => [field.name, valuesOf(field.node)])));
  }
}

function wrapped(branch: AvroNode, isWrapped: boolean): fc.Arbitrary<unknown> {
  const name = "name" in branch ? branch.name : branch.kind;
  return isWrapped && branch.kind !== "null" ? valuesOf(branch).map((value) => ({ [name]: value })) : valuesOf(branch);
}

function logicalValues(logical: string, precision: number, scale: number): fc.Arbitrary<unknown> {
  if (logical === "date") return fc.integer({ min: -700_000, max: 2_000_000 }).map((days) => dateOfDays(days));
  if (logical === "uuid") return fc.uuid();
  if (logical !== "decimal") return fc.maxSafeInteger();
  const limit = 10n ** BigInt(precision) - 1n;
  return fc.bigInt({ min: -limit, max: limit }).map((unscaled) => Decimal.ofUnscaled(unscaled, scale));
}
