import type { KeyType } from "../../schemas/key-type.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import type { AggregatorKind, AggregatorTree } from "../dsl/aggregators.ts";
import type { ProcessStoreDefinition } from "../dsl/process.ts";
import type { AggregateNode, CallNode, Node, ProcessNode, TableNode } from "../dsl/topology.ts";
import type { Windows } from "../dsl/windows.ts";
import type { Plan, PlannedStore } from "./plan.ts";

/**
 * A step as far as the layout of its store tells, which a remembered plan has: enough to read the store's entries where the job's definition is not at
 * hand, and nothing else. It has none of the user's functions. What store-layout.ts writes is read here.
 */
export function nodeOfLayout(plan: Plan, { name, node: id, layout }: PlannedStore): Node {
  const kind = plan.steps.find((step) => step.id === id)?.kind;
  const content = JSON.parse(layout) as Layout;
  switch (kind) {
    case "aggregate":
      return aggregateNode(id, name, content as AggregateLayout);
    case "table": {
      const { key, schema } = content as TableLayout;
      return { kind, id, store: name, shape: { keyType: key, schema: { avro: schema } } } as Partial<TableNode> as Node;
    }
    case "process":
      return processNode(id, name, content as ProcessLayout);
    default:
      return { kind: "call", id, order: (content as CallLayout).order } as Partial<CallNode> as Node;
  }
}

interface AggregateLayout {
  readonly key: KeyType;
  readonly windows?: { readonly kind: string };
  readonly content: { readonly schema: AvroJson } | readonly LaidOut[];
}

interface TableLayout {
  readonly key: KeyType;
  readonly schema: AvroJson;
}

interface ProcessLayout {
  readonly key: KeyType;
  readonly content: "timers" | { readonly kind: "value" | "map"; readonly key?: KeyType; readonly schema: AvroJson };
}

interface CallLayout {
  readonly order: CallNode["order"];
}

type Layout = AggregateLayout | TableLayout | ProcessLayout | CallLayout;

/** A quantity, or a tree of them, under its name. */
type LaidOut =
  | readonly [name: string, quantities: readonly LaidOut[]]
  | readonly [
      name: string,
      kind: AggregatorKind,
      scale: number | null,
      limit: number | null,
      schema: AvroJson | null,
      of: readonly LaidOut[] | null,
    ];

function aggregateNode(id: string, store: string, { key: keyType, windows, content }: AggregateLayout): Node {
  const aggregators =
    "schema" in content ? { user: true, schema: { avro: content.schema } } : treeOf(content as readonly LaidOut[]);
  const node = { kind: "aggregate", id, store, keyType, aggregators, ...(windows && { windows: windows as Windows }) };
  return node as Partial<AggregateNode> as Node;
}

const unused = () => undefined;

function treeOf(quantities: readonly LaidOut[]): AggregatorTree<never> {
  return Object.fromEntries(
    quantities.map(([name, kind, scale, limit, schema, of]) => {
      if (typeof kind !== "string") return [name, treeOf(kind)];
      const options = {
        ...(typeof scale === "number" && { scale }),
        ...(typeof limit === "number" && { limit }),
        ...(schema != null && { schema: { avro: schema } }),
        ...(of != null && { of: treeOf(of) }),
        // Reading runs none of them; only their presence is checked.
        ...{ by: unused, predicate: unused, add: unused },
      };
      return [name, { kind, select: unused, options }];
    }),
  ) as unknown as AggregatorTree<never>;
}

function processNode(id: string, store: string, { key: keyType, content }: ProcessLayout): Node {
  const definition =
    content === "timers"
      ? undefined
      : { kind: content.kind, ...(content.key && { keyType: content.key }), schema: { avro: content.schema } };
  const stores = definition && { [store.slice(id.length + 1)]: definition as ProcessStoreDefinition };
  return { kind: "process", id, keyType, stores: stores ?? {} } as Partial<ProcessNode> as Node;
}
