import { Decimal } from "../../schemas/decimal.ts";

/** Any value of a store in what JSON has, as `toJson` writes those of schemas. */
export function plainJson(value: unknown): unknown {
  if (value instanceof Decimal) return value.toString();
  if (Buffer.isBuffer(value)) return value.toString("base64");
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return value.map(plainJson);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plainJson(item)]));
  if (value instanceof Set) return [...value].map(plainJson);
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plainJson(item)]));
}
