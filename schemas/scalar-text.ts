import type { AvroNode, EnumNode, FixedNode, PrimitiveNode } from "./avro-node.ts";
import { daysOfDate } from "./calendar-date.ts";
import { Decimal } from "./decimal.ts";
import { MulgilError } from "./mulgil-error.ts";
import { isUuid } from "./uuid-type.ts";

export type ScalarNode = Exclude<AvroNode, { readonly kind: "record" | "array" | "map" | "union" }>;

/** Either the value, or what was expected instead of the input. */
export type ScalarResult =
  | { readonly value: unknown; readonly expected?: undefined }
  | { readonly value?: undefined; readonly expected: string };

const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Doubles give back every decimal number of so many digits as it was written. */
const EXACT_DIGITS = 15;

/** Reads one text, number or boolean of a file as a value of a scalar schema. */
export function scalarFrom(node: ScalarNode, input: unknown): ScalarResult {
  if (node.kind === "fixed" || node.kind === "enum")
    return node.kind === "enum" ? enumFrom(node, input) : fixedFrom(node, input);
  if (node.logical === "decimal") return decimalFrom(node, input);
  if (node.logical === "date")
    return accept(
      typeof input === "string" && daysOfDate(input) !== undefined ? input : undefined,
      'a calendar date "YYYY-MM-DD"',
    );
  if (node.logical === "uuid") return uuidFrom(input);
  if (node.logical !== undefined) return timestampFrom(node.logical, input);
  switch (node.kind) {
    case "null":
      return input === null || input === "" ? { value: null } : { expected: "null" };
    case "boolean":
      return booleanFrom(input);
    case "int":
      return accept(
        integerFrom(input, (value) => value === (value | 0)),
        "an integer of 32 bits",
      );
    case "long":
      return accept(integerFrom(input, Number.isSafeInteger), "an integer that a number holds exactly (2^53)");
    case "float":
    case "double":
      return accept(doubleFrom(input), "a number");
    case "bytes":
      return accept(base64From(input), "base64");
    default:
      return accept(typeof input === "string" ? input : undefined, "a text");
  }
}

const accept = (value: unknown, expected: string): ScalarResult => (value === undefined ? { expected } : { value });

function enumFrom(node: EnumNode, input: unknown): ScalarResult {
  return accept(
    node.symbols.find((symbol) => symbol === input),
    `one of ${node.symbols.join(", ")}`,
  );
}

function fixedFrom(node: FixedNode, input: unknown): ScalarResult {
  if (node.logical === "decimal") return decimalFrom(node, input);
  const bytes = base64From(input);
  return accept(bytes?.length === node.size ? bytes : undefined, `base64 of ${node.size} bytes`);
}

function decimalFrom(node: PrimitiveNode | FixedNode, input: unknown): ScalarResult {
  const scale = node.scale!;
  const expected = `a decimal of at most ${node.precision} digits, ${scale} of them after the point, as text or as a number of at most ${EXACT_DIGITS} digits`;
  const decimal = parsedDecimal(input);
  const unscaled = decimal?.unscaledAt(scale);
  if (unscaled === undefined) return { expected };
  const value = Decimal.ofUnscaled(unscaled, scale);
  return value.abs().unscaled < 10n ** BigInt(node.precision!) ? { value } : { expected };
}

function parsedDecimal(input: unknown): Decimal | undefined {
  const text = typeof input === "number" ? String(input) : input;
  if (typeof text !== "string") return undefined;
  if (
    typeof input === "number" &&
    text.replace(/e.*/, "").replaceAll(/\D/g, "").replace(/^0+/, "").length > EXACT_DIGITS
  )
    return undefined;
  try {
    return Decimal.of(text);
  } catch (error) {
    if (error instanceof MulgilError && error.code === "DECIMAL_INVALID") return undefined;
    throw error;
  }
}

function uuidFrom(input: unknown): ScalarResult {
  const text = typeof input === "string" ? input.toLowerCase() : input;
  return accept(isUuid(text) ? text : undefined, "a uuid");
}

function timestampFrom(logical: string, input: unknown): ScalarResult {
  const unit = logical === "timestamp-micros" ? "microseconds" : "milliseconds";
  const integer = integerFrom(input, Number.isSafeInteger);
  const instant = typeof input === "string" ? instantMs(input) : undefined;
  const value = integer ?? (instant === undefined ? undefined : instant * (unit === "microseconds" ? 1000 : 1));
  return accept(value, `${unit} since 1970, or a time with a zone like 2026-01-31T09:00:00+09:00`);
}

function instantMs(text: string): number | undefined {
  const match = INSTANT.exec(text);
  if (match === null || daysOfDate(match[1]!) === undefined) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

function booleanFrom(input: unknown): ScalarResult {
  const text = typeof input === "string" ? input.toLowerCase() : input;
  if (text === true || text === "true") return { value: true };
  return text === false || text === "false" ? { value: false } : { expected: "true or false" };
}

function integerFrom(input: unknown, isAllowed: (value: number) => boolean): number | undefined {
  const value = typeof input === "string" && INTEGER.test(input) ? Number(input) : input;
  return typeof value === "number" && isAllowed(value) ? value : undefined;
}

function doubleFrom(input: unknown): number | undefined {
  if (typeof input === "number") return input;
  if (input === "NaN" || input === "Infinity" || input === "-Infinity") return Number(input);
  return typeof input === "string" && NUMBER.test(input) ? Number(input) : undefined;
}

function base64From(input: unknown): Buffer | undefined {
  return typeof input === "string" && BASE64.test(input) ? Buffer.from(input, "base64") : undefined;
}
