import type { FilterNode } from "../dsl/topology.ts";
import type { Operator, Wiring } from "./operator.ts";

/** Hands on the records that the predicate accepts, and withdrawals (null in a window) whatever they withdraw. */
export function filterOperator({ id, predicate }: FilterNode, { environment, outputs }: Wiring): Operator {
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
      let isAccepted: boolean;
      try {
        isAccepted = predicate(value, record);
      } catch (error) {
        environment.recordError(id, error, key, value);
        return;
      }
      if (isAccepted) next(key, value, timestampMs);
    },
  };
}
