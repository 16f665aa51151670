import type { FlatMapNode } from "../dsl/topology.ts";
import type { Operator, Wiring } from "./operator.ts";

/** Hands on all that the function makes of a value, or nothing if it throws halfway. Withdrawals (null in a window) go on once. */
export function flatMapOperator({ id, fn }: FlatMapNode, { environment, outputs }: Wiring): Operator {
  const { record } = environment;
  const next = outputs();
  return {
    id,
    receive(key, value, timestampMs) {
      if (value === null) {
        if (record.window !== undefined) next(key, null, timestampMs);
        return;
      }
      record.key = key;
      record.timestampMs = timestampMs;
      let made: readonly unknown[];
      try {
        // A generator runs to its end here: it sees this record, and not what the steps behind make of it.
        const iterable = fn(value, record) as Iterable<unknown>;
        made = Array.isArray(iterable) ? iterable : Array.from(iterable);
      } catch (error) {
        environment.recordError(id, error, key, value);
        return;
      }
      for (let n = 0; n < made.length; n++) next(key, made[n], timestampMs);
    },
  };
}
