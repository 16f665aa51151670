import { createAvroKeySerde, type KeySerde, keySerde, keyTypeOfField } from "../../schemas/key-serde.ts";
import type { KeyType } from "../../schemas/key-type.ts";
import { type SchemaRegistry, subjectOfKey } from "../../schemas/registry.ts";
import type { Schema } from "../../schemas/schema.ts";
import { createValueDecoder, createValueSerde } from "../../schemas/value-serde.ts";
import type { Job } from "../dsl/define-job.ts";
import type { TopicDefinition } from "../dsl/topic.ts";
import type { Node, SourceNode } from "../dsl/topology.ts";
import type { Plan } from "../plan/plan.ts";
import { eventTimeOf, internalEventTime } from "./event-time.ts";
import { JobMetrics } from "./job-metrics.ts";
import type { PartitionCounts } from "./job-topics.ts";
import type { OutputEncoder } from "./output-buffer.ts";
import type { InputDecoder } from "./record-queue.ts";
import { ReplayTopics } from "./replay-topics.ts";

/** A job ready to run: its plan, and for every node what turns bytes into records and back. Shared by all its workers in a process. */
export interface JobRuntime {
  readonly job: Job;
  readonly plan: Plan;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly partitionCounts: PartitionCounts;
  /** By id of source, table and repartition nodes. */
  readonly decoders: ReadonlyMap<string, InputDecoder>;
  /** By id of sink and repartition nodes. */
  readonly encoders: ReadonlyMap<string, OutputEncoder>;
  /** By id of nodes with state. */
  readonly keyCodecs: ReadonlyMap<string, KeySerde<unknown>>;
  readonly metrics: JobMetrics;
  readonly replays: ReplayTopics;
}

/** Registers the job's schemas and builds its serdes. @throws MulgilError SCHEMA_INCOMPATIBLE if the registry refuses one */
export async function prepareJob(options: {
  readonly job: Job;
  readonly plan: Plan;
  readonly partitionCounts: PartitionCounts;
  readonly registry: SchemaRegistry;
}): Promise<JobRuntime> {
  const { job, plan, partitionCounts, registry } = options;
  const decoders = new Map<string, InputDecoder>();
  const encoders = new Map<string, OutputEncoder>();
  const keyCodecs = new Map<string, KeySerde<unknown>>();
  const keySerdeFor = (topic: string, type: KeyType | null): Promise<KeySerde<unknown>> | null => {
    if (type === null) return null;
    return typeof type === "string"
      ? Promise.resolve(keySerde(type) as KeySerde<unknown>)
      : createAvroKeySerde({ schema: type, subject: subjectOfKey(topic), registry });
  };
  for (const node of job.topology.nodes) {
    switch (node.kind) {
      case "source":
      case "table": {
        const { topic } = node;
        const value = createValueDecoder<unknown>({ schema: topic.value, registry, ...projection(node) });
        decoders.set(node.id, {
          value,
          key: await keySerdeFor(topic.name, node.shape.keyType),
          eventTime: eventTimeOf(topic),
        });
        if (node.kind === "table") keyCodecs.set(node.id, decoders.get(node.id)!.key!);
        break;
      }
      case "repartition": {
        const schema = node.shape.schema as Schema<unknown>;
        const value = await createValueSerde({ schema, topic: node.topic, registry });
        const key = await keySerdeFor(node.topic, node.shape.keyType);
        decoders.set(node.id, { value, key, eventTime: internalEventTime });
        encoders.set(node.id, {
          topic: node.topic,
          partitions: partitionCounts.get(node.topic)!,
          value,
          key,
          internal: true,
        });
        break;
      }
      case "sink": {
        const { topic } = node;
        const value = await createValueSerde({ schema: topic.value, topic: topic.name, registry });
        const key = await keySerdeFor(topic.name, keyTypeOfTopic(topic) ?? node.keyType);
        encoders.set(node.id, {
          topic: topic.name,
          partitions: partitionCounts.get(topic.name)!,
          value,
          key,
          internal: false,
        });
        break;
      }
      case "call":
        keyCodecs.set(node.id, keySerde("string") as KeySerde<unknown>);
        break;
      case "aggregate":
      case "process":
        keyCodecs.set(node.id, (await keySerdeFor(`${job.name}.${node.id}.changelog`, node.keyType))!);
        break;
      default:
    }
  }
  const nodes = new Map(job.topology.nodes.map((node) => [node.id, node]));
  return {
    ...{ job, plan, nodes, partitionCounts, decoders, encoders, keyCodecs },
    metrics: new JobMetrics(job.name),
    replays: new ReplayTopics(plan),
  };
}

function keyTypeOfTopic(topic: TopicDefinition): KeyType | null {
  return topic.keyType ?? (topic.key === undefined ? null : keyTypeOfField(topic.value.avro, topic.key));
}

/** The declared fields, and the one that the event time is read from. */
function projection(node: Node): { fields?: readonly never[] } {
  const { fields, topic } = node as SourceNode;
  if (fields === undefined) return {};
  const needed = typeof topic.eventTime === "string" ? [...fields, topic.eventTime] : fields;
  return { fields: [...new Set(needed)] as unknown as readonly never[] };
}
