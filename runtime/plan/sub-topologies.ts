import type { Node, Topology } from "../dsl/topology.ts";

/** Nodes that must run in one task, in order of definition. */
export interface Component {
  readonly name: string;
  readonly nodes: readonly Node[];
}

/**
 * Cuts the graph at its repartition topics. A component is named after the first thing it reads: the source topic, the table, or the step that a
 * repartition stands in front of. That name is in directories, topics and transactional ids, and stays when a step is inserted.
 */
export function cutIntoComponents(topology: Topology): readonly Component[] {
  const parents = new Map(topology.nodes.map((node) => [node.id, node.id]));
  const find = (id: string): string => {
    const parent = parents.get(id);
    if (parent === undefined || parent === id) return id;
    const root = find(parent);
    parents.set(id, root);
    return root;
  };
  const join = (left: string, right: string) => parents.set(find(left), find(right));
  for (const node of topology.nodes) {
    if (node.kind !== "repartition") for (const input of node.inputs) join(node.id, input.node);
    if (node.kind === "join") join(node.id, node.table);
  }
  const groups = Map.groupBy(topology.nodes, (node) => find(node.id));
  return [...groups.values()].map((nodes) => ({ name: nameOf(nodes), nodes }));
}

function nameOf(nodes: readonly Node[]): string {
  const entry = nodes.find((node) => node.kind === "source" || node.kind === "repartition") ?? nodes[0]!;
  return entry.kind === "repartition" ? entry.id.replace(/\.repartition(-\d+)?$/, "") : entry.id;
}
