import {
  type AvroNode,
  avroNodeOf,
  branchName,
  type EnumNode,
  type FieldNode,
  type FixedNode,
  type PrimitiveNode,
  type RecordNode,
} from "./avro-node.ts";
import type { AvroJson } from "./schema.ts";

export interface Incompatibility {
  /** Where, in the reader's names: "Transaction.amount", "Transaction.lines[].day". */
  readonly path: string;
  /** Why it cannot be read, and what to do. */
  readonly message: string;
}

/** What a reader may read besides its own kind, by Avro's resolution rules. */
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  long: ["int"],
  float: ["int", "long"],
  double: ["int", "long", "float"],
  string: ["bytes"],
  bytes: ["string"],
};

/**
 * Every reason why a reader with one schema could not read what a writer with another wrote; empty if it can.
 * These are Avro's resolution rules, and stricter where a value would silently change its meaning: a decimal keeps its
 * scale and does not lose precision, a millisecond does not become a microsecond, and a plain value does not become a
 * date, uuid or decimal. A logical type may be dropped: the underlying value is then read as it is.
 */
export function checkCanRead(reader: AvroJson, writer: AvroJson): readonly Incompatibility[] {
  const root = avroNodeOf(reader);
  const issues = new Comparison().compare(root, avroNodeOf(writer), shortName(root));
  return [...new Map(issues.map((issue) => [`${issue.path}\n${issue.message}`, issue])).values()];
}

class Comparison {
  /** Pairs of records that were compared, or are being compared: a record that contains itself is taken to fit meanwhile. */
  readonly #compared = new Map<RecordNode, Map<RecordNode, readonly Incompatibility[]>>();

  compare(reader: AvroNode, writer: AvroNode, path: string): readonly Incompatibility[] {
    if (writer.kind === "union") return writer.branches.flatMap((branch) => this.compare(reader, branch, path));
    if (reader.kind === "union") return this.#compareWithBranches(reader.branches, writer, path);
    if (reader.kind === "record" && writer.kind === "record") return this.#compareRecords(reader, writer, path);
    if (reader.kind === "array" && writer.kind === "array")
      return this.compare(reader.items, writer.items, `${path}[]`);
    if (reader.kind === "map" && writer.kind === "map") return this.compare(reader.values, writer.values, `${path}{}`);
    if (reader.kind === "enum" && writer.kind === "enum") return compareEnums(reader, writer, path);
    if (reader.kind === "fixed" && writer.kind === "fixed") return compareFixed(reader, writer, path);
    if (isPrimitive(reader) && isPrimitive(writer)) return comparePrimitives(reader, writer, path);
    return kindIssue(reader, writer, path);
  }

  #compareWithBranches(branches: readonly AvroNode[], writer: AvroNode, path: string): readonly Incompatibility[] {
    const attempts = branches.map((branch) => ({ branch, issues: this.compare(branch, writer, path) }));
    if (attempts.some((attempt) => attempt.issues.length === 0)) return [];
    const likely = attempts.filter((attempt) => attempt.branch.kind === writer.kind);
    if (likely.length === 1) return likely[0]!.issues;
    const names = branches.map(describe).join(", ");
    return [
      {
        path,
        message: `the writer's ${describe(writer)} fits no branch of the reader's union (${names}): add it as a branch`,
      },
    ];
  }

  #compareRecords(reader: RecordNode, writer: RecordNode, path: string): readonly Incompatibility[] {
    const known = this.#compared.get(reader)?.get(writer);
    if (known !== undefined) return known;
    const byWriter = this.#compared.get(reader) ?? new Map<RecordNode, readonly Incompatibility[]>();
    this.#compared.set(reader, byWriter.set(writer, []));
    const names = nameIssue(reader, writer, path);
    const issues =
      names.length > 0
        ? names
        : reader.fields.flatMap((field) => this.#compareField(field, writer, `${path}.${field.name}`));
    byWriter.set(writer, issues);
    return issues;
  }

  #compareField(field: FieldNode, writer: RecordNode, path: string): readonly Incompatibility[] {
    const names = new Set([field.name, ...field.aliases]);
    const matches = writer.fields.filter((candidate) => names.has(candidate.name));
    if (matches.length > 1) {
      const list = matches.map((match) => `"${match.name}"`).join(" and ");
      return [{ path, message: `the writer has ${list}, and by its aliases the field means both: remove an alias` }];
    }
    if (matches.length === 1) return this.compare(field.node, matches[0]!.node, path);
    if (field.defaultJson !== undefined) return [];
    return [{ path, message: "the writer does not have the field: give it a default, or an alias if it was renamed" }];
  }
}

function comparePrimitives(reader: PrimitiveNode, writer: PrimitiveNode, path: string): readonly Incompatibility[] {
  if (reader.kind !== writer.kind && !PROMOTIONS[reader.kind]?.includes(writer.kind))
    return kindIssue(reader, writer, path);
  if (reader.kind !== writer.kind && writer.logical === "decimal") return kindIssue(reader, writer, path);
  return compareLogical(reader, writer, path);
}

function compareLogical(
  reader: PrimitiveNode | FixedNode,
  writer: PrimitiveNode | FixedNode,
  path: string,
): readonly Incompatibility[] {
  if (reader.logical === undefined) return [];
  const isTimestamp = reader.logical === "timestamp-millis" || reader.logical === "timestamp-micros";
  if (isTimestamp && writer.logical === undefined) return [];
  if (reader.logical !== writer.logical) return kindIssue(reader, writer, path);
  if (reader.logical !== "decimal") return [];
  const issues: Incompatibility[] = [];
  if (reader.scale !== writer.scale) {
    issues.push({
      path,
      message: `the scale of a decimal cannot change from ${writer.scale} to ${reader.scale}: add a new field instead`,
    });
  }
  if (reader.precision! < writer.precision!) {
    issues.push({
      path,
      message: `the precision of a decimal cannot fall from ${writer.precision} to ${reader.precision}: keep ${writer.precision}`,
    });
  }
  return issues;
}

function compareEnums(reader: EnumNode, writer: EnumNode, path: string): readonly Incompatibility[] {
  const names = nameIssue(reader, writer, path);
  if (names.length > 0 || reader.defaultSymbol !== undefined) return names;
  const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
  if (missing.length === 0) return [];
  return [{ path, message: `the enum lacks the symbols ${missing.join(", ")}: keep them, or give the enum a default` }];
}

function compareFixed(reader: FixedNode, writer: FixedNode, path: string): readonly Incompatibility[] {
  const names = nameIssue(reader, writer, path);
  if (names.length > 0) return names;
  if (reader.size === writer.size) return compareLogical(reader, writer, path);
  return [
    {
      path,
      message: `the size of a fixed cannot change from ${writer.size} to ${reader.size}: add a new field instead`,
    },
  ];
}

function nameIssue(
  reader: RecordNode | EnumNode | FixedNode,
  writer: RecordNode | EnumNode | FixedNode,
  path: string,
): readonly Incompatibility[] {
  if (reader.name === writer.name || reader.aliases.includes(writer.name)) return [];
  const message = `the writer's ${writer.kind} is called "${writer.name}" and the reader's "${reader.name}": add the alias "${writer.name}"`;
  return [{ path, message }];
}

function kindIssue(reader: AvroNode, writer: AvroNode, path: string): readonly Incompatibility[] {
  return [
    { path, message: `${describe(writer)} cannot be read as ${describe(reader)}: keep the type, or add a new field` },
  ];
}

const isPrimitive = (node: AvroNode): node is PrimitiveNode =>
  node.kind !== "record" &&
  node.kind !== "enum" &&
  node.kind !== "fixed" &&
  node.kind !== "array" &&
  node.kind !== "map" &&
  node.kind !== "union";

function describe(node: AvroNode): string {
  if ("logical" in node && node.logical !== undefined) {
    const digits = node.logical === "decimal" ? `(${node.precision}, ${node.scale})` : "";
    return `${node.kind} ${node.logical}${digits}`;
  }
  return "name" in node ? `${node.kind} "${node.name}"` : node.kind;
}

const shortName = (node: AvroNode): string => branchName(node).split(".").at(-1)!;
