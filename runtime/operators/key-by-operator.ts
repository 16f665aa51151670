import type { KeyByNode } from "../dsl/topology.ts";
import { RecordError } from "../errors/errors.ts";
import type { Operator, Wiring } from "./operator.ts";

/** Gives each record the key that the function selects. Null values end here: nothing tells their new key. So do windows. */
export function keyByOperator({ id, select }: KeyByNode, { environment, outputs }: Wiring): Operator {
  const { record } = environment;
  const next = outputs();
  return {
    id,
    receive(key, value, timestampMs) {
      if (value === null) return;
      record.key = key;
      record.timestampMs = timestampMs;
      let selected: unknown;
      try {
        selected = select(value, record);
        if (selected === null || selected === undefined) throw keyMissing(id);
      } catch (error) {
        environment.recordError(id, error, key, value);
        return;
      }
      const { window } = record;
      record.window = undefined;
      next(selected, value, timestampMs);
      record.window = window;
    },
  };
}

const keyMissing = (id: string) =>
  new RecordError(`the selector of "${id}" found no key in a record: filter such records, or select another field`, {
    code: "KEY_MISSING",
  });
