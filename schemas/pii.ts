import type { AvroJson } from "./schema.ts";

/** How a field that holds personal data is shown: a text in its place, a text that is equal for equal values, or not at all. */
export type PiiRule = "mask" | "hash" | "drop";

/** The attribute of a field that says so. */
export const PII = "pii";

const BY_STRICTNESS: readonly PiiRule[] = ["hash", "mask", "drop"];

/** What a field's attributes say; undefined if it holds no personal data. What cannot be understood is masked: somebody meant to hide it. */
export function piiRuleOf(attributes: { readonly [attribute: string]: unknown }): PiiRule | undefined {
  const given = attributes[PII];
  if (given === undefined || given === null || given === false) return undefined;
  return BY_STRICTNESS.find((rule) => rule === given) ?? "mask";
}

/** The rule that tells less. */
export function stricter(left: PiiRule | undefined, right: PiiRule | undefined): PiiRule | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return BY_STRICTNESS.indexOf(left) < BY_STRICTNESS.indexOf(right) ? right : left;
}

/** What is wrong with the "pii" attributes of a schema that somebody wrote: nobody may believe that a field is hidden which is not. */
export function piiProblem(avro: AvroJson, isField = false): string | undefined {
  if (typeof avro !== "object" || avro === null) return undefined;
  if (Array.isArray(avro)) return first(avro as readonly AvroJson[], (each) => piiProblem(each));
  const schema = avro as { readonly [attribute: string]: unknown };
  const rule = schema[PII];
  if (rule !== undefined && !isField)
    return `"${PII}" stands at ${nameOf(schema)}, which is no field: put it beside the "name" and "type" of a field`;
  if (rule !== undefined && !BY_STRICTNESS.includes(rule as PiiRule))
    return `"${PII}" of ${nameOf(schema)} must be "mask", "hash" or "drop", not ${JSON.stringify(rule)}`;
  const { type, items, values, fields = [] } = schema as Readonly<Record<string, AvroJson>>;
  const parts = [type, items, values].filter((part) => part !== undefined);
  return (
    first(parts, (part) => piiProblem(part)) ?? first(fields as readonly AvroJson[], (field) => piiProblem(field, true))
  );
}

const nameOf = ({ name, type }: { readonly [attribute: string]: unknown }): string => JSON.stringify(name ?? type);

function first<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
