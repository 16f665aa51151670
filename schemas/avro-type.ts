import avsc from "avsc";
import type { AvscOptions, AvscSchema } from "./avro-internals.ts";
import { BoundedArrayType, BoundedMapType } from "./bounded-types.ts";
import { DateType } from "./date-type.ts";
import { DecimalType } from "./decimal-type.ts";
import { exactNumberTypes } from "./exact-number-types.ts";
import { MulgilError } from "./mulgil-error.ts";
import type { AvroJson } from "./schema.ts";
import { UuidType } from "./uuid-type.ts";

const PRIMITIVES: ReadonlySet<string> = new Set([
  "null",
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "bytes",
  "string",
]);
/** Of the Avro types that share their JavaScript values with another. */
const BUCKETS: Readonly<Record<string, string>> = {
  int: "number",
  long: "number",
  float: "number",
  double: "number",
  enum: "string",
  fixed: "bytes",
  map: "object",
  record: "object",
  error: "object",
};
const bySchema = new WeakMap<object, avsc.Type>();
const byName = new Map<string, avsc.Type>();

/**
 * The avsc type of a schema, built once for each schema object.
 * Values: records are plain objects, `decimal` a Decimal, `date` "YYYY-MM-DD", `uuid` a lower-case string, the timestamps
 * safe integers in the unit of their name, `bytes` and `fixed` Buffers, enums strings, unions plain values wherever a value
 * tells its branch (otherwise `{ "branch": value }`). A long beyond the safe integers is an error, never a rounded number.
 * Attributes that Avro does not know are ignored.
 * @throws {MulgilError} SCHEMA_INVALID
 */
export function avroTypeOf(schema: AvroJson): avsc.Type {
  if (typeof schema === "string") {
    const known = byName.get(schema);
    if (known !== undefined) return known;
    const type = build(schema);
    byName.set(schema, type);
    return type;
  }
  const known = bySchema.get(schema);
  if (known !== undefined) return known;
  const type = build(schema);
  bySchema.set(schema, type);
  return type;
}

function build(schema: AvroJson): avsc.Type {
  try {
    return avsc.Type.forSchema(schema as AvscSchema, {
      logicalTypes: { decimal: DecimalType, date: DateType, uuid: UuidType },
      assertLogicalTypes: true,
      omitRecordMethods: true,
      typeHook: saferType,
    });
  } catch (error) {
    throw new MulgilError(`not a valid Avro schema${nameOf(schema)}: ${(error as Error).message}`, {
      code: "SCHEMA_INVALID",
      cause: error,
    });
  }
}

function nameOf(schema: AvroJson): string {
  const name = typeof schema === "object" && "name" in schema ? schema.name : undefined;
  return typeof name === "string" ? ` ("${name}")` : "";
}

/** Puts our own types where avsc's are not safe against garbage or not exact. */
function saferType(schema: unknown, options: AvscOptions): avsc.Type | undefined {
  if (typeof schema === "string") return exactNumberTypes[schema];
  if (Array.isArray(schema)) return unionType(schema, options);
  const { type: kind, logicalType } = schema as { readonly type?: unknown; readonly logicalType?: unknown };
  if (kind === "array") return new BoundedArrayType(schema as AvscSchema, options);
  if (kind === "map") return new BoundedMapType(schema as AvscSchema, options);
  if (kind === "enum") return enumType(schema as AvscSchema, options);
  const isOurs = logicalType === "date" || logicalType === "decimal" || logicalType === "uuid";
  return typeof kind === "string" && !isOurs ? exactNumberTypes[kind] : undefined;
}

/** avsc looks symbols up in a plain object, where it also finds "constructor" and what else every object has. */
function enumType(schema: AvscSchema, options: AvscOptions): avsc.Type {
  const type = new avsc.types.EnumType(schema, options);
  Object.setPrototypeOf((type as unknown as { readonly _indices: object })._indices, null);
  return type;
}

/** avsc takes for granted that a logical type's values look like no other branch; a Decimal looks like a record, a date like a string. */
function unionType(branches: readonly AvscSchema[], options: AvscOptions): avsc.Type {
  const types = branches.map((branch) => avsc.Type.forSchema(branch, options));
  const buckets = types.map(bucketOf);
  const isAmbiguous = new Set(buckets).size < buckets.length;
  const schema = types as unknown as AvscSchema;
  return isAmbiguous
    ? new avsc.types.WrappedUnionType(schema, options)
    : new avsc.types.UnwrappedUnionType(schema, options);
}

/** Types whose values JavaScript does not tell apart have the same bucket. */
function bucketOf(type: avsc.Type): string {
  if (type instanceof DecimalType) return "object";
  if (type instanceof DateType || type instanceof UuidType) return "string";
  return BUCKETS[type.typeName] ?? type.typeName;
}

/** A place in a value that does not fit the schema. It says what is there by its kind only: values may be personal data. */
export interface InvalidPath {
  readonly path: string;
  readonly expected: string;
  readonly found: string;
}

/** Every place where a value does not fit its type; empty if it does. */
export function invalidPaths(type: avsc.Type, value: unknown): readonly InvalidPath[] {
  const found: InvalidPath[] = [];
  const errorHook = (path: string[], part: unknown, expected: avsc.Type) => {
    found.push({ path: path.join("."), expected: describeType(expected), found: kindOf(part) });
  };
  try {
    type.isValid(value, { errorHook });
  } catch (error) {
    found.push({
      path: "",
      expected: `a value that fits one branch of its union (${(error as Error).message})`,
      found: kindOf(value),
    });
  }
  return found;
}

/** The error for a value that could not be encoded. @returns a MulgilError VALUE_INVALID */
export function valueInvalid(type: avsc.Type, value: unknown): MulgilError {
  const problems = invalidPaths(type, value).map(
    (each) => `${each.path || "the value"}: expected ${each.expected}, found ${each.found}`,
  );
  const detail = problems.length > 0 ? problems.join("; ") : "avsc could not encode it";
  return new MulgilError(`a value does not fit the schema${type.name ? ` "${type.name}"` : ""}: ${detail}`, {
    code: "VALUE_INVALID",
  });
}

function describeType(type: avsc.Type): string {
  if (type instanceof DecimalType)
    return `a Decimal of at most ${type.precision} digits, ${type.scale} of them after the point`;
  if (type instanceof DateType) return 'a calendar date "YYYY-MM-DD"';
  if (type instanceof UuidType) return "a lower-case uuid";
  if (type.typeName === "int") return "an integer of 32 bits";
  if (type.typeName === "long") return "a safe integer";
  if (type.typeName === "enum") return `one of ${(type as avsc.types.EnumType).symbols.join(", ")}`;
  if (type.typeName === "fixed") return `a Buffer of ${(type as avsc.types.FixedType).size} bytes`;
  if (type.typeName === "bytes") return "a Buffer";
  if (type.typeName.startsWith("union:")) {
    return (type as avsc.types.UnwrappedUnionType).types
      .map((branch) => (branch.typeName === "null" ? "null" : describeType(branch)))
      .join(" or ");
  }
  if (PRIMITIVES.has(type.typeName)) return `a ${type.typeName}`;
  return type.name ? `a record ${type.name}` : `${type.typeName === "array" ? "an" : "a"} ${type.typeName}`;
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (Buffer.isBuffer(value)) return `a Buffer of ${value.length} bytes`;
  if (typeof value === "object") return value.constructor?.name === "Decimal" ? "a Decimal" : "an object";
  return `a ${typeof value}`;
}
