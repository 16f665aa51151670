import type { RawRequest } from "../kafkajs.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

export interface BrokerAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface PartitionMetadata {
  readonly errorCode: number;
  /** -1 while there is none. */
  readonly leader: number;
  /** Brokers that have a copy, and those of them whose copy is up to date. */
  readonly copies: number;
  readonly inSync: number;
}

export interface TopicMetadata {
  readonly errorCode: number;
  readonly topic: string;
  /** Never used again, so it tells a topic from another one of the same name. */
  readonly id: string;
  readonly isInternal: boolean;
  /** By number. */
  readonly partitions: readonly PartitionMetadata[];
}

export interface ClusterMetadata {
  readonly brokers: readonly BrokerAddress[];
  readonly topics: readonly TopicMetadata[];
}

export const METADATA = { apiKey: 3, apiName: "Metadata", apiVersion: 12 } as const;

/** Metadata 12 is the first that can be asked by name and has topic ids; kafkajs knows 6. All topics if `topics` is undefined. */
export function metadataRequest(topics: readonly string[] | undefined): RawRequest<ClusterMetadata> {
  const writer = new WireWriter().noTags();
  const noId = Buffer.alloc(16);
  writer.compactArray(topics ?? null, (topic) => writer.raw(noId).compactString(topic).noTags());
  writer.boolean(false).boolean(false).noTags();
  return { ...METADATA, body: writer.written, decode };
}

function decode(body: Buffer): ClusterMetadata {
  const reader = new WireReader(body);
  reader.skipTags();
  reader.int32();
  const brokers = reader.compactArray(() => readBroker(reader));
  reader.compactString();
  reader.int32();
  return { brokers, topics: reader.compactArray(() => readTopic(reader)) };
}

function readBroker(reader: WireReader): BrokerAddress {
  const broker = { nodeId: reader.int32(), host: reader.compactString() ?? "", port: reader.int32() };
  reader.compactString();
  reader.skipTags();
  return broker;
}

function readTopic(reader: WireReader): TopicMetadata {
  const errorCode = reader.int16();
  const topic = reader.compactString() ?? "";
  const id = reader.uuid();
  const isInternal = reader.boolean();
  const partitions: PartitionMetadata[] = [];
  reader.compactArray(() => {
    const partitionError = reader.int16();
    const index = reader.int32();
    const leader = reader.int32();
    reader.int32();
    const [copies, inSync] = [0, 0, 0].map(() => reader.compactArray(() => reader.int32()).length);
    partitions[index] = { errorCode: partitionError, leader, copies: copies!, inSync: inSync! };
    reader.skipTags();
  });
  reader.int32();
  reader.skipTags();
  return { errorCode, topic, id, isInternal, partitions };
}
