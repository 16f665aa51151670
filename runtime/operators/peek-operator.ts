import type { PeekNode } from "../dsl/topology.ts";
import type { Operator, Wiring } from "./operator.ts";

/** Shows each record to the function and hands it on. Withdrawals (null in a window) go on unseen. */
export function peekOperator({ id, fn }: PeekNode, { environment, outputs }: Wiring): Operator {
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
      try {
        fn(value, record);
      } catch (error) {
        environment.recordError(id, error, key, value);
        return;
      }
      next(key, value, timestampMs);
    },
  };
}
