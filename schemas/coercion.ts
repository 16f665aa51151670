import type avsc from "avsc";
import { type AvroNode, avroJsonOf, branchName, type FieldNode, type RecordNode, type UnionNode } from "./avro-node.ts";
import { avroTypeOf } from "./avro-type.ts";
import { type ScalarNode, scalarFrom } from "./scalar-text.ts";

export interface CoercionOptions {
  /** What to do with fields or columns that the schema does not have. @default "ignore" */
  readonly extra?: "ignore" | "refuse";
}

export interface CoercionProblem {
  readonly path: string;
  readonly message: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Turns input from files into values of a schema, and collects everything that does not fit. */
export class Coercion {
  readonly problems: CoercionProblem[] = [];
  readonly #options: CoercionOptions;

  constructor(options: CoercionOptions) {
    this.#options = options;
  }

  fromJson(node: AvroNode, json: unknown, path: string): unknown {
    switch (node.kind) {
      case "union":
        return this.#union(node, json, path, (branch, value) => this.fromJson(branch, value, path));
      case "array":
        if (!Array.isArray(json)) return this.#problem(path, "expected an array");
        return json.map((item, index) => this.fromJson(node.items, item, `${path}[${index}]`));
      case "map":
        if (!isFields(json)) return this.#problem(path, "expected an object");
        return Object.fromEntries(
          Object.entries(json).map(([key, item]) => [key, this.fromJson(node.values, item, join(path, key))]),
        );
      case "record":
        if (!isFields(json)) return this.#problem(path, "expected an object");
        return this.#record(node, json, path, (field, value, fieldPath) => this.fromJson(field.node, value, fieldPath));
      default:
        return this.#scalar(node, json, path);
    }
  }

  fromColumns(node: RecordNode, columns: Readonly<Record<string, string>>): unknown {
    if (this.#options.extra === "refuse") this.#refuseExtra(node, columns, "");
    const present: Record<string, string | null> = {};
    for (const field of node.fields) {
      const text = Object.hasOwn(columns, field.name) ? columns[field.name] : undefined;
      if (text === undefined) continue;
      if (text !== "" || field.node.kind === "string") present[field.name] = text;
      else if (mayBeNull(field.node)) present[field.name] = null;
    }
    return this.#record(node, present, "", (field, text, path) =>
      text === null ? null : this.#fromText(field.node, text as string, path),
    );
  }

  #fromText(node: AvroNode, text: string, path: string): unknown {
    if (node.kind === "union") return this.#union(node, text, path, (branch) => this.#fromText(branch, text, path));
    if (node.kind !== "array" && node.kind !== "map" && node.kind !== "record") return this.#scalar(node, text, path);
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return this.#problem(
        path,
        `expected JSON, because the field is ${node.kind === "array" ? "an array" : `a ${node.kind}`}`,
      );
    }
    return this.fromJson(node, json, path);
  }

  #record(
    node: RecordNode,
    input: Fields,
    path: string,
    read: (field: FieldNode, value: unknown, path: string) => unknown,
  ): unknown {
    if (this.#options.extra === "refuse") this.#refuseExtra(node, input, path);
    const value: Record<string, unknown> = {};
    for (const field of node.fields) {
      const given = Object.hasOwn(input, field.name) ? input[field.name] : undefined;
      const fieldPath = join(path, field.name);
      value[field.name] = given === undefined ? this.#absent(field, fieldPath) : read(field, given, fieldPath);
    }
    return value;
  }

  #absent(field: FieldNode, path: string): unknown {
    if (field.defaultJson !== undefined) return defaultOf(field);
    return mayBeNull(field.node) ? null : this.#problem(path, "it is missing, and has no default");
  }

  #refuseExtra(node: RecordNode, input: Fields, path: string): void {
    for (const name of Object.keys(input)) {
      if (!node.fields.some((field) => field.name === name))
        this.#problem(join(path, name), "the schema has no such field");
    }
  }

  #union(node: UnionNode, input: unknown, path: string, read: (branch: AvroNode, value: unknown) => unknown): unknown {
    const branches = node.branches.filter((branch) => branch.kind !== "null");
    if (input === null && branches.length < node.branches.length) return null;
    const wrapped =
      node.isWrapped && isFields(input)
        ? branches.find((branch) => Object.keys(input).join() === branchName(branch))
        : undefined;
    if (wrapped !== undefined) return { [branchName(wrapped)]: read(wrapped, (input as Fields)[branchName(wrapped)]) };
    const before = this.problems.length;
    for (const branch of branches) {
      this.problems.length = before;
      const value = read(branch, input);
      if (this.problems.length === before) return node.isWrapped ? { [branchName(branch)]: value } : value;
    }
    if (branches.length === 1) return undefined;
    this.problems.length = before;
    return this.#problem(path, `it fits none of ${branches.map(branchName).join(", ")}`);
  }

  #scalar(node: ScalarNode, input: unknown, path: string): unknown {
    const { value, expected } = scalarFrom(node, input);
    return expected === undefined ? value : this.#problem(path, `expected ${expected}`);
  }

  #problem(path: string, message: string): undefined {
    if (!this.problems.some((problem) => problem.path === path && problem.message === message))
      this.problems.push({ path, message });
    return undefined;
  }
}

const isFields = (json: unknown): json is Fields => typeof json === "object" && json !== null && !Array.isArray(json);

const mayBeNull = (node: AvroNode): boolean =>
  node.kind === "null" || (node.kind === "union" && node.branches.some((branch) => branch.kind === "null"));

const join = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);

const defaults = new WeakMap<FieldNode, () => unknown>();

/** avsc knows how a default in a schema's JSON becomes a value. */
function defaultOf(field: FieldNode): unknown {
  const known = defaults.get(field);
  if (known !== undefined) return known();
  const holder = {
    type: "record",
    name: "DefaultHolder",
    fields: [{ name: "x", type: avroJsonOf(field.node), default: field.defaultJson }],
  };
  const made = (avroTypeOf(holder) as avsc.types.RecordType).fields[0]!;
  const make = () => made.defaultValue() as unknown;
  defaults.set(field, make);
  return make();
}
