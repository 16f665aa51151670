import { type AvroNode, avroNodeOf, branchName, type UnionNode } from "./avro-node.ts";
import { Coercion, type CoercionOptions } from "./coercion.ts";
import { Decimal } from "./decimal.ts";
import { MulgilError } from "./mulgil-error.ts";
import type { AvroJson } from "./schema.ts";

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/**
 * A value as JSON, to be shown. Decimals are strings with all their digits, bytes base64, timestamps stay numbers, dates
 * strings; numbers that JSON does not have ("NaN", "Infinity") are strings. `fromJson` reads it back.
 */
export function toJson(avro: AvroJson, value: unknown): JsonValue {
  return jsonOf(avroNodeOf(avro), value);
}

/**
 * A schema's value from parsed JSON. Absent fields take their default, or null where they may be null. Decimals are given as
 * strings or as numbers of at most 15 digits; longs as numbers or strings; bytes as base64; timestamps in their unit or as
 * ISO text with a zone ("2026-01-31T09:00:00+09:00").
 * @throws {MulgilError} VALUE_INVALID with everything that does not fit
 */
export function fromJson(avro: AvroJson, json: unknown, options: CoercionOptions = {}): unknown {
  const node = avroNodeOf(avro);
  const coercion = new Coercion(options);
  return checked(node, coercion, coercion.fromJson(node, json, ""));
}

/**
 * A record from the columns of a row of text. An empty text is null where the field may be null, "" for a string, and
 * otherwise as if the column were not there. A record, array or map is JSON in its column.
 * @throws {MulgilError} VALUE_INVALID with everything that does not fit
 */
export function fromText(
  avro: AvroJson,
  columns: Readonly<Record<string, string>>,
  options: CoercionOptions = {},
): unknown {
  const node = avroNodeOf(avro);
  if (node.kind !== "record") throw new MulgilError("columns need the schema of a record", { code: "VALUE_INVALID" });
  const coercion = new Coercion(options);
  return checked(node, coercion, coercion.fromColumns(node, columns));
}

function checked(node: AvroNode, coercion: Coercion, value: unknown): unknown {
  if (coercion.problems.length === 0) return value;
  const list = coercion.problems.map((problem) => `${problem.path || "the value"}: ${problem.message}`).join("; ");
  throw new MulgilError(`the input does not fit the schema "${branchName(node)}": ${list}`, { code: "VALUE_INVALID" });
}

function jsonOf(node: AvroNode, value: unknown): JsonValue {
  if (value instanceof Decimal) return value.toString();
  if (Buffer.isBuffer(value)) return value.toString("base64");
  switch (node.kind) {
    case "union":
      return unionJson(node, value);
    case "array":
      return (value as readonly unknown[]).map((item) => jsonOf(node.items, item));
    case "map":
      return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, jsonOf(node.values, item)]));
    case "record": {
      const fields = value as Readonly<Record<string, unknown>>;
      return Object.fromEntries(node.fields.map((field) => [field.name, jsonOf(field.node, fields[field.name])]));
    }
    default:
      if (value === undefined) return null;
      return typeof value === "number" && !Number.isFinite(value) ? String(value) : (value as JsonValue);
  }
}

function unionJson(node: UnionNode, value: unknown): JsonValue {
  if (value === null || value === undefined) return null;
  if (node.isWrapped) {
    const [name, inner] = Object.entries(value as object)[0]!;
    const branch = node.branches.find((candidate) => branchName(candidate) === name)!;
    return { [name]: jsonOf(branch, inner) };
  }
  const branch = node.branches.find((candidate) => isOfKind(candidate, value));
  return branch === undefined ? (value as JsonValue) : jsonOf(branch, value);
}

/** In a union that is not wrapped, the JavaScript kind of a value tells its branch. */
function isOfKind(node: AvroNode, value: unknown): boolean {
  if (Array.isArray(value)) return node.kind === "array";
  if (typeof value === "object") return node.kind === "record" || node.kind === "map";
  return !["null", "array", "record", "map"].includes(node.kind);
}
