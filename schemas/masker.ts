import { type AvroNode, avroNodeOf, branchName, type FieldNode, type RecordNode, type UnionNode } from "./avro-node.ts";
import { type JsonValue, toJson } from "./json.ts";
import { hashedText, MASKED } from "./masked-text.ts";
import { type PiiRule, stricter } from "./pii.ts";
import type { AvroJson } from "./schema.ts";

/** Sixteen hexadecimal digits that are equal for equal texts, and tell nobody else the text. */
export type Digest = (text: string) => string;

export interface MaskerOptions {
  /** What the values were written with. */
  readonly writer: AvroJson;
  /** Other schemas of the same things: a field that one of them tags is hidden. @default none */
  readonly others?: readonly AvroJson[];
  /** For the rule "hash". @default fields with that rule are masked */
  readonly digest?: Digest | undefined;
}

/** A value as it may be shown. */
export interface MaskedJson {
  readonly json: JsonValue;
  /** Of fields that are not shown as they are: "address.street", "cards.number". */
  readonly paths: readonly string[];
  /** Texts that were hidden, and what is shown for each: whoever shows something else of the same record can look for them. */
  readonly hidden: ReadonlyMap<string, string>;
}

/** Turns values of one schema into JSON without the personal data in them. */
export interface Masker {
  /** Whether any field is tagged. */
  readonly hides: boolean;
  /** The rule of a field of the record. */
  ruleOf(field: string): PiiRule | undefined;
  mask(value: unknown): MaskedJson;
}

/** Shows a part of a value; undefined leaves it out. */
type Show = (json: JsonValue, path: string, found: Found) => JsonValue | undefined;

interface Found {
  readonly paths: Set<string>;
  readonly hidden: Map<string, string>;
}

const NOTHING: Pick<MaskedJson, "paths" | "hidden"> = { paths: [], hidden: new Map() };

/**
 * What is tagged in any of the schemas is hidden, by the path of names to a field; a field is also known by its aliases. Whatever is in a tagged field
 * goes with it; null is shown, unless the field is dropped. Which fields these are is worked out once, so build a masker once for a schema.
 * @throws {MulgilError} SCHEMA_INVALID
 */
export function createMasker({ writer, others = [], digest }: MaskerOptions): Masker {
  const node = avroNodeOf(writer);
  const nodes = others.map(avroNodeOf);
  const show = new Compiler(digest).show(node, flat(nodes));
  return {
    hides: show !== undefined,
    ruleOf(name) {
      const field = node.kind === "record" ? node.fields.find((each) => each.name === name) : undefined;
      return field && ruleOf(field, recordsOf(flat(nodes)));
    },
    mask(value) {
      const json = toJson(writer, value);
      if (show === undefined) return { json, ...NOTHING };
      const found: Found = { paths: new Set(), hidden: new Map() };
      const shown = show(json, "", found) ?? null;
      return { json: shown, paths: [...found.paths], hidden: found.hidden };
    },
  };
}

/** The JSON of a tagged field, as it is shown. */
export function hide(json: JsonValue, rule: PiiRule, digest: Digest | undefined): string {
  return rule === "hash" && digest !== undefined ? hashedText(digest(JSON.stringify(json))) : MASKED;
}

/** Parts of a key that has a schema of its own may be copies of what is tagged in the value. */
export function withoutHidden(json: JsonValue, hidden: MaskedJson["hidden"]): JsonValue {
  if (typeof json === "string" || typeof json === "number") return hidden.get(String(json)) ?? json;
  if (Array.isArray(json)) return json.map((part: JsonValue) => withoutHidden(part, hidden));
  if (typeof json !== "object" || json === null) return json;
  return Object.fromEntries(Object.entries(json).map(([name, part]) => [name, withoutHidden(part, hidden)]));
}

class Compiler {
  readonly #digest: Digest | undefined;
  /** A record that contains itself is compiled once for the schemas that it is compared with. */
  readonly #records = new Map<RecordNode, { readonly others: ReadonlySet<AvroNode>; show: Show | undefined }[]>();

  constructor(digest: Digest | undefined) {
    this.#digest = digest;
  }

  /** Undefined if nothing below the node is to be hidden. */
  show(node: AvroNode, others: readonly AvroNode[]): Show | undefined {
    if (isForeign(node, others)) return this.#hiding("mask");
    switch (node.kind) {
      case "union":
        return this.#union(node, others);
      case "array": {
        const item = this.show(node.items, flat(others.flatMap((each) => (each.kind === "array" ? each.items : []))));
        return item && each(item);
      }
      case "map": {
        const value = this.show(node.values, flat(others.flatMap((each) => (each.kind === "map" ? each.values : []))));
        return value && eachEntry(value);
      }
      case "record":
        return this.#record(node, recordsOf(others));
      default:
        return undefined;
    }
  }

  #record(node: RecordNode, others: readonly RecordNode[]): Show | undefined {
    if (![node, ...others].some((record) => isTagged(record, new Set()))) return undefined;
    const known = this.#records.get(node)?.find((entry) => isSameSet(entry.others, others));
    if (known !== undefined)
      return (json, path, found) => (known.show === undefined ? json : known.show(json, path, found));
    const entry = { others: new Set<AvroNode>(others), show: undefined as Show | undefined };
    this.#records.set(node, [...(this.#records.get(node) ?? []), entry]);
    const fields = new Map<string, Show>();
    for (const field of node.fields) {
      const rule = ruleOf(field, others);
      const show =
        rule === undefined
          ? this.show(field.node, flat(counterparts(field, others).map((each) => each.node)))
          : this.#hiding(rule);
      if (show !== undefined) fields.set(field.name, show);
    }
    if (fields.size > 0) entry.show = eachField(fields);
    return entry.show;
  }

  #union(node: UnionNode, others: readonly AvroNode[]): Show | undefined {
    const shows = node.branches.map((branch) => ({ branch, show: this.show(branch, others) }));
    if (shows.every(({ show }) => show === undefined)) return undefined;
    return (json, path, found) => {
      if (json === null) return json;
      if (!node.isWrapped) {
        const { show } = shows.find(({ branch }) => isOfKind(branch, json)) ?? {};
        return show === undefined ? json : show(json, path, found);
      }
      const [name, inner] = Object.entries(json as object)[0]! as [string, JsonValue];
      const { show } = shows.find(({ branch }) => branchName(branch) === name) ?? {};
      if (show === undefined) return json;
      return { [name]: show(inner, path, found) ?? null };
    };
  }

  #hiding(rule: PiiRule): Show {
    return (json, path, found) => {
      if (json === null && rule !== "drop") return json;
      const text = hide(json, rule, this.#digest);
      found.paths.add(path);
      for (const scalar of scalarsOf(json)) found.hidden.set(String(scalar), hide(scalar, rule, this.#digest));
      return rule === "drop" ? undefined : text;
    };
  }
}

const each =
  (item: Show): Show =>
  (json, path, found) =>
    (json as readonly JsonValue[]).map((part) => item(part, path, found) ?? null);

const eachEntry =
  (value: Show): Show =>
  (json, path, found) =>
    Object.fromEntries(Object.entries(json as object).map(([key, part]) => [key, value(part, path, found) ?? null]));

const eachField =
  (fields: ReadonlyMap<string, Show>): Show =>
  (json, path, found) => {
    const shown: Record<string, JsonValue> = {};
    for (const [name, part] of Object.entries(json as { readonly [name: string]: JsonValue })) {
      const show = fields.get(name);
      const result = show === undefined ? part : show(part, path === "" ? name : `${path}.${name}`, found);
      if (result !== undefined) shown[name] = result;
    }
    return shown;
  };

/** Numbers and texts; what has two values only is no trace of anybody. */
function* scalarsOf(json: JsonValue): Generator<string | number> {
  if (typeof json === "object" && json !== null) for (const part of Object.values(json)) yield* scalarsOf(part);
  else if ((typeof json === "string" && json !== "") || typeof json === "number") yield json;
}

const ruleOf = (field: FieldNode, others: readonly RecordNode[]): PiiRule | undefined =>
  counterparts(field, others).reduce((rule, other) => stricter(rule, other.pii), field.pii);

const counterparts = (field: FieldNode, others: readonly RecordNode[]): readonly FieldNode[] =>
  others.flatMap(({ fields }) =>
    fields.filter(
      ({ name, aliases }) => name === field.name || aliases.includes(field.name) || field.aliases.includes(name),
    ),
  );

/** Others tag something below, but it has another form there: what is it, is not known here. */
function isForeign(node: AvroNode, others: readonly AvroNode[]): boolean {
  if (node.kind === "union" || node.kind === "null") return false;
  return !others.some(({ kind }) => kind === node.kind) && others.some((other) => isTagged(other, new Set()));
}

function isTagged(node: AvroNode, seen: Set<AvroNode>): boolean {
  if (seen.has(node)) return false;
  seen.add(node);
  switch (node.kind) {
    case "union":
      return node.branches.some((branch) => isTagged(branch, seen));
    case "array":
      return isTagged(node.items, seen);
    case "map":
      return isTagged(node.values, seen);
    case "record":
      return node.fields.some((field) => field.pii !== undefined || isTagged(field.node, seen));
    default:
      return false;
  }
}

/** Branches of unions in the place of the unions. */
const flat = (nodes: readonly AvroNode[]): readonly AvroNode[] =>
  nodes.flatMap((node) => (node.kind === "union" ? node.branches : node));

const recordsOf = (nodes: readonly AvroNode[]): readonly RecordNode[] =>
  nodes.flatMap((node) => (node.kind === "record" ? node : []));

const isSameSet = (left: ReadonlySet<AvroNode>, right: readonly AvroNode[]): boolean =>
  left.size === right.length && right.every((node) => left.has(node));

/** In a union that is not wrapped, at most one branch has values of the kind. */
function isOfKind(node: AvroNode, json: JsonValue): boolean {
  if (Array.isArray(json)) return node.kind === "array";
  if (typeof json === "object") return node.kind === "record" || node.kind === "map";
  return !["null", "array", "record", "map"].includes(node.kind);
}
