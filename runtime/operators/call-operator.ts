import type { CallNode } from "../dsl/topology.ts";
import type { Operator, Wiring } from "./operator.ts";

/** Hands its records to the calls of the task, which hand back what came of them. Tombstones are called for nobody, and end here. */
export function callOperator(node: CallNode, { environment, outputs }: Wiring): Operator {
  const receive = environment.call(node, {
    done: outputs(),
    dead: outputs("dead"),
    superseded: outputs("superseded"),
    erased: outputs("erased"),
  });
  return { id: node.id, receive };
}
