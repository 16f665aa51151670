import type { KeyValueStore } from "../../state/store.ts";
import type { JoinNode } from "../dsl/topology.ts";
import { InvariantError } from "../errors/errors.ts";
import { compileAccumulator } from "./accumulators.ts";
import { keyless } from "./keyless.ts";
import type { Operator, Wiring } from "./operator.ts";
import type { Cells } from "./quantity.ts";

type Lookup = (key: unknown) => unknown;

/** Joins each record with the table's value at that moment. Withdrawals (null in a window) pass whatever they withdraw; null keys and other nulls end here. */
export function joinOperator({ id, join, table, fn }: JoinNode, wiring: Wiring): Operator {
  const { environment, outputs } = wiring;
  const { record } = environment;
  const next = outputs();
  const lookup = lookupOf(table, wiring);
  const needsMatch = join === "inner";
  return {
    id,
    receive(key, value, timestampMs) {
      if (key === null || key === undefined) {
        environment.recordError(id, keyless(id), key, value);
        return;
      }
      if (value === null) {
        if (record.window !== undefined) next(key, null, timestampMs);
        return;
      }
      const tableValue = lookup(key);
      if (needsMatch && tableValue === undefined) return;
      record.key = key;
      record.timestampMs = timestampMs;
      let joined: unknown;
      try {
        joined = fn(value, tableValue, record);
      } catch (error) {
        environment.recordError(id, error, key, value);
        return;
      }
      next(key, joined, timestampMs);
    },
  };
}

function lookupOf(table: string, { environment, node }: Wiring): Lookup {
  const definition = node(table);
  if (definition.kind === "table") {
    const store = environment.store(definition.store) as KeyValueStore<unknown, unknown>;
    return (key) => store.get(key);
  }
  if (definition.kind !== "aggregate" || definition.windows !== undefined) {
    throw new InvariantError(`"${table}" is joined as a table, but it is a ${definition.kind}`);
  }
  const store = environment.store(definition.store) as KeyValueStore<unknown, Cells>;
  const accumulator = compileAccumulator(definition);
  return (key) => {
    const cells = store.get(key);
    return cells === undefined ? undefined : accumulator.result(cells);
  };
}
