import { avroTypeOf } from "../../schemas/avro-type.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import { GAP_POLICIES, type PositionOptions, STARTS } from "../dsl/source-options.ts";
import type { TopicDefinition } from "../dsl/topic.ts";
import type { Node } from "../dsl/topology.ts";
import type { Issue } from "../errors/errors.ts";
import { changelogTopic, circuitsTopicOf, dlqTopicOf } from "./internal-topics.ts";
import { storesOfNode } from "./stores.ts";
import { tiersOf } from "./tiers.ts";

/** What is wrong with the topics that a job names. */
export function topicIssues(job: string, nodes: readonly Node[]): Issue[] {
  const topics = nodes.flatMap((node) =>
    node.kind === "source" || node.kind === "table" || node.kind === "sink" ? [{ node, topic: node.topic }] : [],
  );
  const issues: Issue[] = [];
  const seen = new Map<string, TopicDefinition>();
  for (const { topic } of topics) {
    const before = seen.get(topic.name);
    if (before === undefined) issues.push(...definitionIssues(topic));
    else if (
      JSON.stringify(before.value.avro) !== JSON.stringify(topic.value.avro) ||
      before.key !== topic.key ||
      JSON.stringify(before.keyType) !== JSON.stringify(topic.keyType)
    ) {
      issues.push({
        code: "JOB_TOPIC_CONFLICT",
        at: topic.name,
        message: `"${topic.name}" is defined twice, with different values or keys: use one definition`,
      });
    }
    seen.set(topic.name, topic);
  }
  for (const [name, reading] of Map.groupBy(
    topics.filter(({ node }) => node.kind !== "sink"),
    ({ topic }) => topic.name,
  )) {
    if (reading.length > 1)
      issues.push({
        code: "JOB_SOURCE_DUPLICATE",
        at: name,
        message: `"${name}" is opened ${reading.length} times: open it once, keep the stream in a variable, and use it twice`,
      });
  }
  const internal = internalTopics(job, nodes);
  for (const name of new Set(topics.map(({ topic }) => topic.name))) {
    if (!internal.has(name)) continue;
    issues.push({
      code: "JOB_TOPIC_RESERVED",
      at: name,
      message: `"${name}" is a topic that the job makes for itself: give yours another name, or rename the job or the step`,
    });
  }
  const sinks = new Set(topics.filter(({ node }) => node.kind === "sink").map(({ topic }) => topic.name));
  for (const { node, topic } of topics) {
    if (node.kind !== "sink" && sinks.has(topic.name)) {
      issues.push({
        code: "JOB_TOPIC_LOOP",
        at: topic.name,
        message: `the job reads "${topic.name}" and writes to it: its own outputs would come back for ever; write to another topic`,
      });
    }
    if (node.kind === "source" && node.fields !== undefined) issues.push(...fieldIssues(topic, node.fields));
    if (node.kind !== "sink") issues.push(...positionIssues(topic, node));
  }
  return issues;
}

function internalTopics(job: string, nodes: readonly Node[]): ReadonlySet<string> {
  const made = nodes.flatMap((node) => [
    ...storesOfNode(node).map(({ name }) => changelogTopic(job, name)),
    ...(node.kind === "repartition" ? [node.topic] : []),
    ...(node.kind === "call" ? tiersOf(job, node).map(({ topic }) => topic) : []),
  ]);
  return new Set([...made, dlqTopicOf(job), circuitsTopicOf(job)]);
}

function definitionIssues(topic: TopicDefinition): Issue[] {
  const issues: Issue[] = [];
  const add = (code: string, message: string) => issues.push({ code, at: topic.name, message });
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic.name) || /^\.{1,2}$/.test(topic.name))
    add(
      "JOB_TOPIC_NAME",
      `"${topic.name}" is no name for a topic: use 1 to 249 letters, digits, dots, dashes and underscores`,
    );
  if (topic.partitions !== undefined && !(Number.isInteger(topic.partitions) && topic.partitions > 0))
    add("JOB_PARTITIONS", `partitions ${topic.partitions} must be a positive whole number`);
  if (topic.key !== undefined && topic.keyType !== undefined)
    add("JOB_TOPIC_KEY", "names both key (a field) and keyType: keep one");
  try {
    avroTypeOf(topic.value.avro);
  } catch (error) {
    add(
      "JOB_SCHEMA_INVALID",
      `its Avro schema cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
    return issues;
  }
  if (typeof topic.eventTime === "string") {
    const type = logicalTypeOf(topic.value.avro, topic.eventTime);
    if (type !== "timestamp-millis" && type !== "date")
      add(
        "JOB_EVENT_TIME",
        `eventTime "${topic.eventTime}" must be a field of logical type timestamp-millis or date${type === undefined ? ", and there is no such field" : `, and is ${type}`}`,
      );
  }
  return issues;
}

/** Types are left out when a job file is run. */
function positionIssues({ name }: TopicDefinition, { onGap, startFrom }: PositionOptions): Issue[] {
  const issue = (option: string, given: string, known: readonly string[]): Issue => ({
    code: "JOB_SOURCE_POSITION",
    at: name,
    message: `${option} "${given}" is not known: use ${known.join(", ")}`,
  });
  return [
    ...(onGap === undefined || GAP_POLICIES.includes(onGap) ? [] : [issue("onGap", onGap, GAP_POLICIES)]),
    ...(startFrom === undefined || STARTS.includes(startFrom) ? [] : [issue("startFrom", startFrom, STARTS)]),
  ];
}

function fieldIssues(topic: TopicDefinition, fields: readonly string[]): Issue[] {
  const known = fieldsOf(topic.value.avro).map((field) => String(field["name"]));
  return fields
    .filter((field) => !known.includes(field))
    .map((field) => ({
      code: "JOB_SOURCE_FIELDS",
      at: topic.name,
      message: `there is no field "${field}": the fields are ${known.join(", ")}`,
    }));
}

type Attributes = { readonly [attribute: string]: unknown };

function fieldsOf(avro: AvroJson): readonly Attributes[] {
  if (typeof avro === "string" || Array.isArray(avro)) return [];
  const fields = (avro as Attributes)["fields"];
  return Array.isArray(fields) ? (fields as readonly Attributes[]) : [];
}

/** The logical (else the plain) type of a field; undefined if there is no such field. */
export function logicalTypeOf(avro: AvroJson, name: string): string | undefined {
  const type = fieldsOf(avro).find((field) => field["name"] === name)?.["type"];
  if (type === undefined) return undefined;
  if (typeof type === "string") return type;
  if (Array.isArray(type)) return "a union";
  const attributes = type as Attributes;
  return String(attributes["logicalType"] ?? attributes["type"]);
}
