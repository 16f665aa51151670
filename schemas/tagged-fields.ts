import { type AvroNode, avroNodeOf, type FieldNode } from "./avro-node.ts";
import { type PiiRule, stricter } from "./pii.ts";
import type { AvroJson } from "./schema.ts";

/** The rule of the tagged fields that tells least; undefined if none is tagged. What was made of such a value may be a copy of any of them. */
export const strictestRule = (schemas: readonly AvroJson[]): PiiRule | undefined =>
  schemas
    .flatMap((avro) => [...fieldsIn(avroNodeOf(avro), new Set())])
    .reduce<PiiRule | undefined>((rule, field) => stricter(rule, field.pii), undefined);

/** Whether a schema has any field that could be tagged. */
export const hasFields = (avro: AvroJson): boolean => !fieldsIn(avroNodeOf(avro), new Set()).next().done;

/**
 * The rule of a field, by its path of names or aliases ("customer.phone"): of those on the way, itself, and what it holds, the strictest that any of
 * the schemas says. "unknown" if none of them has the field.
 */
export function ruleOfPath(schemas: readonly AvroJson[], path: string): PiiRule | undefined | "unknown" {
  const found = schemas.map((avro) => below([avroNodeOf(avro)], path.split("."))).filter((each) => each !== undefined);
  if (found.length === 0) return "unknown";
  return found.flat().reduce<PiiRule | undefined>((rule, field) => stricter(rule, field.pii), undefined);
}

/** Fields on a path and behind it; undefined if it leads nowhere. */
function below(nodes: readonly AvroNode[], [name, ...rest]: readonly string[]): readonly FieldNode[] | undefined {
  if (name === undefined) return nodes.flatMap((node) => [...fieldsIn(node, new Set())]);
  const fields = nodes
    .flatMap((node) => (node.kind === "union" ? node.branches : node))
    .flatMap((node) => (node.kind === "record" ? node.fields : []))
    .filter((field) => field.name === name || field.aliases.includes(name));
  const behind = fields.map((field) => below([field.node], rest)).filter((each) => each !== undefined);
  return behind.length === 0 ? undefined : [...fields, ...behind.flat()];
}

function* fieldsIn(node: AvroNode, seen: Set<AvroNode>): Generator<FieldNode> {
  if (seen.has(node)) return;
  seen.add(node);
  if (node.kind === "union") for (const branch of node.branches) yield* fieldsIn(branch, seen);
  if (node.kind === "array") yield* fieldsIn(node.items, seen);
  if (node.kind === "map") yield* fieldsIn(node.values, seen);
  if (node.kind !== "record") return;
  for (const field of node.fields) {
    yield field;
    yield* fieldsIn(field.node, seen);
  }
}
