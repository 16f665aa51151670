import type { CallNode, Node } from "./topology.ts";

/** In front of a call: at most one record of one, and nothing kept. */
const IN_FRONT: ReadonlySet<Node["kind"]> = new Set(["filter", "map", "peek", "branch"]);
/** What may belong to the same tasks as a call, behind it or beside its way. */
const BESIDE: ReadonlySet<Node["kind"]> = new Set([
  "filter",
  "map",
  "flatMap",
  "peek",
  "branch",
  "keyBy",
  "merge",
  "sink",
]);

/**
 * Whether a call can have the tasks of its source to itself: one topic in, each of its records at most one call, and no state but the call's own. The nodes may be
 * unfinished: what follows the call is not looked at beyond what it is connected to.
 */
export function standsAlone(nodes: readonly Node[], call: CallNode): boolean {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (let node = byId.get(call.inputs[0]!.node)!; ; node = byId.get(node.inputs[0]!.node)!) {
    if (node.kind === "source" || node.kind === "repartition") break;
    if (!IN_FRONT.has(node.kind)) return false;
  }
  return connectedTo(nodes, call).every(
    (node) => node === call || node.kind === "repartition" || isEntry(node) || BESIDE.has(node.kind),
  );
}

/** The nodes that run in the tasks of this one: joined by edges, and cut at repartition topics. */
export function connectedTo(nodes: readonly Node[], start: Node): readonly Node[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Set<Node>([start]);
  for (const node of found) {
    const inputs = node.kind === "repartition" ? [] : node.inputs.map((input) => byId.get(input.node)!);
    const tables = node.kind === "join" ? [byId.get(node.table)!] : [];
    const followers = nodes.filter(
      (other) =>
        other.kind !== "repartition" &&
        (other.inputs.some((input) => input.node === node.id) || (other.kind === "join" && other.table === node.id)),
    );
    for (const next of [...inputs, ...tables, ...followers]) found.add(next);
  }
  return [...found];
}

const isEntry = ({ kind }: Node): boolean => kind === "source";
