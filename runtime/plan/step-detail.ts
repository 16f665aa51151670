import type { Node } from "../dsl/topology.ts";
import type { Windows } from "../dsl/windows.ts";

/** One line about a step, for people. */
export function detailOf(node: Node): string {
  switch (node.kind) {
    case "source":
      return `topic ${node.topic.name}${node.topic.key === undefined ? "" : `, key ${node.topic.key}`}${node.fields === undefined ? "" : `, fields ${node.fields.join(", ")}`}`;
    case "table":
      return `topic ${node.topic.name}, latest value per key`;
    case "repartition":
      return `topic ${node.topic}; records of several partitions interleave here, so grace must cover what that makes late`;
    case "keyBy":
      return node.path === undefined ? "new key" : `new key ${node.path}`;
    case "branch":
      return [...Object.keys(node.predicates), "otherwise"].join(" | ");
    case "aggregate":
      return [node.windows === undefined ? "for ever" : windowsText(node.windows), `emits ${node.emit}`].join(", ");
    case "join":
      return `${node.join} with ${node.table}`;
    case "process":
      return [
        Object.keys(node.stores).length === 0 ? "" : `stores ${Object.keys(node.stores).join(", ")}`,
        Object.keys(node.timers).length === 0
          ? ""
          : `timers ${Object.entries(node.timers)
              .map(([name, domain]) => `${name} (${domain})`)
              .join(", ")}`,
      ]
        .filter(Boolean)
        .join("; ");
    case "call":
      return [
        node.orderKey === undefined
          ? "all at once"
          : `in order by key, ${node.order === "strict" ? "strictly" : "the last success wins"}`,
        `up to ${node.concurrency} at once`,
        `tries again after ${node.tiers.join(", ")}`,
      ].join("; ");
    case "sink":
      return `topic ${node.topic.name}`;
    default:
      return "";
  }
}

function windowsText(windows: Windows): string {
  const grace = windows.grace === "none" ? "no grace" : `grace ${windows.grace}`;
  switch (windows.kind) {
    case "tumbling":
      return `tumbling ${windows.size}${windows.zone === undefined ? "" : ` in ${windows.zone}`}, ${grace}`;
    case "hopping":
      return `hopping ${windows.size} every ${windows.advance}, ${grace}`;
    case "sliding":
      return `sliding ${windows.difference}, ${grace}`;
    case "session":
      return `session gap ${windows.gap}, ${grace}`;
  }
}
