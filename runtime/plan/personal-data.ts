import type { KeyType } from "../../schemas/key-type.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import { ruleOfPath, strictestRule } from "../../schemas/tagged-fields.ts";
import type { TopicDefinition } from "../dsl/topic.ts";
import type { Edge, Node, StreamShape, UserAggregate } from "../dsl/topology.ts";
import { storesOfNode } from "./stores.ts";

/**
 * What a plan remembers of personal data, for whoever shows its state where the definition is not at hand. It stands beside the layouts of the stores and
 * the hash: a tag changes no byte of state, so it never makes two plans differ.
 */
export interface PersonalData {
  /** Of the topics that it reads, where their schemas tag fields, as the definition has them. */
  readonly topics: readonly (TopicSchemas & { readonly topic: string })[];
  readonly stores: readonly StoreOrigin[];
}

/** Schemas of a topic's records. */
export interface TopicSchemas {
  readonly values: readonly AvroJson[];
  readonly keys: readonly AvroJson[];
}

/** Where what a store holds comes from. */
export interface StoreOrigin {
  readonly store: string;
  /** Topics whose records reach it: of the outside, and those that the job repartitions by. */
  readonly topics: readonly string[];
  /** The fields of their records that its keys are; absent if a function made the keys, or nothing says what they are. */
  readonly keyFields?: readonly KeyField[];
  /** Of its values, if that tags fields; of a table, that of its topic. */
  readonly schema?: AvroJson;
}

export interface KeyField {
  readonly topic: string;
  /** "customer.id" */
  readonly path: string;
}

/** What is known of the records that leave a step. */
interface Flow {
  readonly topics: readonly string[];
  readonly keyFields: readonly KeyField[] | undefined;
  /** The topics whose records these are, unchanged; undefined once a function has made others of them. */
  readonly unchanged: readonly TopicDefinition[] | undefined;
}

const NOTHING: Flow = { topics: [], keyFields: [], unchanged: [] };

/** Follows the records from the topics to the stores, through repartitions and joins. */
export function personalDataOf(nodes: readonly Node[]): PersonalData {
  const kinds = new Map(nodes.map(({ id, kind }) => [id, kind]));
  const flows = new Map<string, Flow>();
  const stores: StoreOrigin[] = [];
  const topics = new Map<string, TopicSchemas>();
  for (const node of nodes) {
    const inputs = node.inputs.map((input) => behind(kinds.get(input.node), flows.get(input.node) ?? NOTHING, input));
    const reaching = inputs.reduce(merged, NOTHING);
    flows.set(node.id, reaching);
    if (node.kind === "source" || node.kind === "table") {
      flows.set(node.id, sourceFlow(node.topic));
      addTagged(topics, node.topic.name, node.shape);
    }
    if (node.kind === "repartition") {
      // What a call has returned, or a function has made, may be personal where the source is not.
      flows.set(node.id, { ...reaching, topics: union(reaching.topics, [node.topic]) });
      addTagged(topics, node.topic, node.shape);
    }
    if (node.kind === "join") {
      const { topics: joined } = flows.get(node.table) ?? NOTHING;
      flows.set(node.id, { ...reaching, topics: union(reaching.topics, joined), unchanged: undefined });
    }
    if (node.kind === "keyBy") flows.set(node.id, { ...reaching, keyFields: newKeyFields(reaching, node.path) });
    for (const { name } of storesOfNode(node)) stores.push(origin(node, name, flows.get(node.id)!));
  }
  return { topics: [...topics].map(([topic, schemas]) => ({ topic, ...schemas })), stores };
}

const MAKING: ReadonlySet<Node["kind"] | undefined> = new Set([
  "map",
  "flatMap",
  "aggregate",
  "process",
  "call",
] as const);
/** Of these steps: the records as they came. */
const PASSED_ON: ReadonlySet<string | undefined> = new Set(["late", "superseded", "erased"]);

/** What leaves a step by an edge. */
const behind = (kind: Node["kind"] | undefined, flow: Flow, { edge }: Edge): Flow =>
  MAKING.has(kind) && !PASSED_ON.has(edge) ? { ...flow, unchanged: undefined } : flow;

function merged(left: Flow, right: Flow): Flow {
  if (left === NOTHING) return right;
  return {
    topics: union(left.topics, right.topics),
    keyFields: left.keyFields && right.keyFields && [...left.keyFields, ...right.keyFields],
    unchanged: left.unchanged && right.unchanged && union(left.unchanged, right.unchanged),
  };
}

const sourceFlow = (topic: TopicDefinition): Flow => ({
  topics: [topic.name],
  keyFields: topic.key === undefined ? undefined : [{ topic: topic.name, path: topic.key }],
  unchanged: [topic],
});

function newKeyFields({ unchanged }: Flow, path: string | undefined): readonly KeyField[] | undefined {
  if (path === undefined || unchanged === undefined) return undefined;
  // `visit.shop.length` is none.
  const areFields = unchanged.every(({ value }) => ruleOfPath([value.avro], path) !== "unknown");
  return areFields ? unchanged.map(({ name: topic }) => ({ topic, path })) : undefined;
}

function origin(node: Node, store: string, { topics, keyFields }: Flow): StoreOrigin {
  const schema = schemaOf(node, store);
  // The keys of a call's stores are made by its functions.
  return {
    ...{ store, topics },
    ...(keyFields !== undefined && node.kind !== "call" && { keyFields }),
    ...(schema !== undefined && strictestRule([schema]) !== undefined && { schema }),
  };
}

/** Of the values of a store, where the definition gives it one of its own. */
function schemaOf(node: Node, store: string): AvroJson | undefined {
  if (node.kind === "process") return node.stores[store.slice(node.id.length + 1)]?.schema.avro;
  if (node.kind !== "aggregate" || node.aggregators["user"] !== true) return undefined;
  return (node.aggregators as UserAggregate).schema?.avro;
}

function addTagged(topics: Map<string, TopicSchemas>, topic: string, { schema, keyType }: StreamShape): void {
  const values = schema === undefined ? [] : [schema.avro];
  const keys = avroOf(keyType);
  if (strictestRule([...values, ...keys]) === undefined) return;
  const before = topics.get(topic) ?? { values: [], keys: [] };
  topics.set(topic, {
    values: [...new Set([...before.values, ...values])],
    keys: [...new Set([...before.keys, ...keys])],
  });
}

const avroOf = (keyType: KeyType | null): readonly AvroJson[] =>
  keyType !== null && typeof keyType === "object" ? [keyType.avro] : [];

const union = <T>(left: readonly T[], right: readonly T[]): readonly T[] => [...new Set([...left, ...right])];
