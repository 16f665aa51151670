import type { CallNode, Node } from "./topology.ts";

/**
 * The stores of a call. inputs: which records ended out of order, and what waits; keys: order keys with a record that has not ended; held: the
 * records behind those; erased: who is to be forgotten.
 */
export type CallStoreName = "inputs" | "keys" | "held" | "erased";

export const callStores = ({ orderKey, order, erasure }: CallNode): readonly CallStoreName[] => [
  "inputs",
  ...(orderKey === undefined ? [] : (["keys"] as const)),
  ...(orderKey === undefined || order !== "strict" ? [] : (["held"] as const)),
  ...(erasure === undefined ? [] : (["erased"] as const)),
];

/** Whether a store says of a call's input which records are done with: what becomes of them must be durable before that. */
export const isInputsStore = (node: Node | undefined, store: string): boolean =>
  node?.kind === "call" && store === `${node.id}.${"inputs" satisfies CallStoreName}`;
