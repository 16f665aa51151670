import { isDeepStrictEqual } from "node:util";
import { type AvroNode, avroNodeOf, branchName, type FieldNode, type RecordNode } from "./avro-node.ts";
import type { AvroJson } from "./schema.ts";

/** One difference between two schemas. */
export interface SchemaChange {
  /** In the names of the newer schema where it has them: "Transaction.lines[].day"; an attribute of a field behind "@": "Transaction.amount@pii". */
  readonly path: string;
  readonly change: "added" | "removed" | "changed";
  /** As text; undefined of what was added. */
  readonly before?: string;
  /** As text; undefined of what was removed. */
  readonly after?: string;
}

/** Attributes that are compared as parts of the structure. */
const STRUCTURE: ReadonlySet<string> = new Set(["type", "name", "namespace", "fields", "symbols", "size", "default"]);

/** What differs, field by field, in the order of the newer schema; what is gone comes last. Documentation and attributes of ours count too. */
export function schemaDiff(before: AvroJson, after: AvroJson): readonly SchemaChange[] {
  const root = avroNodeOf(after);
  const changes = new Differences().compare(avroNodeOf(before), root, shortName(root));
  const all = [...changes, ...attributeChanges(before, after, shortName(root))];
  return [...new Map(all.map((change) => [`${change.path}\n${change.change}`, change])).values()];
}

class Differences {
  /** Records that are being compared: one may contain itself. */
  readonly #compared = new Set<RecordNode>();

  compare(before: AvroNode, after: AvroNode, path: string): readonly SchemaChange[] {
    if (before.kind === "record" && after.kind === "record") return this.#records(before, after, path);
    if (before.kind === "array" && after.kind === "array") return this.compare(before.items, after.items, `${path}[]`);
    if (before.kind === "map" && after.kind === "map") return this.compare(before.values, after.values, `${path}{}`);
    if (before.kind === "enum" && after.kind === "enum") return enums(before.symbols, after.symbols, path);
    const [was, is] = [typeText(before), typeText(after)];
    if (was !== is) return [{ path, change: "changed", before: was, after: is }];
    if (before.kind !== "union" || after.kind !== "union") return [];
    return after.branches.flatMap((branch, index) => this.compare(before.branches[index]!, branch, path));
  }

  #records(before: RecordNode, after: RecordNode, path: string): readonly SchemaChange[] {
    if (this.#compared.has(after)) return [];
    this.#compared.add(after);
    const renamed = before.name === after.name ? [] : [changed(path, `record ${before.name}`, `record ${after.name}`)];
    const found = new Set<FieldNode>();
    const kept = after.fields.flatMap((field): readonly SchemaChange[] => {
      const own = `${path}.${field.name}`;
      const former = before.fields.find(({ name }) => name === field.name || field.aliases.includes(name));
      if (former === undefined) return [{ path: own, change: "added", after: fieldText(field) }];
      found.add(former);
      return [...this.compare(former.node, field.node, own), ...fieldChanges(former, field, own)];
    });
    const gone = before.fields.filter((field) => !found.has(field));
    return [
      ...renamed,
      ...kept,
      ...gone.map((field) => ({
        path: `${path}.${field.name}`,
        change: "removed" as const,
        before: fieldText(field),
      })),
    ];
  }
}

function fieldChanges(before: FieldNode, after: FieldNode, path: string): readonly SchemaChange[] {
  const changes: SchemaChange[] = [];
  if (before.name !== after.name) changes.push(changed(path, before.name, after.name));
  if (!isDeepStrictEqual(before.defaultJson, after.defaultJson))
    changes.push(changed(`${path}@default`, text(before.defaultJson), text(after.defaultJson)));
  return changes;
}

function enums(before: readonly string[], after: readonly string[], path: string): readonly SchemaChange[] {
  const added = after.filter((symbol) => !before.includes(symbol));
  const removed = before.filter((symbol) => !after.includes(symbol));
  return [
    ...added.map((symbol) => ({ path: `${path}.${symbol}`, change: "added" as const, after: `symbol ${symbol}` })),
    ...removed.map((symbol) => ({
      path: `${path}.${symbol}`,
      change: "removed" as const,
      before: `symbol ${symbol}`,
    })),
  ];
}

const changed = (path: string, before: string | undefined, after: string | undefined): SchemaChange => ({
  path,
  change: before === undefined ? "added" : after === undefined ? "removed" : "changed",
  ...(before !== undefined && { before }),
  ...(after !== undefined && { after }),
});

/** "int", "union of null, string", "decimal(10, 2)", "array of Line". */
function typeText(node: AvroNode): string {
  if (node.kind === "union") return `union of ${node.branches.map(typeText).join(", ")}`;
  if (node.kind === "array") return `array of ${typeText(node.items)}`;
  if (node.kind === "map") return `map of ${typeText(node.values)}`;
  if ("logical" in node && node.logical !== undefined)
    return `${node.kind} ${node.logical}${node.logical === "decimal" ? `(${node.precision}, ${node.scale})` : ""}`;
  if (node.kind === "fixed") return `fixed ${node.name} of ${node.size} bytes`;
  return "name" in node ? `${node.kind} ${node.name}` : node.kind;
}

const fieldText = ({ node, defaultJson }: FieldNode): string =>
  `${typeText(node)}${defaultJson === undefined ? "" : `, default ${text(defaultJson)}`}`;

const text = (value: unknown): string | undefined => (value === undefined ? undefined : JSON.stringify(value));

const shortName = (node: AvroNode): string => branchName(node).split(".").at(-1)!;

/** What stands beside the structure: "doc", "aliases", "pii" of fields; "topic", "key" and what else the record says. */
function attributeChanges(before: AvroJson, after: AvroJson, root: string): readonly SchemaChange[] {
  const [was, is] = [attributesOf(before, root), attributesOf(after, root)];
  return [...new Set([...is.keys(), ...was.keys()])].flatMap((path) => {
    // A field that is new or gone has been told as a whole.
    const owner = path.slice(0, path.lastIndexOf("@"));
    if (!was.has(`${owner}@`) || !is.has(`${owner}@`)) return [];
    return was.get(path) === is.get(path) ? [] : [changed(path, was.get(path), is.get(path))];
  });
}

/** By path; a path that ends in "@" says that there is such a record or field. */
function attributesOf(schema: unknown, path: string, found = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(schema)) for (const branch of schema) attributesOf(branch, path, found);
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return found;
  const { type, items, values, fields } = schema as Record<string, unknown>;
  note(schema, path, found);
  if (typeof type === "object") attributesOf(type, path, found);
  if (items !== undefined) attributesOf(items, `${path}[]`, found);
  if (values !== undefined) attributesOf(values, `${path}{}`, found);
  for (const field of (fields ?? []) as readonly { name: string; type: unknown }[]) {
    note(field, `${path}.${field.name}`, found);
    attributesOf(field.type, `${path}.${field.name}`, found);
  }
  return found;
}

function note(attributes: object, path: string, found: Map<string, string>): void {
  found.set(`${path}@`, "");
  for (const [name, value] of Object.entries(attributes)) {
    const isStructure = STRUCTURE.has(name) || name === "items" || name === "values";
    const isLogical = name === "logicalType" || name === "precision" || name === "scale";
    if (!isStructure && !isLogical) found.set(`${path}@${name}`, JSON.stringify(value));
  }
}
