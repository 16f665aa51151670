import { formatDuration } from "../dsl/duration.ts";
import type { Plan, PlannedStep, PlannedTopic, SubTopology } from "./plan.ts";

export type DescribeFormat = "text" | "mermaid" | "json";

/** Shows a plan: as text for people, as a Mermaid flow chart, or as JSON for programs. */
export function describe(plan: Plan, format: DescribeFormat): string {
  switch (format) {
    case "text":
      return text(plan);
    case "mermaid":
      return mermaid(plan);
    case "json":
      return JSON.stringify(plan, null, 2);
  }
}

function text(plan: Plan): string {
  const steps = new Map(plan.steps.map((step) => [step.id, step]));
  return [
    `job ${plan.job}, version ${plan.version}, plan ${plan.hash}: ${plan.delivery}, commits every ${formatDuration(plan.commitEveryMs)}${plan.standbys === 0 ? "" : `, ${plan.standbys} standby${plan.standbys === 1 ? "" : "s"} a task`}`,
    ...plan.subTopologies.map((part) => subTopologyText(part, steps)),
    ["topics", ...plan.topics.map(topicText)].join("\n"),
  ].join("\n\n");
}

function subTopologyText(part: SubTopology, steps: ReadonlyMap<string, PlannedStep>): string {
  const lines = part.nodes.map((id) => {
    const step = steps.get(id)!;
    const inputs = step.inputs.length === 0 ? "" : ` ← ${step.inputs.join(", ")}`;
    return `  ${step.kind.padEnd(12)}${step.id}${inputs}${step.detail === "" ? "" : `  (${step.detail})`}`;
  });
  const stores = part.stores.map(
    (store) =>
      `  store       ${store.name}  (${store.kind}, changelog ${store.changelog}${store.retentionMs === null ? "" : `, kept ${formatDuration(store.retentionMs)} of stream time`})`,
  );
  return [`sub-topology ${part.name}: one task per partition of ${part.sources.join(", ")}`, ...lines, ...stores].join(
    "\n",
  );
}

function topicText(topic: PlannedTopic): string {
  const partitions =
    typeof topic.partitions === "number"
      ? `${topic.partitions} partitions if created`
      : `partitions like ${topic.partitions.like.join(", ")}`;
  const kept = topic.retentionMs === -1 ? "kept" : `kept ${formatDuration(topic.retentionMs)}`;
  return `  ${topic.role.padEnd(12)}${topic.topic}  (${[partitions, topic.cleanupPolicy, kept, topic.schema, topic.keyType && `key ${topic.keyType}`, topic.startFrom && `starts from ${topic.startFrom}`, topic.onGap && `goes on from ${topic.onGap} at a gap`].filter(Boolean).join(", ")})`;
}

function mermaid(plan: Plan): string {
  const ids = new Map(plan.steps.map((step, index) => [step.id, `s${index}`]));
  const quoted = (label: string) => `"${label.replaceAll('"', "#quot;")}"`;
  const shape = (step: PlannedStep) => {
    const label = quoted(`${step.kind}<br/>${step.id}`);
    if (step.kind === "source" || step.kind === "sink" || step.kind === "repartition") return `[(${label})]`;
    return step.kind === "aggregate" || step.kind === "process" || step.kind === "table"
      ? `[[${label}]]`
      : `(${label})`;
  };
  const lines = ["flowchart LR"];
  plan.subTopologies.forEach((part, index) => {
    lines.push(`  subgraph t${index}[${quoted(part.name)}]`);
    for (const id of part.nodes) lines.push(`    ${ids.get(id)}${shape(plan.steps.find((step) => step.id === id)!)}`);
    lines.push("  end");
  });
  for (const step of plan.steps) {
    for (const input of step.inputs) {
      const [from, edge] = input.split("#") as [string, string | undefined];
      lines.push(`  ${ids.get(from)} -->${edge === undefined ? "" : `|${edge}|`} ${ids.get(step.id)}`);
    }
  }
  return lines.join("\n");
}
