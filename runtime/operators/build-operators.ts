import type { AggregateNode, Node, Topology } from "../dsl/topology.ts";
import { readWindows } from "../dsl/window-spec.ts";
import { invariant } from "../errors/errors.ts";
import { aggregateOperator } from "./aggregate-operator.ts";
import { branchOperator } from "./branch-operator.ts";
import { callOperator } from "./call-operator.ts";
import { fanOut } from "./fan-out.ts";
import { filterOperator } from "./filter-operator.ts";
import { flatMapOperator } from "./flat-map-operator.ts";
import { joinOperator } from "./join-operator.ts";
import { keyByOperator } from "./key-by-operator.ts";
import { mapOperator } from "./map-operator.ts";
import { mergeOperator } from "./merge-operator.ts";
import type { Operator, OperatorEnvironment, Outputs, Receive, Wiring } from "./operator.ts";
import { peekOperator } from "./peek-operator.ts";
import { processOperator } from "./process-operator.ts";
import { sessionAggregateOperator } from "./session-aggregate-operator.ts";
import { slidingAggregateOperator } from "./sliding-aggregate-operator.ts";
import { tableOperator } from "./table-operator.ts";
import { windowAggregateOperator } from "./window-aggregate-operator.ts";

export interface BuildOptions {
  readonly topology: Topology;
  /** Of one sub-topology, inputs before those that read them. */
  readonly nodeIds: readonly string[];
  readonly environment: OperatorEnvironment;
}

export interface BuiltOperators {
  /** Inputs before those that read them. */
  readonly operators: readonly Operator[];
  /** Where the records of a source, table or repartition topic go in, by node. */
  readonly inputs: ReadonlyMap<string, Receive>;
}

/**
 * Composes the steps of a sub-topology: each calls those behind it, and only sinks and repartition topics lead to the outside.
 *
 * A null value reaches no user's function. Behind a windowed aggregate it withdraws a result, and every step that keeps the key hands it on;
 * elsewhere it is a tombstone in a stream: it deletes in a table, passes from a source straight to a sink, and ends at any other step.
 */
export function buildOperators({ topology, nodeIds, environment }: BuildOptions): BuiltOperators {
  const nodes = new Map(topology.nodes.map((node) => [node.id, node]));
  const node = (id: string): Node => {
    const found = nodes.get(id);
    invariant(found !== undefined, `there is no step "${id}"`);
    return found;
  };
  const included = new Set(nodeIds);
  const receivers = new Map<string, Receive>();
  const operators: Operator[] = [];
  const inputs = new Map<string, Receive>();

  /** Followers are built already: they stand behind. A repartition topic is written here and read where it is an input. */
  const receiverOf = (follower: Node): Receive | undefined => {
    if (follower.kind === "repartition") return environment.output(follower.id);
    return included.has(follower.id) ? receivers.get(follower.id) : undefined;
  };
  const outputsOf =
    (id: string): Outputs =>
    (edge) => {
      const followers = topology.nodes.filter((other) =>
        other.inputs.some((input) => input.node === id && input.edge === edge),
      );
      return fanOut(followers.map(receiverOf).filter((receive) => receive !== undefined));
    };

  for (const id of nodeIds.toReversed()) {
    const current = node(id);
    const wiring: Wiring = { environment, node, outputs: outputsOf(id) };
    if (current.kind === "sink") receivers.set(id, environment.output(id));
    else if (current.kind === "source" || current.kind === "repartition") inputs.set(id, wiring.outputs());
    else {
      const operator = operatorOf(current, wiring);
      operators.unshift(operator);
      receivers.set(id, operator.receive);
      if (current.kind === "table") inputs.set(id, operator.receive);
    }
  }
  return { operators, inputs };
}

type StepNode = Exclude<Node, { kind: "source" | "repartition" | "sink" }>;

function operatorOf(node: StepNode, wiring: Wiring): Operator {
  switch (node.kind) {
    case "filter":
      return filterOperator(node, wiring);
    case "map":
      return mapOperator(node, wiring);
    case "flatMap":
      return flatMapOperator(node, wiring);
    case "peek":
      return peekOperator(node, wiring);
    case "branch":
      return branchOperator(node, wiring);
    case "merge":
      return mergeOperator(node, wiring);
    case "keyBy":
      return keyByOperator(node, wiring);
    case "table":
      return tableOperator(node, wiring);
    case "join":
      return joinOperator(node, wiring);
    case "process":
      return processOperator(node, wiring);
    case "call":
      return callOperator(node, wiring);
    case "aggregate":
      return aggregateOf(node, wiring);
  }
}

function aggregateOf(node: AggregateNode, wiring: Wiring): Operator {
  if (node.windows === undefined) return aggregateOperator(node, wiring);
  const { spec } = readWindows(node.windows);
  invariant(spec !== undefined, `the windows of "${node.id}" cannot be read`);
  switch (spec.kind) {
    case "fixed":
    case "calendar":
      return windowAggregateOperator(node, spec, wiring);
    case "session":
      return sessionAggregateOperator(node, spec, wiring);
    case "sliding":
      return slidingAggregateOperator(node, spec, wiring);
  }
}
