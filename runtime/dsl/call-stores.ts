import type { CallNode } from "./topology.ts";

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
