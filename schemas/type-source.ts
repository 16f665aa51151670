import { type AvroNode, avroNodeOf, branchName, type RecordNode } from "./avro-node.ts";
import { MulgilError } from "./mulgil-error.ts";
import { topicSchemaOf } from "./project-schemas.ts";
import type { AvroJson } from "./schema.ts";
import { camelCase, docComment, fitsOnLine, literal, propertyName, quoted, unionOf } from "./source-text.ts";

/**
 * The TypeScript module of one .avsc file: an interface for each record, a union of literals for each enum, a handle that
 * carries the schema and its type, and a topic handle if the schema names a topic.
 * @throws {MulgilError} SCHEMA_FILE
 */
export function typeSource(avro: AvroJson, file: string): string {
  const root = avroNodeOf(avro);
  if (!("name" in root))
    throw fileError(file, "the schema of a file must be a record, an enum or a fixed: give it a name");
  const declarations = declarationsOf(root, file);
  const body = [...declarations, ...handlesOf(avro, root.name, file)].join("\n");
  const header = `// Generated from ${file} by "mulgil types". Do not edit.\n`;
  const needsDecimal = [...namedOf(root).values()].some(usesDecimal);
  return `${header}${needsDecimal ? 'import type { Decimal } from "mulgil";\n' : ""}\n${body}`;
}

function handlesOf(avro: AvroJson, name: string, file: string): readonly string[] {
  const topic = topicSchemaOf(avro, file);
  const topicHandle = topic === undefined ? undefined : camelCase(topic.topic.split(".").at(-1)!, "Topic");
  const plain = camelCase(shortName(name), "Schema");
  const schemaHandle = plain === topicHandle ? `${plain}Schema` : plain;
  const schema = [
    `export const ${schemaHandle}: {`,
    "  readonly avro: { readonly [attribute: string]: unknown };",
    `  readonly type?: ${shortName(name)};`,
    "} = {",
    `  avro: ${literal(avro, 2, 8)},`,
    "};\n",
  ].join("\n");
  if (topic === undefined || topicHandle === undefined) return [schema];
  const { key, keyType, eventTime, partitions } = topic;
  const attributes = { ...(key === undefined ? { keyType } : { key }), eventTime, partitions };
  const lines = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const handle = [
    `export const ${topicHandle} = {`,
    `  name: ${quoted(topic.topic)},`,
    `  value: ${schemaHandle},`,
    ...lines.map(([attribute, value]) => `  ${attribute}: ${typeof value === "string" ? quoted(value) : value},`),
    "} as const;\n",
  ].join("\n");
  return [schema, handle];
}

function declarationsOf(root: AvroNode, file: string): readonly string[] {
  const named = namedOf(root);
  const full = new Map<string, string>([
    ["Decimal", "the Decimal of this package"],
    ["Buffer", "the Buffer of Node"],
  ]);
  return [...named].map(([name, node]) => {
    const short = shortName(name);
    const other = full.get(short);
    if (other !== undefined)
      throw fileError(file, `"${name}" and ${other} would both be the type ${short}: rename one`);
    full.set(short, `"${name}"`);
    return declarationOf(short, node);
  });
}

/** Every type with a name, in the order in which the schema defines them. */
function namedOf(node: AvroNode, found: Map<string, AvroNode> = new Map()): ReadonlyMap<string, AvroNode> {
  if ("name" in node && found.has(node.name)) return found;
  if ("name" in node) found.set(node.name, node);
  for (const part of partsOf(node)) namedOf(part, found);
  return found;
}

function partsOf(node: AvroNode): readonly AvroNode[] {
  if (node.kind === "array") return [node.items];
  if (node.kind === "map") return [node.values];
  if (node.kind === "union") return node.branches;
  return node.kind === "record" ? node.fields.map((field) => field.node) : [];
}

/** Whether the declaration of a named type mentions Decimal. */
function usesDecimal(node: AvroNode): boolean {
  if ("logical" in node && node.logical === "decimal") return true;
  return partsOf(node).some((part) => !("name" in part) && usesDecimal(part));
}

function declarationOf(name: string, node: AvroNode): string {
  const doc = "doc" in node ? docComment(node.doc, 0) : "";
  if (node.kind === "record") return `${doc}${interfaceOf(name, node)}`;
  const alternatives = node.kind === "enum" ? node.symbols.map(quoted) : [anonymousType(node)];
  return `${doc}${unionOf(`export type ${name} =`, 2, alternatives)}\n`;
}

function interfaceOf(name: string, record: RecordNode): string {
  if (record.fields.length === 0) return `export type ${name} = { readonly [field: string]: never };\n`;
  const fields = record.fields.map((field) => {
    return `${docComment(field.doc, 2)}${typed(`  readonly ${propertyName(field.name)}:`, 2, field.node)}`;
  });
  return `export interface ${name} {\n${fields.join("\n")}\n}\n`;
}

/** `<start> <type>;`, over several lines where one would be too long. */
function typed(start: string, indent: number, node: AvroNode): string {
  if (fitsOnLine(`${start} ${typeOf(node)};`)) return `${start} ${typeOf(node)};`;
  const spaces = " ".repeat(indent);
  if (node.kind === "map")
    return `${start} {\n${typed(`${spaces}  readonly [key: string]:`, indent + 2, node.values)}\n${spaces}};`;
  if (node.kind === "array" && node.items.kind === "union") {
    const lines = alternativesOf(node.items).map((type) => `${spaces}  | ${type}\n`);
    return `${start} readonly (\n${lines.join("")}${spaces})[];`;
  }
  return unionOf(start, indent + 2, alternativesOf(node));
}

/** The types that a value may have, null last. */
function alternativesOf(node: AvroNode): readonly string[] {
  if (node.kind !== "union") return [typeOf(node)];
  const isNull = (branch: AvroNode) => branch.kind === "null";
  const values = node.branches.filter((branch) => !isNull(branch));
  const types = values.map((branch) =>
    node.isWrapped ? `{ readonly ${propertyName(branchName(branch))}: ${typeOf(branch)} }` : typeOf(branch),
  );
  return node.branches.some(isNull) ? [...types, "null"] : types;
}

function typeOf(node: AvroNode): string {
  if (node.kind === "union") return alternativesOf(node).join(" | ");
  return "name" in node ? shortName(node.name) : anonymousType(node);
}

function anonymousType(node: AvroNode): string {
  if ("logical" in node && node.logical === "decimal") return "Decimal";
  switch (node.kind) {
    case "int":
    case "long":
    case "float":
    case "double":
      return "logical" in node && node.logical === "date" ? "string" : "number";
    case "bytes":
    case "fixed":
      return "Buffer";
    case "array":
      return `readonly ${itemType(node.items)}[]`;
    case "map":
      return `{ readonly [key: string]: ${typeOf(node.values)} }`;
    default:
      return node.kind;
  }
}

function itemType(node: AvroNode): string {
  const type = typeOf(node);
  const needsParentheses = type.startsWith("readonly ") || (node.kind === "union" && node.branches.length > 1);
  return needsParentheses ? `(${type})` : type;
}

const shortName = (name: string): string => name.split(".").at(-1)!;

const fileError = (file: string, message: string) =>
  new MulgilError(`${file}: ${message}`, { code: "SCHEMA_FILE", context: { file } });
