import type { RawRequest } from "../kafkajs.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** Who writes to a partition, as its leader remembers it. */
export interface ActiveProducer {
  readonly producerId: number;
  /** Where its open transaction begins; -1 if none is open. */
  readonly firstOffset: number;
}

export interface PartitionProducers {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly producers: readonly ActiveProducer[];
}

export const DESCRIBE_PRODUCERS = { apiKey: 61, apiName: "DescribeProducers", apiVersion: 0 } as const;

/** kafkajs does not know it. Brokers do since 2.8. */
export function describeProducersRequest(
  topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
): RawRequest<readonly PartitionProducers[]> {
  const writer = new WireWriter().noTags();
  writer.compactArray(topics, ({ topic, partitions }) =>
    writer
      .compactString(topic)
      .compactArray(partitions, (partition) => writer.int32(partition))
      .noTags(),
  );
  writer.noTags();
  return { ...DESCRIBE_PRODUCERS, body: writer.written, decode };
}

function decode(body: Buffer): readonly PartitionProducers[] {
  const reader = new WireReader(body);
  reader.skipTags();
  reader.int32();
  return reader
    .compactArray(() => {
      const topic = reader.compactString() ?? "";
      const partitions = reader.compactArray(() => readPartition(reader, topic));
      reader.skipTags();
      return partitions;
    })
    .flat();
}

function readPartition(reader: WireReader, topic: string): PartitionProducers {
  const partition = reader.int32();
  const errorCode = reader.int16();
  reader.compactString();
  const producers = reader.compactArray(() => {
    const producerId = reader.int64();
    reader.int32();
    reader.int32();
    reader.int64();
    reader.int32();
    const firstOffset = reader.int64();
    reader.skipTags();
    return { producerId, firstOffset };
  });
  reader.skipTags();
  return { topic, partition, errorCode, producers };
}
