import { createHash } from "node:crypto";
import { formatDuration } from "../dsl/duration.ts";
import type { Plan, PlannedStep, PlannedStore, PlannedTopic } from "./plan.ts";

/** One difference between two plans of a job, for people. Whether it breaks state is another question: see `comparePlans`. */
export interface PlanChange {
  readonly what: "setting" | "step" | "store" | "topic";
  readonly name: string;
  readonly change: "added" | "removed" | "changed";
  /** As text; undefined of what was added. */
  readonly before?: string;
  /** As text; undefined of what was removed. */
  readonly after?: string;
}

type Texts = ReadonlyMap<string, string>;

/** What differs between two plans: settings, steps with their windows, stores, topics. All is new if there was none before. */
export function diffPlans(before: Plan | undefined, after: Plan): readonly PlanChange[] {
  const differences = (what: PlanChange["what"], texts: (plan: Plan) => Texts) =>
    changesOf(what, before === undefined ? new Map() : texts(before), texts(after));
  return [
    ...(before === undefined ? [] : differences("setting", settings)),
    ...differences("step", ({ steps }) => new Map(steps.map((step) => [step.id, stepText(step)]))),
    ...differences("store", stores),
    ...differences("topic", ({ topics }) => new Map(topics.map((topic) => [topic.topic, topicText(topic)]))),
  ];
}

function changesOf(what: PlanChange["what"], before: Texts, after: Texts): readonly PlanChange[] {
  return [...new Set([...after.keys(), ...before.keys()])].flatMap((name): readonly PlanChange[] => {
    const [was, is] = [before.get(name), after.get(name)];
    if (was === is) return [];
    if (was === undefined) return [{ what, name, change: "added", after: is! }];
    if (is === undefined) return [{ what, name, change: "removed", before: was }];
    return [{ what, name, change: "changed", before: was, after: is }];
  });
}

const settings = ({ delivery, commitEveryMs, standbys }: Plan): Texts =>
  new Map([
    ["delivery", delivery],
    ["commitEvery", formatDuration(commitEveryMs)],
    ["standbys", String(standbys)],
  ]);

const stepText = ({ kind, inputs, detail }: PlannedStep): string =>
  [kind, detail === "" ? "" : `(${detail})`, inputs.length === 0 ? "" : `← ${inputs.join(", ")}`]
    .filter(Boolean)
    .join(" ");

const stores = ({ subTopologies }: Plan): Texts =>
  new Map(subTopologies.flatMap((part) => part.stores.map((store) => [store.name, storeText(part.name, store)])));

function storeText(part: string, { kind, layout, retentionMs }: PlannedStore): string {
  const kept = retentionMs === null ? "" : `, kept ${formatDuration(retentionMs)} of stream time`;
  // The layout itself is for programs; that it is another one is for people.
  const digest = createHash("sha256").update(layout).digest("hex").slice(0, 8);
  return `${kind} of ${part}${kept}, layout ${digest}`;
}

function topicText({ role, partitions, cleanupPolicy, retentionMs, schema, keyType, ...source }: PlannedTopic): string {
  const count = typeof partitions === "number" ? "" : `partitions like ${partitions.like.join(", ")}`;
  return [
    role,
    count,
    cleanupPolicy,
    retentionMs === -1 ? "kept" : `kept ${formatDuration(retentionMs)}`,
    schema ?? "",
    keyType === undefined ? "" : `key ${keyType}`,
    source.startFrom === undefined ? "" : `starts from ${source.startFrom}`,
    source.onGap === undefined ? "" : `goes on from ${source.onGap} at a gap`,
  ]
    .filter(Boolean)
    .join(", ");
}
