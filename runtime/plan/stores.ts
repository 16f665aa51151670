import { callStores } from "../dsl/call-stores.ts";
import type { Node, ProcessNode } from "../dsl/topology.ts";
import { readWindows, retentionMs } from "../dsl/window-spec.ts";
import type { Windows } from "../dsl/windows.ts";
import type { PlannedStore } from "./plan.ts";

/** A store that a step needs, before it is known where. */
export type NodeStore = Pick<PlannedStore, "name" | "kind" | "retentionMs">;

/**
 * The stores of a step. The store of an aggregate or a table has the step's name for it; those of a `process` step are called
 * `<step>.<store>`, and its timers `<step>.timers.stream` and `<step>.timers.wall`; those of a call, see `CallStoreName`.
 */
export function storesOfNode(node: Node): readonly NodeStore[] {
  switch (node.kind) {
    case "table":
      return [forEver(node.store)];
    case "aggregate":
      return [node.windows === undefined ? forEver(node.store) : windowed(node.store, node.windows)];
    case "process":
      return processStores(node);
    case "call":
      return callStores(node).map((store) => forEver(`${node.id}.${store}`));
    default:
      return [];
  }
}

const forEver = (name: string): NodeStore => ({ name, kind: "keyValue", retentionMs: null });

function windowed(name: string, windows: Windows): NodeStore {
  const { spec } = readWindows(windows);
  const kind = windows.kind === "session" || windows.kind === "sliding" ? "timeIndexed" : "window";
  return { name, kind, retentionMs: spec === undefined ? null : retentionMs(spec) };
}

function processStores({ id, stores, timers }: ProcessNode): readonly NodeStore[] {
  const domains = new Set(Object.values(timers));
  const timerStore = (domain: "stream" | "wall"): NodeStore => ({
    name: `${id}.timers.${domain}`,
    kind: "timeIndexed",
    retentionMs: null,
  });
  return [
    ...Object.keys(stores).map((name) => forEver(`${id}.${name}`)),
    ...(domains.has("stream-time") ? [timerStore("stream")] : []),
    ...(domains.has("wall-time") ? [timerStore("wall")] : []),
  ];
}
