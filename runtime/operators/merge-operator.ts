import type { MergeNode } from "../dsl/topology.ts";
import type { Operator, Wiring } from "./operator.ts";

/** Hands on whatever any of its inputs sends. */
export function mergeOperator({ id }: MergeNode, { outputs }: Wiring): Operator {
  return { id, receive: outputs() };
}
