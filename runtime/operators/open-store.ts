import { keySerde } from "../../schemas/key-serde.ts";
import type { Codec, KeyCodec } from "../../state/codec.ts";
import type { Database } from "../../state/disk.ts";
import { openKeyValueStore } from "../../state/key-value-store.ts";
import type { Store } from "../../state/store.ts";
import { openTimeIndexedStore } from "../../state/time-indexed-store.ts";
import { openWindowStore } from "../../state/window-store.ts";
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

export interface OpenStoreOptions {
  readonly planned: Pick<PlannedStore, "name" | "kind">;
  /** The step that owns it. */
  readonly node: Node;
  readonly database: Database;
  /** Of the step's records. */
  readonly keyCodec: KeyCodec<unknown>;
}

/** Opens a store with the layout that its step reads and writes. */
export function openPlannedStore({ planned, node, database, keyCodec }: OpenStoreOptions): Promise<Store> {
  const { name } = planned;
  const keyValue = <K>(keys: KeyCodec<K>, values: Codec<unknown>) =>
    openKeyValueStore({ name, database, keys, values });
  const timeIndexed = <V>(values: Codec<V>) => openTimeIndexedStore({ name, database, keys: keyCodec, values });
  switch (node.kind) {
    case "table": {
      const { schema } = node.shape;
      invariant(schema !== undefined, `the table "${node.id}" has no schema`);
      return keyValue(keyCodec, storable(schema).codec);
    }
    case "aggregate": {
      const { codec } = compileAccumulator(node);
      if (planned.kind === "keyValue") return keyValue(keyCodec, codec as Codec<unknown>);
      if (planned.kind === "window") return openWindowStore({ name, database, keys: keyCodec, values: codec });
      return isSession(node) ? timeIndexed(sessionCodec(codec)) : timeIndexed(slidingCodec(codec));
    }
    case "process": {
      if (planned.kind === "timeIndexed") return timeIndexed(timerCodec);
      const definition = definitionOf(node, name);
      const { codec } = storable(definition.schema);
      if (definition.kind === "value") return keyValue(keyCodec, codec);
      return keyValue(compositeKeyCodec(keyCodec, entryKeyCodec(definition.keyType)), codec);
    }
    case "call":
      return openCallStore(node, name, database);
    default:
      throw new InvariantError(`a ${node.kind} has no store, and "${name}" is one of "${node.id}"`);
  }
}

const TEXT = keySerde("string");

function openCallStore(node: CallNode, name: string, database: Database): Promise<Store> {
  const open = <K, V>(keys: KeyCodec<K>, values: Codec<V>): Promise<Store> =>
    openKeyValueStore<K, V>({ name, database, keys, values });
  switch (name.slice(node.id.length + 1) as CallStoreName) {
    case "inputs":
      return open(TEXT, callInputsCodec);
    case "keys":
      return node.order === "strict" ? open(TEXT, strictKeyCodec) : open(TEXT, lastSuccessCodec);
    case "held":
      return open(compositeKeyCodec(TEXT as KeyCodec<unknown>, keySerde("long") as KeyCodec<unknown>), parcelCodec);
    case "erased":
      return open(TEXT, erasedUpToCodec);
  }
}

const isSession = (node: AggregateNode): boolean => node.windows?.kind === "session";

function definitionOf({ id, stores }: ProcessNode, name: string) {
  const definition = stores[name.slice(id.length + 1)];
  invariant(name.startsWith(`${id}.`) && definition !== undefined, `"${id}" has no store "${name}"`);
  return definition;
}
