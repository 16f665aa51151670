import { type AvroNode, avroNodeOf, branchName, type RecordNode, type UnionNode } from "../../../schemas/avro-node.ts";
import { Decimal } from "../../../schemas/decimal.ts";
import type { AvroJson } from "../../../schemas/schema.ts";
import { type FieldTree, fieldTreeOf } from "./field-paths.ts";

type Write = (value: unknown) => string;

/**
 * Values as texts that are equal if the values say the same, whatever schema each was written with: fields and entries of maps in the order of
 * their names, numbers by their value, decimals without the zeros at their end. A field that only one of two has makes them different, also if it is null.
 * The texts are JSON; what JSON has not is an object with one name: {"$decimal":"12.3"}, {"$bytes":"AAE="}, {"$number":"NaN"}.
 */
export class CanonicalValues {
  readonly #ignored: FieldTree;
  readonly #found = new Set<string>();
  readonly #bySchema = new Map<AvroJson, Write>();
  readonly #byNode = new Map<FieldTree | undefined, Map<AvroNode, { write?: Write }>>();

  /** @param ignored paths of fields that are left out: see `fieldTreeOf` */
  constructor(ignored: readonly string[]) {
    this.#ignored = fieldTreeOf(ignored);
  }

  /** Of the fields to be left out, those that a schema has had so far. */
  get found(): ReadonlySet<string> {
    return this.#found;
  }

  textOf(avro: AvroJson, value: unknown): string {
    let write = this.#bySchema.get(avro);
    if (write === undefined) {
      write = this.#writeOf(avroNodeOf(avro), this.#ignored);
      this.#bySchema.set(avro, write);
    }
    return write(value);
  }

  #writeOf(node: AvroNode, ignored: FieldTree | undefined): Write {
    if (!["record", "array", "map", "union"].includes(node.kind)) return scalarText;
    const byNode = this.#byNode.get(ignored) ?? new Map<AvroNode, { write?: Write }>();
    this.#byNode.set(ignored, byNode);
    const known = byNode.get(node);
    // A record that contains itself is met again before it is done.
    if (known !== undefined) return (value) => known.write!(value);
    const entry: { write?: Write } = {};
    byNode.set(node, entry);
    entry.write = this.#compound(node, ignored);
    return entry.write;
  }

  #compound(node: AvroNode, ignored: FieldTree | undefined): Write {
    switch (node.kind) {
      case "record":
        return this.#record(node, ignored);
      case "array": {
        const item = this.#writeOf(node.items, ignored);
        return (value) => `[${(value as readonly unknown[]).map(item).join(",")}]`;
      }
      case "map":
        return mapText(this.#writeOf(node.values, ignored));
      case "union":
        return this.#union(node, ignored);
      default:
        return scalarText;
    }
  }

  #record(node: RecordNode, ignored: FieldTree | undefined): Write {
    const kept = node.fields.filter(({ name }) => {
      const path = ignored?.below.get(name)?.path;
      if (path !== undefined) this.#found.add(path);
      return path === undefined;
    });
    const parts = kept.toSorted(byName).map(({ name, node: own }, index) => ({
      ...{ name, head: `${index === 0 ? "{" : ","}${JSON.stringify(name)}:` },
      write: this.#writeOf(own, ignored?.below.get(name)),
    }));
    if (parts.length === 0) return () => "{}";
    return (value) => {
      let text = "";
      for (const { name, head, write } of parts)
        text += head + write((value as Readonly<Record<string, unknown>>)[name]);
      return `${text}}`;
    };
  }

  #union(node: UnionNode, ignored: FieldTree | undefined): Write {
    const branches = node.branches.map((branch) => ({ branch, write: this.#writeOf(branch, ignored) }));
    if (node.isWrapped) {
      const byBranch = new Map(branches.map(({ branch, write }) => [branchName(branch), write]));
      return (value) => {
        if (value === null) return "null";
        const [name, inner] = Object.entries(value as object)[0]!;
        return `{${JSON.stringify(name)}:${byBranch.get(name)!(inner)}}`;
      };
    }
    // Where a union is not wrapped, the JavaScript kind of a value tells its branch.
    const list = branches.find(({ branch }) => branch.kind === "array")?.write ?? scalarText;
    const object = branches.find(({ branch }) => branch.kind === "record" || branch.kind === "map")?.write;
    return (value) => {
      if (Array.isArray(value)) return list(value);
      return object === undefined || isScalar(value) ? scalarText(value) : object(value);
    };
  }
}

const byName = (left: { readonly name: string }, right: { readonly name: string }): number =>
  left.name < right.name ? -1 : 1;

const mapText =
  (item: Write): Write =>
  (value) => {
    const entries = value as Readonly<Record<string, unknown>>;
    const names = Object.keys(entries).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${item(entries[name])}`).join(",")}}`;
  };

const isScalar = (value: unknown): boolean =>
  typeof value !== "object" || value === null || value instanceof Decimal || Buffer.isBuffer(value);

function scalarText(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  // Zero has one text, whatever its sign.
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : `{"$number":"${value}"}`;
  if (value instanceof Decimal) return `{"$decimal":"${plainDecimal(value.toString())}"}`;
  if (Buffer.isBuffer(value)) return `{"$bytes":"${value.toString("base64")}"}`;
  return String(value ?? null);
}

const plainDecimal = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
