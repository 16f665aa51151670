import type { KeyValueStore } from "../../state/store.ts";
import type { TableNode } from "../dsl/topology.ts";
import { keyless } from "./keyless.ts";
import type { Operator, Wiring } from "./operator.ts";
import { deepFreeze } from "./storable.ts";

/** Keeps the latest value of each key, by offset; null deletes it. Values are frozen: joins see the store's own. */
export function tableOperator({ id, store: name }: TableNode, { environment, outputs }: Wiring): Operator {
  const store = environment.store(name) as KeyValueStore<unknown, unknown>;
  const next = outputs();
  return {
    id,
    receive(key, value, timestampMs) {
      if (key === null || key === undefined) {
        environment.recordError(id, keyless(id), key, value);
        return;
      }
      if (timestampMs > store.streamTimeMs) store.streamTimeMs = timestampMs;
      if (value === null) store.delete(key);
      else store.put(key, deepFreeze(value), timestampMs);
      next(key, value, timestampMs);
    },
  };
}
