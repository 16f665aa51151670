import type { CallNode, Node } from "../../dsl/topology.ts";
import type { JobRuntime } from "../../worker/job-runtime.ts";

/** The runtime of a process whose calls die with it: none begins any more, and none ends. */
export function withMortalCalls(runtime: JobRuntime, isDead: () => boolean): JobRuntime {
  if (![...runtime.nodes.values()].some(({ kind }) => kind === "call")) return runtime;
  const mortal = (node: Node): Node =>
    node.kind === "call" ? { ...node, handler: mortalHandler(node, isDead) } : node;
  const nodes = runtime.job.topology.nodes.map(mortal);
  return {
    ...runtime,
    job: { ...runtime.job, topology: { ...runtime.job.topology, nodes } },
    nodes: new Map(nodes.map((node) => [node.id, node])),
  };
}

const NEVER = new Promise<never>(() => undefined);

const mortalHandler =
  ({ handler }: CallNode, isDead: () => boolean): CallNode["handler"] =>
  async (...args) => {
    if (isDead()) return NEVER;
    const outcome: unknown = await handler(...args);
    return isDead() ? NEVER : outcome;
  };
