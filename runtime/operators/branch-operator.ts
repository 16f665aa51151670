import type { BranchNode } from "../dsl/topology.ts";
import type { Operator, Wiring } from "./operator.ts";

/**
 * Hands each record to the first branch that accepts it. A withdrawal (null in a window) goes to all: which one had what it
 * withdraws is not known any more, and to delete what is not there does no harm.
 */
export function branchOperator({ id, predicates }: BranchNode, { environment, outputs }: Wiring): Operator {
  const { record } = environment;
  const branches = Object.entries(predicates).map(([edge, predicate]) => ({ predicate, next: outputs(edge) }));
  const otherwise = outputs("otherwise");
  return {
    id,
    receive(key, value, timestampMs) {
      if (value === null) {
        if (record.window === undefined) return;
        for (const { next } of branches) next(key, null, timestampMs);
        otherwise(key, null, timestampMs);
        return;
      }
      record.key = key;
      record.timestampMs = timestampMs;
      let taken = otherwise;
      try {
        for (let n = 0; n < branches.length; n++) {
          const { predicate, next } = branches[n]!;
          if (!predicate(value, record)) continue;
          taken = next;
          break;
        }
      } catch (error) {
        environment.recordError(id, error, key, value);
        return;
      }
      taken(key, value, timestampMs);
    },
  };
}
