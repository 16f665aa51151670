import { keySerde } from "../../schemas/key-serde.ts";
import type { Codec, KeyCodec } from "../../state/codec.ts";
import type { CallStoreName } from "../dsl/call-stores.ts";
import type { AggregateNode, CallNode, Node, ProcessNode } from "../dsl/topology.ts";
import { InvariantError, invariant } from "../errors/errors.ts";
import type { PlannedStore } from "../plan/plan.ts";
import { callInputsCodec } from "../resilience/call-inputs-entry.ts";
import { erasedUpToCodec } from "../resilience/erasures.ts";
import { lastSuccessCodec, strictKeyCodec } from "../resilience/order-codecs.ts";
import { parcelCodec } from "../resilience/parcel.ts";
import { compileAccumulator } from "./accumulators.ts";
import { compositeKeyCodec, entryKeyCodec } from "./composite-key.ts";
import { sessionCodec } from "./session-entry.ts";
import { slidingCodec } from "./sliding-entry.ts";
import { storable } from "./storable.ts";
import { timerCodec } from "./timer-entry.ts";

/** How the keys and values of a store become bytes. */
export interface StoreCodecs {
  readonly keys: KeyCodec<unknown>;
  readonly values: Codec<unknown>;
  /** Of a store whose keys are a record's key and one of the entry's own: both. */
  readonly parts?: { readonly keys: KeyCodec<unknown>; readonly entries: KeyCodec<unknown> };
}

export interface StoreOfStep {
  readonly planned: Pick<PlannedStore, "name" | "kind">;
  /** The step that owns it. */
  readonly node: Node;
  /** Of the step's records. */
  readonly keyCodec: KeyCodec<unknown>;
}

/** As the step that owns the store reads and writes it. */
export function storeCodecs({ planned, node, keyCodec: keys }: StoreOfStep): StoreCodecs {
  switch (node.kind) {
    case "table": {
      const { schema } = node.shape;
      invariant(schema !== undefined, `the table "${node.id}" has no schema`);
      return { keys, values: storable(schema).codec };
    }
    case "aggregate":
      return { keys, values: aggregateCodec(planned, node) };
    case "process": {
      if (planned.kind === "timeIndexed") return { keys, values: untyped(timerCodec) };
      const definition = definitionOf(node, planned.name);
      const { codec } = storable(definition.schema);
      if (definition.kind === "value") return { keys, values: codec };
      return composite(keys, entryKeyCodec(definition.keyType), codec);
    }
    case "call":
      return callCodecs(node, planned.name);
    default:
      throw new InvariantError(`a ${node.kind} has no store, and "${planned.name}" is one of "${node.id}"`);
  }
}

function aggregateCodec({ kind }: StoreOfStep["planned"], node: AggregateNode): Codec<unknown> {
  const { codec } = compileAccumulator(node);
  if (kind !== "timeIndexed") return untyped(codec);
  return node.windows?.kind === "session" ? untyped(sessionCodec(codec)) : untyped(slidingCodec(codec));
}

const TEXT = untypedKeys(keySerde("string"));

function callCodecs(node: CallNode, store: string): StoreCodecs {
  switch (store.slice(node.id.length + 1) as CallStoreName) {
    case "inputs":
      return { keys: TEXT, values: untyped(callInputsCodec) };
    case "keys":
      return { keys: TEXT, values: node.order === "strict" ? untyped(strictKeyCodec) : untyped(lastSuccessCodec) };
    case "held":
      return composite(TEXT, untypedKeys(keySerde("long")), untyped(parcelCodec));
    case "erased":
      return { keys: TEXT, values: untyped(erasedUpToCodec) };
  }
}

const composite = (keys: KeyCodec<unknown>, entries: KeyCodec<unknown>, values: Codec<unknown>): StoreCodecs => ({
  keys: untypedKeys(compositeKeyCodec(keys, entries)),
  values,
  parts: { keys, entries },
});

/** A step's store holds what the step writes there: the types of both are erased together. */
function untyped<V>(codec: Codec<V>): Codec<unknown> {
  return codec as Codec<unknown>;
}

function untypedKeys<K>(codec: KeyCodec<K>): KeyCodec<unknown> {
  return codec as KeyCodec<unknown>;
}

function definitionOf({ id, stores }: ProcessNode, name: string) {
  const definition = stores[name.slice(id.length + 1)];
  invariant(name.startsWith(`${id}.`) && definition !== undefined, `"${id}" has no store "${name}"`);
  return definition;
}
