import { createHash } from "node:crypto";
import type { KeyType } from "../../schemas/key-type.ts";
import type { Schema } from "../../schemas/schema.ts";
import type { Job } from "../dsl/define-job.ts";
import { parseDuration } from "../dsl/duration.ts";
import type { PositionOptions } from "../dsl/source-options.ts";
import type { TopicDefinition } from "../dsl/topic.ts";
import type { Node } from "../dsl/topology.ts";
import { DefinitionError } from "../errors/errors.ts";
import { changelogTopic, circuitsTopicOf, dlqTopicOf } from "./internal-topics.ts";
import { personalDataOf } from "./personal-data.ts";
import type { Plan, PlannedStep, PlannedStore, PlannedTopic, SubTopology } from "./plan.ts";
import { detailOf } from "./step-detail.ts";
import { storeLayout } from "./store-layout.ts";
import { storesOfNode } from "./stores.ts";
import { type Component, cutIntoComponents } from "./sub-topologies.ts";
import { tiersOf } from "./tiers.ts";
import { validate } from "./validate.ts";

const DAY_MS = 86_400_000;
const PARTITIONS_DEFAULT = 4;
/** A changelog outlives its windows by this much, so that a worker that was away for days still finds what it needs. */
const CHANGELOG_MARGIN_MS = 7 * DAY_MS;

/**
 * Turns a job into its plan: what runs where, which topics and stores it needs, and how they are configured. Pure: same job, same plan.
 * @throws {DefinitionError} with every mistake that `validate` finds
 */
export function compile(job: Job): Plan {
  const issues = validate(job);
  if (issues.length > 0) throw new DefinitionError(job.name, issues);
  const subTopologies = cutIntoComponents(job.topology).map((component) => subTopology(job, component));
  const dlqTopic = dlqTopicOf(job.name);
  const content = {
    job: job.name,
    delivery: job.delivery,
    commitEveryMs: parseDuration(job.commitEvery)!,
    subTopologies,
    steps: job.topology.nodes.map(step),
    topics: topics(job, subTopologies, dlqTopic),
    dlqTopic,
  };
  const hash = createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 16);
  const personal = personalDataOf(job.topology.nodes);
  return Object.freeze({ ...content, version: job.version, hash, standbys: job.standbys, personal });
}

function subTopology(job: Job, component: Component): SubTopology {
  const stores = component.nodes.flatMap((node) =>
    storesOfNode(node).map(
      (store): PlannedStore => ({
        ...store,
        node: node.id,
        changelog: changelogTopic(job.name, store.name),
        layout: storeLayout(node, store.name),
      }),
    ),
  );
  const sources = component.nodes.flatMap((node) => {
    if (node.kind === "source" || node.kind === "table") return [node.topic.name];
    return node.kind === "repartition" ? [node.topic] : [];
  });
  const call = component.nodes.find((node) => node.kind === "call");
  const tiers = call === undefined ? [] : tiersOf(job.name, call);
  return {
    name: component.name,
    sources: [...new Set([...sources, ...tiers.map(({ topic }) => topic)])],
    nodes: component.nodes.map((node) => node.id),
    stores,
    ...(call && { call: { node: call.id, tiers } }),
  };
}

function step(node: Node): PlannedStep {
  return {
    id: node.id,
    kind: node.kind,
    inputs: node.inputs.map((input) => (input.edge === undefined ? input.node : `${input.node}#${input.edge}`)),
    detail: detailOf(node),
  };
}

function topics(job: Job, subTopologies: readonly SubTopology[], dlqTopic: string): PlannedTopic[] {
  const planned = new Map<string, PlannedTopic>();
  const add = (topic: PlannedTopic) => {
    if (!planned.has(topic.topic)) planned.set(topic.topic, topic);
  };
  for (const node of job.topology.nodes) {
    if (node.kind === "source") add({ ...external(node.topic), role: "source", ...position(node) });
    if (node.kind === "table")
      add({ ...external(node.topic), role: "source", cleanupPolicy: "compact", ...position(node) });
    if (node.kind === "sink") add({ ...external(node.topic), role: "sink" });
    if (node.kind === "repartition") {
      add({
        topic: node.topic,
        role: "repartition",
        partitions: { like: partitionModels(job, subTopologies, node.id) },
        cleanupPolicy: "delete",
        retentionMs: -1,
        ...described(node.shape.schema, node.shape.keyType),
      });
    }
  }
  for (const { sources, stores, call } of subTopologies) {
    for (const { topic } of call?.tiers ?? []) {
      add({
        topic,
        role: "retry",
        partitions: { like: sources.slice(0, 1) },
        cleanupPolicy: "delete",
        retentionMs: -1,
      });
    }
    for (const store of stores) {
      const expires = store.kind === "window" && store.retentionMs !== null;
      add({
        topic: store.changelog,
        role: "changelog",
        partitions: { like: call === undefined ? sources : sources.slice(0, 1) },
        cleanupPolicy: expires ? "compact,delete" : "compact",
        retentionMs: expires ? store.retentionMs! + CHANGELOG_MARGIN_MS : -1,
      });
    }
  }
  if (subTopologies.some(({ call }) => call !== undefined))
    add({
      topic: circuitsTopicOf(job.name),
      role: "circuits",
      partitions: 1,
      cleanupPolicy: "compact",
      retentionMs: -1,
    });
  add({ topic: dlqTopic, role: "dlq", partitions: 1, cleanupPolicy: "delete", retentionMs: -1 });
  return [...planned.values()];
}

function external(topic: TopicDefinition): Omit<PlannedTopic, "role"> {
  return {
    topic: topic.name,
    partitions: topic.partitions ?? PARTITIONS_DEFAULT,
    cleanupPolicy: "delete",
    retentionMs: -1,
    ...described(topic.value, topic.keyType ?? null),
    ...(topic.key !== undefined && { keyType: `field ${topic.key}` }),
  };
}

/** Defaults are left out, so that saying them changes no plan. */
function position({ onGap, startFrom }: PositionOptions): Pick<PlannedTopic, "onGap" | "startFrom"> {
  return {
    ...(onGap !== undefined && onGap !== "fail" && { onGap }),
    ...(startFrom !== undefined && startFrom !== "earliest" && { startFrom }),
  };
}

function described(
  schema: Schema<unknown> | undefined,
  keyType: KeyType | null,
): { schema?: string; keyType?: string } {
  const avro = schema?.avro;
  const name = typeof avro === "object" && !Array.isArray(avro) ? (avro as { name?: unknown }).name : avro;
  return {
    ...(typeof name === "string" && { schema: name }),
    ...(keyType !== null && { keyType: typeof keyType === "string" ? keyType : "avro" }),
  };
}

/** The repartition topics of a part have as many partitions as the topics that they are read beside, else as the largest that feeds any of them. */
function partitionModels(job: Job, subTopologies: readonly SubTopology[], repartition: string): readonly string[] {
  const nodes = new Map(job.topology.nodes.map((node) => [node.id, node]));
  const partOf = (id: string) => subTopologies.find((part) => part.nodes.includes(id))!;
  const seen = new Set<SubTopology>();
  // Parts can feed each other in a circle; only topics of the outside are named, so that no number depends on itself.
  const models = (part: SubTopology): readonly string[] => {
    const own = part.nodes.map((id) => nodes.get(id)!);
    const beside = own.flatMap((node) => (node.kind === "source" || node.kind === "table" ? [node.topic.name] : []));
    if (beside.length > 0 || seen.has(part)) return beside;
    seen.add(part);
    const feeding = own.flatMap((node) => (node.kind === "repartition" ? node.inputs : []));
    return feeding.flatMap((input) => models(partOf(input.node)));
  };
  return [...new Set(models(partOf(repartition)))];
}
