import type { TopicPartition } from "../../port.ts";
import type { RawRequest } from "../kafkajs.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

export interface EncodedBatch extends TopicPartition {
  readonly bytes: Buffer;
}

export interface ProduceAnswer extends TopicPartition {
  readonly errorCode: number;
  readonly baseOffset: number;
  /** The first record that the broker refuses, if it names one, and why. */
  readonly refused: { readonly index: number | undefined; readonly why: string };
}

const ALL_IN_SYNC = -1;

/** Produce 8 is the first that names refused records; kafkajs knows 7 and encodes records slowly. One batch a partition. */
export function produceRequest(
  batches: readonly EncodedBatch[],
  options: { readonly transactionalId: string | null; readonly timeoutMs: number },
): RawRequest<readonly ProduceAnswer[]> {
  const writer = new WireWriter(
    256 + batches.reduce((sum, { bytes, topic }) => sum + bytes.length + topic.length + 32, 0),
  );
  writer.string(options.transactionalId).int16(ALL_IN_SYNC).int32(options.timeoutMs);
  writer.array([...Map.groupBy(batches, ({ topic }) => topic)], ([topic, ofTopic]) => {
    writer.string(topic);
    writer.array(ofTopic, ({ partition, bytes }) => writer.int32(partition).bytes(bytes));
  });
  return { apiKey: 0, apiName: "Produce", apiVersion: 8, body: writer.written, decode };
}

function decode(body: Buffer): readonly ProduceAnswer[] {
  const reader = new WireReader(body);
  return reader
    .array(() => {
      const topic = reader.string() ?? "";
      return reader.array(() => readPartition(reader, topic));
    })
    .flat();
}

function readPartition(reader: WireReader, topic: string): ProduceAnswer {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const baseOffset = reader.int64();
  reader.int64();
  reader.int64();
  const [first] = reader.array(() => ({ index: reader.int32(), message: reader.string() }));
  const message = reader.string();
  return {
    topic,
    partition,
    errorCode,
    baseOffset,
    refused: { index: first?.index, why: first?.message ?? message ?? "" },
  };
}
