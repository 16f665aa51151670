import { Environment } from "@marcbachmann/cel-js";
import { type AvroNode, avroNodeOf, branchName } from "../../../schemas/avro-node.ts";
import { Decimal } from "../../../schemas/decimal.ts";
import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { AvroJson } from "../../../schemas/schema.ts";

/** What an expression can speak of. */
export interface WhereRecord {
  readonly value: unknown;
  /** The schema that the value was written with; undefined for a tombstone. */
  readonly avro: AvroJson | undefined;
  readonly key: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs: number;
  readonly offset: number;
  readonly partition: number;
}

/** @param more what `parseWhere` was told of besides */
export type Where = (record: WhereRecord, more?: Readonly<Record<string, string>>) => boolean;

/**
 * A CEL expression over a record: `value`, `key`, `headers`, `timestamp`, `offset`, `partition`. Whole numbers are ints, decimals compare exactly with
 * numbers and with `decimal("12.30")`, timestamps are timestamps, dates are texts ("2026-03-01").
 * @param more names of texts that it can speak of besides
 * @returns a function that throws an Error where the expression cannot be answered for a record
 * @throws {MulgilError} WHERE_INVALID, with the place, if it is no such expression
 */
export function parseWhere(expression: string, more: readonly string[] = []): Where {
  const environment = environmentOf();
  for (const name of more) environment.registerVariable(name, "string");
  let parsed: ReturnType<Environment["parse"]>;
  try {
    parsed = environment.parse(expression);
  } catch (error) {
    throw invalid((error as Error).message, more, error);
  }
  const checked = parsed.check();
  if (!checked.valid) throw invalid(checked.error?.message ?? "its types do not fit", more, checked.error);
  if (checked.type !== "bool" && checked.type !== "dyn") {
    throw invalid(
      `it gives ${checked.type === "int" ? "an int" : `a ${checked.type}`}, and has to say yes or no, as in value.amount > 100`,
      more,
    );
  }
  return ({ value, avro, key, headers, timestampMs, offset, partition }, texts) => {
    const answer: unknown = parsed({
      ...texts,
      value: avro === undefined ? value : celValue(avroNodeOf(avro), value),
      key: typeof key === "number" && Number.isInteger(key) ? BigInt(key) : key,
      headers,
      timestamp: new Date(timestampMs),
      offset: BigInt(offset),
      partition: BigInt(partition),
    });
    if (typeof answer === "boolean") return answer;
    throw new TypeError(`it gave ${String(answer)}, and not true or false`);
  };
}

const ORDER: readonly (readonly [operator: string, holds: (order: number) => boolean])[] = [
  ["<", (order) => order < 0],
  ["<=", (order) => order <= 0],
  [">", (order) => order > 0],
  [">=", (order) => order >= 0],
  ["==", (order) => order === 0],
];

function environmentOf(): Environment {
  const environment = new Environment({ homogeneousAggregateLiterals: false })
    .registerType("decimal", { ctor: Decimal, fields: {} })
    .registerFunction("decimal(string): decimal", (text: string) => Decimal.of(text))
    .registerFunction("decimal(int): decimal", (value: bigint) => Decimal.of(value));
  for (const [operator, holds] of ORDER) {
    for (const type of ["decimal", "int", "double"]) {
      environment.registerOperator(`decimal ${operator} ${type}`, (left: Decimal, right: unknown) =>
        holds(left.compare(decimalOf(right))),
      );
      // Equality is registered for both directions at once.
      if (type === "decimal" || operator === "==") continue;
      environment.registerOperator(`${type} ${operator} decimal`, (left: unknown, right: Decimal) =>
        holds(decimalOf(left).compare(right)),
      );
    }
  }
  return environment
    .registerVariable("value", "dyn")
    .registerVariable("key", "dyn")
    .registerVariable("headers", "map<string, string>")
    .registerVariable("timestamp", "google.protobuf.Timestamp")
    .registerVariable("offset", "int")
    .registerVariable("partition", "int");
}

/** A double stands for the shortest text that gives it: 12.3 is 12.30 and nothing between. */
function decimalOf(value: unknown): Decimal {
  if (typeof value === "number") return Decimal.of(String(value));
  return Decimal.of(value as bigint | Decimal);
}

/** A value as CEL has it: plain objects, whole numbers as bigint, timestamps as dates. */
function celValue(node: AvroNode, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (node.kind) {
    case "record": {
      const fields = value as Readonly<Record<string, unknown>>;
      return Object.fromEntries(node.fields.map((field) => [field.name, celValue(field.node, fields[field.name])]));
    }
    case "array":
      return (value as readonly unknown[]).map((item) => celValue(node.items, item));
    case "map":
      return Object.fromEntries(
        Object.entries(value as object).map(([name, item]) => [name, celValue(node.values, item)]),
      );
    case "union":
      return celUnion(node.branches, node.isWrapped, value);
    case "int":
    case "long":
      return celWhole(node.logical, value);
    default:
      return value;
  }
}

function celWhole(logical: string | undefined, value: unknown): unknown {
  if (typeof value !== "number") return value;
  if (logical === "timestamp-millis") return new Date(value);
  if (logical === "timestamp-micros") return new Date(Math.floor(value / 1_000));
  return BigInt(value);
}

function celUnion(branches: readonly AvroNode[], isWrapped: boolean, value: unknown): unknown {
  if (isWrapped) {
    const [name, inner] = Object.entries(value as object)[0]!;
    const branch = branches.find((candidate) => branchName(candidate) === name);
    return { [name]: branch === undefined ? inner : celValue(branch, inner) };
  }
  const branch = branches.find((candidate) => isOfKind(candidate, value));
  return branch === undefined ? value : celValue(branch, value);
}

/** In a union that is not wrapped, the JavaScript kind of a value tells its branch. */
function isOfKind({ kind }: AvroNode, value: unknown): boolean {
  if (Array.isArray(value)) return kind === "array";
  if (value instanceof Decimal || Buffer.isBuffer(value)) return kind === "bytes" || kind === "fixed";
  if (typeof value === "object") return kind === "record" || kind === "map";
  if (typeof value === "number") return kind === "int" || kind === "long" || kind === "float" || kind === "double";
  return kind === "string" || kind === "enum" || kind === "boolean";
}

const invalid = (why: string, more: readonly string[], cause?: unknown): MulgilError =>
  new MulgilError(
    `the expression after --where cannot be used: ${why}\nIt can speak of ${[...more, "value", "key", "headers", "timestamp", "offset"].join(", ")} and partition`,
    {
      code: "WHERE_INVALID",
      ...(cause !== undefined && { cause }),
    },
  );
