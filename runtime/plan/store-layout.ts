import { avroJsonOf, avroNodeOf } from "../../schemas/avro-node.ts";
import type { Schema } from "../../schemas/schema.ts";
import type { AggregatorTree } from "../dsl/aggregators.ts";
import type { Node, UserAggregate } from "../dsl/topology.ts";
import { readWindows, type WindowSpec } from "../dsl/window-spec.ts";

/**
 * What must stay the same for stored entries to stay readable and right: the key's type, the windows, the quantities, the schemas. A changed grace
 * is no other layout: it only changes how long entries are kept. Functions are not compared.
 */
export function storeLayout(node: Node, store: string): string {
  switch (node.kind) {
    case "aggregate": {
      const windows = node.windows === undefined ? undefined : withoutGrace(readWindows(node.windows).spec);
      const user = "user" in node.aggregators && node.aggregators.user === true;
      const content = user
        ? { schema: structure((node.aggregators as UserAggregate).schema) }
        : quantities(node.aggregators as AggregatorTree<never>);
      return JSON.stringify({ key: node.keyType, windows, content });
    }
    case "table":
      return JSON.stringify({ key: node.shape.keyType, schema: structure(node.topic.value) });
    case "process": {
      const own = node.stores[store.slice(node.id.length + 1)];
      const content =
        own === undefined
          ? "timers"
          : { kind: own.kind, key: own.kind === "map" ? own.keyType : undefined, schema: structure(own.schema) };
      return JSON.stringify({ key: node.keyType, content });
    }
    case "call":
      return JSON.stringify({ call: store.slice(node.id.length + 1), order: node.order });
    default:
      return "";
  }
}

function withoutGrace(spec: WindowSpec | undefined): Partial<WindowSpec> | undefined {
  if (spec === undefined) return undefined;
  const { graceMs: _kept, ...rest } = spec;
  return rest;
}

function quantities(tree: AggregatorTree<never>): unknown {
  return Object.entries(tree).map(([name, item]) => {
    if (typeof item.kind !== "string") return [name, quantities(item as AggregatorTree<never>)];
    const { scale, limit, schema, of } = (item.options ?? {}) as {
      scale?: number;
      limit?: number;
      schema?: Schema<unknown>;
      of?: AggregatorTree<never>;
    };
    return [name, item.kind, scale, limit, structure(schema), of && quantities(of)];
  });
}

/** A schema without what does not change bytes: documentation, order of attributes, attributes of our own. */
const structure = (schema: Schema<unknown> | undefined): unknown =>
  schema === undefined ? undefined : avroJsonOf(avroNodeOf(schema.avro));
