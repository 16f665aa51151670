import type { Isolation, PartitionOffset } from "../../port.ts";
import type { RawRequest } from "../kafkajs.ts";
import type { AbortedTransaction } from "./record-batch-decoder.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

export interface FetchPartition extends PartitionOffset {
  readonly topicId: string;
  readonly bytesMax: number;
}

export interface FetchOptions {
  readonly partitions: readonly FetchPartition[];
  readonly isolation: Isolation;
  readonly waitMaxMs: number;
  readonly bytesMax: number;
}

export interface PartitionAnswer {
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  /** A view of the whole answer. */
  readonly bytes: Buffer;
}

export interface FetchAnswer {
  readonly errorCode: number;
  readonly partitions: readonly PartitionAnswer[];
}

/** Kafka's codes of isolation levels. */
export const isolationLevel = (isolation: Isolation): number => (isolation === "read_committed" ? 1 : 0);

/** Fetch 13 is the first that asks by topic id, so that a topic made anew is never taken for the old one; kafkajs knows 11. No session. */
export const FETCH = { apiKey: 1, apiName: "Fetch", apiVersion: 13 } as const;

const ANY_CONSUMER = -1;
const UNKNOWN = -1;

export function fetchRequest({ partitions, isolation, waitMaxMs, bytesMax }: FetchOptions): RawRequest<FetchAnswer> {
  const writer = new WireWriter().noTags();
  writer.int32(ANY_CONSUMER).int32(waitMaxMs).int32(1).int32(bytesMax).int8(isolationLevel(isolation));
  writer.int32(0).int32(-1);
  writer.compactArray([...Map.groupBy(partitions, ({ topicId }) => topicId)], ([topicId, ofTopic]) => {
    writer.raw(Buffer.from(topicId, "hex"));
    writer.compactArray(ofTopic, ({ partition, offset, bytesMax: partitionBytesMax }) => {
      writer
        .int32(partition)
        .int32(UNKNOWN)
        .int64(offset)
        .int32(UNKNOWN)
        .int64(UNKNOWN)
        .int32(partitionBytesMax)
        .noTags();
    });
    writer.noTags();
  });
  writer.compactArray([], () => undefined);
  writer.compactString("").noTags();
  return { ...FETCH, body: writer.written, decode };
}

function decode(body: Buffer): FetchAnswer {
  const reader = new WireReader(body);
  reader.skipTags();
  reader.int32();
  const errorCode = reader.int16();
  reader.int32();
  const partitions: PartitionAnswer[] = [];
  reader.compactArray(() => {
    const topicId = reader.uuid();
    reader.compactArray(() => partitions.push(readPartition(reader, topicId)));
    reader.skipTags();
  });
  return { errorCode, partitions };
}

function readPartition(reader: WireReader, topicId: string): PartitionAnswer {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  reader.int64();
  const aborted = reader.compactArray(() => {
    const transaction = { producerId: reader.int64(), firstOffset: reader.int64() };
    reader.skipTags();
    return transaction;
  });
  reader.int32();
  const bytes = reader.compactBytes() ?? Buffer.alloc(0);
  reader.skipTags();
  return { topicId, partition, errorCode, highWatermark, lastStableOffset, aborted, bytes };
}
