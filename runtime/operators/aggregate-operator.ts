import type { KeyValueStore } from "../../state/store.ts";
import type { AggregateNode } from "../dsl/topology.ts";
import { compileAccumulator, timestampOf } from "./accumulators.ts";
import { keyless } from "./keyless.ts";
import type { Operator, Wiring } from "./operator.ts";
import type { Cells } from "./quantity.ts";

/** Aggregates all records of a key. Null values and keys are skipped, as Kafka Streams does. Results carry the highest event time. */
export function aggregateOperator(node: AggregateNode, { environment, outputs }: Wiring): Operator {
  const { id, emit } = node;
  const { record } = environment;
  const store = environment.store(node.store) as KeyValueStore<unknown, Cells>;
  const accumulator = compileAccumulator(node);
  const next = outputs();

  const forward = (key: unknown, cells: Cells) => {
    const { window } = record;
    record.window = undefined;
    next(key, accumulator.result(cells), timestampOf(cells));
    record.window = window;
  };

  const operator: Operator = {
    id,
    receive(key, value, timestampMs) {
      if (value === null) return;
      if (key === null || key === undefined) {
        environment.recordError(id, keyless(id), key, value);
        return;
      }
      if (timestampMs > store.streamTimeMs) store.streamTimeMs = timestampMs;
      const cells = store.get(key) ?? accumulator.create();
      try {
        accumulator.select(value);
        accumulator.check(cells, 0, timestampMs);
      } catch (error) {
        environment.recordError(id, error, key, value);
        return;
      }
      accumulator.apply(cells, 0, timestampMs);
      store.put(key, cells, timestampMs);
      if (emit === "every-change") forward(key, cells);
    },
  };
  if (emit === "every-change") return operator;
  return {
    ...operator,
    flush() {
      store.forEachChanged((key, cells) => {
        if (cells !== undefined) forward(key, cells);
      });
    },
  };
}
