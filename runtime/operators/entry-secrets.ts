import { recordName } from "../../schemas/avro-node.ts";
import type { KeyType } from "../../schemas/key-type.ts";
import { type PiiRule, stricter } from "../../schemas/pii.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import { hasFields, ruleOfPath, strictestRule } from "../../schemas/tagged-fields.ts";
import type { CallStoreName } from "../dsl/call-stores.ts";
import type { Node, UserAggregate } from "../dsl/topology.ts";
import type { PersonalData, StoreOrigin, TopicSchemas } from "../plan/personal-data.ts";
import type { Plan, PlannedStore } from "../plan/plan.ts";
import { entryKeyTypeOf, keyTypeOf } from "./key-text.ts";

/** How a part of an entry is shown: as it is, with a text in its place, or with the fields that schemas tag hidden. */
export type PartSecrets =
  /** `isUndescribed`: no schema says what it is; it is shown unless the value next to it has its text in a tagged field. */
  | { readonly kind: "open"; readonly isUndescribed?: true }
  | { readonly kind: "hidden"; readonly rule: PiiRule }
  | { readonly kind: "fields"; readonly writer: AvroJson; readonly others: readonly AvroJson[] };

/** What is hidden of the entries of a store. */
export interface EntrySecrets {
  readonly key: PartSecrets;
  /** Of a `mapStore`. */
  readonly entryKey: PartSecrets;
  readonly value: PartSecrets;
}

/** What is known beside the definition of a job: somebody who tags a field today means the state of yesterday. */
export interface KnownSchemas {
  /** Undefined if nobody can say. */
  ofTopic(topic: string): TopicSchemas | undefined;
  /** Of records of this name, whatever topic they are on. */
  ofRecord(name: string): readonly AvroJson[];
}

export interface StoreInPlan {
  readonly plan: Pick<Plan, "personal" | "topics">;
  readonly planned: Pick<PlannedStore, "name" | "kind">;
  readonly node: Node;
}

/**
 * What a schema describes is hidden as its tags say. What a function made, or where nobody knows what it is, is hidden as a whole if it comes from
 * records with tagged fields: it may be a copy of any of them.
 */
export function entrySecrets(store: StoreInPlan, known: KnownSchemas): EntrySecrets {
  const source = new Source(store, known);
  return {
    key: keySecrets(store, source),
    entryKey: entryKeySecrets(store, source),
    value: valueSecrets(store, source),
  };
}

/** The topics whose schemas say what of a store is personal. */
export const topicsBehind = (store: StoreInPlan): readonly string[] => originOf(store)?.topics ?? sourcesOf(store.plan);

/** The schemas that describe parts of its entries. */
export const schemasIn = ({ node, planned }: StoreInPlan): readonly AvroJson[] =>
  [keyTypeOf(node), entryKeyTypeOf(planned, node)]
    .flatMap((type) => (isAvro(type) ? [type.avro] : []))
    .concat(schemaOf(node, planned) ?? []);

/** What is known of the records that a store was made of. */
class Source {
  readonly origin: StoreOrigin;
  /** Whether the definition has said where the entries come from, and what its schemas tag. */
  readonly isTraced: boolean;
  /** Whether nobody could be asked for the schemas of a topic. */
  readonly isUnsure: boolean;
  /** Of what was made of the records; undefined if they hold nothing personal. */
  readonly rule: PiiRule | undefined;
  readonly #schemas: ReadonlyMap<string, TopicSchemas>;
  readonly #known: KnownSchemas;

  constructor(store: StoreInPlan, known: KnownSchemas) {
    const { plan } = store;
    const found = originOf(store);
    this.isTraced = found !== undefined;
    this.origin = found ?? { store: store.planned.name, topics: topicsBehind(store) };
    this.#known = known;
    this.#schemas = new Map(this.origin.topics.map((topic) => [topic, schemasOf(topic, plan.personal, known)]));
    const all = [...this.#schemas.values()];
    this.isUnsure = this.origin.topics.some((topic) => known.ofTopic(topic) === undefined);
    const isUnknown = !this.isTraced && all.some(({ values }) => values.length === 0);
    const rule = strictestRule(all.flatMap(({ values, keys }) => [...values, ...keys]));
    this.rule = this.isUnsure || isUnknown ? stricter(rule, "mask") : rule;
  }

  /** Of what a function has made. */
  made(): PartSecrets {
    return this.rule === undefined ? OPEN : { kind: "hidden", rule: this.rule };
  }

  /** Of what a schema describes; `others` describe the same things. */
  described(writer: AvroJson, others: readonly AvroJson[]): PartSecrets {
    // A tag stands at a field: without any, nobody could have set one.
    if (this.isUnsure || !hasFields(writer)) return this.made();
    const name = recordName(writer);
    const namesakes = name === undefined ? [] : [...this.#known.ofRecord(name), ...this.#namesakes(name)];
    const all = [...others, ...namesakes];
    return strictestRule([writer, ...all]) === undefined ? OPEN : { kind: "fields", writer, others: all };
  }

  /** The rule of the fields that the keys are; "unknown" if that cannot be said. */
  keyRule(): PiiRule | undefined | "unknown" {
    const rules = this.origin.keyFields?.map(({ topic, path }) => ruleOfPath(this.valuesOf(topic), path));
    if (this.isUnsure || rules === undefined) return "unknown";
    // Schemas that do not have the field tag it neither.
    return rules.reduce<PiiRule | undefined>(
      (all, rule) => (rule === "unknown" ? all : stricter(all, rule)),
      undefined,
    );
  }

  valuesOf(topic: string): readonly AvroJson[] {
    return this.#schemas.get(topic)?.values ?? [];
  }

  #namesakes(name: string): readonly AvroJson[] {
    return [...this.#schemas.values()]
      .flatMap(({ values, keys }) => [...values, ...keys])
      .filter((avro) => recordName(avro) === name);
  }
}

const OPEN: PartSecrets = { kind: "open" };

const originOf = ({ plan, planned: { name } }: StoreInPlan): StoreOrigin | undefined =>
  plan.personal?.stores.find(({ store }) => store === name);

/** All that a plan of an earlier version tells. */
const sourcesOf = ({ topics }: StoreInPlan["plan"]): readonly string[] =>
  topics.filter(({ role }) => role === "source").map(({ topic }) => topic);

function schemasOf(topic: string, personal: PersonalData | undefined, known: KnownSchemas): TopicSchemas {
  const all = [personal?.topics.find((each) => each.topic === topic), known.ofTopic(topic)];
  return { values: all.flatMap((each) => each?.values ?? []), keys: all.flatMap((each) => each?.keys ?? []) };
}

function keySecrets({ node, planned }: StoreInPlan, source: Source): PartSecrets {
  if (node.kind === "call") return isOf(node, planned, "inputs") ? OPEN : source.made();
  const type = keyTypeOf(node);
  const rule = source.keyRule();
  if (rule !== "unknown" && rule !== undefined) return { kind: "hidden", rule };
  if (isAvro(type)) return source.described(type.avro, []);
  if (rule === undefined) return OPEN;
  if (node.kind !== "table" || !source.isTraced || source.isUnsure || type === "bytes") return source.made();
  return { kind: "open", isUndescribed: true };
}

function entryKeySecrets({ node, planned }: StoreInPlan, source: Source): PartSecrets {
  const type = entryKeyTypeOf(planned, node);
  // What a call holds stands in an order of Mulgil's own.
  if (type === null || node.kind === "call") return OPEN;
  return isAvro(type) ? source.described(type.avro, []) : source.made();
}

function valueSecrets({ node, planned }: StoreInPlan, source: Source): PartSecrets {
  // Positions, and counts by institution: what `circuits` shows.
  if (node.kind === "call" && isOf(node, planned, "inputs")) return OPEN;
  const avro = schemaOf(node, planned);
  if (avro === undefined) return source.made();
  // A layout has no tags: those of the definition are lost if the plan has not remembered them.
  if (!source.isTraced && source.rule !== undefined) return source.made();
  const { schema, topics } = source.origin;
  if (node.kind === "table")
    return source.described(
      avro,
      topics.flatMap((topic) => source.valuesOf(topic)),
    );
  return source.described(avro, schema === undefined ? [] : [schema]);
}

function schemaOf(node: Node, { name }: StoreInPlan["planned"]): AvroJson | undefined {
  switch (node.kind) {
    case "table":
      return node.shape.schema?.avro;
    case "process":
      return node.stores[name.slice(node.id.length + 1)]?.schema.avro;
    case "aggregate":
      return node.aggregators["user"] === true ? (node.aggregators as UserAggregate).schema?.avro : undefined;
    default:
      return undefined;
  }
}

const isAvro = (type: KeyType | null): type is Exclude<KeyType, string> => type !== null && typeof type === "object";

const isOf = ({ id }: Node, { name }: StoreInPlan["planned"], store: CallStoreName): boolean =>
  name === `${id}.${store}`;
