import { avroTypeOf } from "./avro-type.ts";
import { type PiiRule, piiRuleOf } from "./pii.ts";
import type { AvroJson } from "./schema.ts";

/**
 * A schema with its names resolved: what tools that walk a schema (compatibility, JSON, generated types) read instead of
 * the JSON. A record that contains itself is the same object again.
 */
export type AvroNode = PrimitiveNode | FixedNode | EnumNode | RecordNode | ArrayNode | MapNode | UnionNode;

export type PrimitiveKind = "null" | "boolean" | "int" | "long" | "float" | "double" | "bytes" | "string";
export type LogicalKind = "decimal" | "date" | "uuid" | "timestamp-millis" | "timestamp-micros";

export interface PrimitiveNode {
  readonly kind: PrimitiveKind;
  readonly logical?: LogicalKind;
  readonly precision?: number;
  readonly scale?: number;
}

interface Named {
  /** With the namespace. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly doc?: string;
}

export interface FixedNode extends Named {
  readonly kind: "fixed";
  readonly size: number;
  readonly logical?: "decimal";
  readonly precision?: number;
  readonly scale?: number;
}

export interface EnumNode extends Named {
  readonly kind: "enum";
  readonly symbols: readonly string[];
  readonly defaultSymbol?: string;
}

export interface FieldNode {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly doc?: string;
  readonly node: AvroNode;
  /** As the schema's JSON has it; undefined if there is none. */
  readonly defaultJson: unknown;
  /** Set if it holds personal data. */
  readonly pii?: PiiRule;
}

export interface RecordNode extends Named {
  readonly kind: "record";
  readonly fields: readonly FieldNode[];
}

export interface ArrayNode {
  readonly kind: "array";
  readonly items: AvroNode;
}

export interface MapNode {
  readonly kind: "map";
  readonly values: AvroNode;
}

export interface UnionNode {
  readonly kind: "union";
  readonly branches: readonly AvroNode[];
  /** Whether values are written `{ "branch": value }`, because a plain value would not tell its branch. */
  readonly isWrapped: boolean;
}

type Attributes = { readonly [attribute: string]: unknown };

interface Scope {
  readonly namespace: string;
  readonly names: Map<string, AvroNode>;
}

const PRIMITIVES: ReadonlySet<unknown> = new Set([
  "null",
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "bytes",
  "string",
]);
/** Types whose values JavaScript does not tell apart, as avro-type.ts has them. */
const BUCKETS: Readonly<Record<string, string>> = {
  int: "number",
  long: "number",
  float: "number",
  double: "number",
  enum: "string",
  fixed: "bytes",
  map: "object",
  record: "object",
  decimal: "object",
  date: "string",
  uuid: "string",
};

const bySchema = new WeakMap<object, AvroNode>();

/** Built once for each schema object. @throws {MulgilError} SCHEMA_INVALID */
export function avroNodeOf(schema: AvroJson): AvroNode {
  const known = typeof schema === "object" ? bySchema.get(schema) : undefined;
  if (known !== undefined) return known;
  avroTypeOf(schema);
  const node = parse(schema, { namespace: "", names: new Map() });
  if (typeof schema === "object") bySchema.set(schema, node);
  return node;
}

/** The name by which a wrapped union and an error message call a branch. */
export function branchName(node: AvroNode): string {
  return "name" in node ? node.name : node.kind;
}

/** With the namespace; undefined for what is no record. */
export function recordName(avro: AvroJson): string | undefined {
  const node = avroNodeOf(avro);
  return node.kind === "record" ? node.name : undefined;
}

/** Builds the schema of a node again, without attributes that Avro does not know. Every name is defined where it is first met. */
export function avroJsonOf(node: AvroNode, defined: Set<string> = new Set()): AvroJson {
  if (node.kind === "union") return node.branches.map((branch) => avroJsonOf(branch, defined));
  if (node.kind === "array") return { type: "array", items: avroJsonOf(node.items, defined) };
  if (node.kind === "map") return { type: "map", values: avroJsonOf(node.values, defined) };
  if (!("name" in node)) return withLogical(node, { type: node.kind });
  if (defined.has(node.name)) return node.name;
  defined.add(node.name);
  // An empty namespace, so that a name without one is not taken for a neighbour of the record around it.
  const base = {
    type: node.kind,
    name: node.name,
    aliases: node.aliases,
    ...(node.name.includes(".") ? {} : { namespace: "" }),
  };
  if (node.kind === "fixed") return withLogical(node, { ...base, size: node.size });
  if (node.kind === "enum") {
    return {
      ...base,
      symbols: node.symbols,
      ...(node.defaultSymbol === undefined ? {} : { default: node.defaultSymbol }),
    };
  }
  return { ...base, fields: node.fields.map((field) => fieldJson(field, defined)) };
}

function fieldJson(field: FieldNode, defined: Set<string>): AvroJson {
  const rest = field.defaultJson === undefined ? {} : { default: field.defaultJson };
  return { name: field.name, aliases: field.aliases, type: avroJsonOf(field.node, defined), ...rest };
}

function withLogical(node: PrimitiveNode | FixedNode, base: Attributes): AvroJson {
  if (node.logical === undefined) return base;
  if (node.logical !== "decimal") return { ...base, logicalType: node.logical };
  return { ...base, logicalType: "decimal", precision: node.precision, scale: node.scale };
}

function parse(schema: unknown, scope: Scope): AvroNode {
  if (typeof schema === "string") return parseName(schema, scope);
  if (Array.isArray(schema)) return parseUnion(schema, scope);
  const attributes = schema as Attributes;
  switch (attributes["type"]) {
    case "array":
      return { kind: "array", items: parse(attributes["items"], scope) };
    case "map":
      return { kind: "map", values: parse(attributes["values"], scope) };
    case "record":
    case "error":
      return parseRecord(attributes, scope);
    case "enum":
      return parseEnum(attributes, scope);
    case "fixed":
      return parseFixed(attributes, scope);
    default:
      return { kind: attributes["type"] as PrimitiveKind, ...logicalOf(attributes) };
  }
}

function parseName(name: string, scope: Scope): AvroNode {
  if (PRIMITIVES.has(name)) return { kind: name as PrimitiveKind };
  return scope.names.get(qualified(name, scope.namespace))!;
}

function parseUnion(branches: readonly unknown[], scope: Scope): UnionNode {
  const nodes = branches.map((branch) => parse(branch, scope));
  const buckets = nodes.map(
    (node) => BUCKETS[("logical" in node && node.logical) || ""] ?? BUCKETS[node.kind] ?? node.kind,
  );
  return { kind: "union", branches: nodes, isWrapped: new Set(buckets).size < buckets.length };
}

function parseRecord(attributes: Attributes, scope: Scope): RecordNode {
  const named = namedOf(attributes, scope);
  const fields: FieldNode[] = [];
  const node: RecordNode = { kind: "record", ...named, fields };
  scope.names.set(named.name, node);
  const inner = { namespace: namespaceOf(named.name), names: scope.names };
  for (const field of attributes["fields"] as readonly Attributes[]) {
    fields.push({
      name: field["name"] as string,
      aliases: (field["aliases"] ?? []) as readonly string[],
      ...docOf(field),
      node: parse(field["type"], inner),
      defaultJson: field["default"],
      ...piiOf(field),
    });
  }
  return node;
}

function parseEnum(attributes: Attributes, scope: Scope): EnumNode {
  const fallback = attributes["default"] as string | undefined;
  const node: EnumNode = {
    kind: "enum",
    ...namedOf(attributes, scope),
    symbols: attributes["symbols"] as readonly string[],
    ...(fallback === undefined ? {} : { defaultSymbol: fallback }),
  };
  scope.names.set(node.name, node);
  return node;
}

function parseFixed(attributes: Attributes, scope: Scope): FixedNode {
  const { logical, precision, scale } = logicalOf(attributes);
  const base = { kind: "fixed" as const, ...namedOf(attributes, scope), size: attributes["size"] as number };
  const node: FixedNode = logical === "decimal" ? { ...base, logical, precision: precision!, scale: scale! } : base;
  scope.names.set(node.name, node);
  return node;
}

function namedOf(attributes: Attributes, scope: Scope): Named {
  const namespace = (attributes["namespace"] as string | undefined) ?? scope.namespace;
  const name = qualified((attributes["name"] as string | undefined) ?? "", namespace);
  const aliases = ((attributes["aliases"] ?? []) as readonly string[]).map((alias) =>
    qualified(alias, namespaceOf(name)),
  );
  return { name, aliases, ...docOf(attributes) };
}

const docOf = (attributes: Attributes): { readonly doc?: string } =>
  typeof attributes["doc"] === "string" ? { doc: attributes["doc"] } : {};

function piiOf(field: Attributes): { readonly pii?: PiiRule } {
  const pii = piiRuleOf(field);
  return pii === undefined ? {} : { pii };
}

const qualified = (name: string, namespace: string): string =>
  name.includes(".") || namespace === "" ? name : `${namespace}.${name}`;

const namespaceOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf(".")));

function logicalOf(attributes: Attributes): { logical?: LogicalKind; precision?: number; scale?: number } {
  const logical = attributes["logicalType"];
  const kind = attributes["type"];
  if (logical === "decimal") {
    return { logical, precision: attributes["precision"] as number, scale: (attributes["scale"] ?? 0) as number };
  }
  if (logical === "date" || logical === "uuid") return { logical };
  if (kind === "long" && (logical === "timestamp-millis" || logical === "timestamp-micros")) return { logical };
  return {};
}
