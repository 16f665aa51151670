import type { MapNode } from "../dsl/topology.ts";
import type { Operator, Wiring } from "./operator.ts";

/** Hands on what the function makes of each value, and withdrawals (null in a window) as they are. */
export function mapOperator({ id, fn }: MapNode, { environment, outputs }: Wiring): Operator {
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
      let mapped: unknown;
      try {
        mapped = fn(value, record);
      } catch (error) {
        environment.recordError(id, error, key, value);
        return;
      }
      next(key, mapped, timestampMs);
    },
  };
}
