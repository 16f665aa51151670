import type { AvroJson } from "./schema.ts";

/** A schema as text that is equal for equal schemas, however their attributes are ordered. Custom attributes count. */
export function canonicalText(avro: AvroJson): string {
  return JSON.stringify(avro, (_attribute, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}
