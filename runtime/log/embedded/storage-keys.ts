/**
 * The layout of the database. The first byte is the kind; numbers are big endian so that keys sort by topic, partition, offset.
 *
 * | kind | key | value |
 * | --- | --- | --- |
 * | 0 log | – | format and counters (JSON) |
 * | 1 topic | name | id, partitions, configuration, incarnation (JSON) |
 * | 2 partition | topic id, partition | start, end, what compaction knows (partition-status.ts) |
 * | 3 aborted | topic id, partition, offset of the marker | producer id, first offset (JSON) |
 * | 4 transaction | transactional id | producer id, epoch, what is open or decided (JSON) |
 * | 5 offset | group, topic id, partition | offset, metadata (JSON) |
 * | 6 deletion | topic id | empty: the data of this topic is being removed |
 * | 7 batch | topic id, partition, base offset | batch-encoding.ts |
 *
 * Everything but the batches is loaded when the log opens.
 */
const LOG = 0;
const TOPIC = 1;
const PARTITION = 2;
const ABORTED = 3;
const TRANSACTION = 4;
const OFFSET = 5;
const DELETION = 6;
const BATCH = 7;

export type MetadataKey =
  | { readonly kind: "log" }
  | { readonly kind: "topic"; readonly topic: string }
  | { readonly kind: "partition"; readonly topicId: number; readonly partition: number }
  | { readonly kind: "aborted"; readonly topicId: number; readonly partition: number; readonly markerOffset: number }
  | { readonly kind: "transaction"; readonly transactionalId: string }
  | { readonly kind: "offset"; readonly groupId: string; readonly topicId: number; readonly partition: number }
  | { readonly kind: "deletion"; readonly topicId: number };

const TWO_POW_32 = 2 ** 32;

const named = (kind: number, name: string): Buffer => {
  const key = Buffer.allocUnsafe(1 + Buffer.byteLength(name));
  key[0] = kind;
  key.write(name, 1);
  return key;
};

const placed = (kind: number, topicId: number, partition: number): Buffer => {
  const key = Buffer.allocUnsafe(9);
  key[0] = kind;
  key.writeUInt32BE(topicId, 1);
  key.writeUInt32BE(partition, 5);
  return key;
};

const positioned = (kind: number, topicId: number, partition: number, offset: number): Buffer => {
  const key = Buffer.allocUnsafe(17);
  key[0] = kind;
  key.writeUInt32BE(topicId, 1);
  key.writeUInt32BE(partition, 5);
  key.writeUInt32BE(Math.floor(offset / TWO_POW_32), 9);
  key.writeUInt32BE(offset % TWO_POW_32, 13);
  return key;
};

const offsetAt = (key: Buffer): number => key.readUInt32BE(9) * TWO_POW_32 + key.readUInt32BE(13);

export const logKey = (): Buffer => Buffer.from([LOG]);
export const topicKey = (topic: string): Buffer => named(TOPIC, topic);
export const partitionKey = (topicId: number, partition: number): Buffer => placed(PARTITION, topicId, partition);
export const abortedKey = (topicId: number, partition: number, markerOffset: number): Buffer =>
  positioned(ABORTED, topicId, partition, markerOffset);
export const transactionKey = (transactionalId: string): Buffer => named(TRANSACTION, transactionalId);

export function offsetKey(groupId: string, topicId: number, partition: number): Buffer {
  const length = Buffer.byteLength(groupId);
  const key = Buffer.allocUnsafe(1 + length + 8);
  key[0] = OFFSET;
  key.write(groupId, 1);
  key.writeUInt32BE(topicId, 1 + length);
  key.writeUInt32BE(partition, 5 + length);
  return key;
}

export function deletionKey(topicId: number): Buffer {
  const key = Buffer.allocUnsafe(5);
  key[0] = DELETION;
  key.writeUInt32BE(topicId, 1);
  return key;
}

export const batchKey = (topicId: number, partition: number, baseOffset: number): Buffer =>
  positioned(BATCH, topicId, partition, baseOffset);
export const baseOffsetOf = (key: Buffer): number => offsetAt(key);

/** The range of everything but the batches. */
export const metadataRange = (): { readonly gte: Buffer; readonly lt: Buffer } => ({
  gte: Buffer.from([LOG]),
  lt: Buffer.from([BATCH]),
});

/** The ranges of what belongs to a topic's partitions: statuses, aborted transactions, batches. */
export const topicRanges = (topicId: number): readonly { readonly gte: Buffer; readonly lt: Buffer }[] =>
  [PARTITION, ABORTED, BATCH].map((kind) => ({ gte: placed(kind, topicId, 0), lt: placed(kind, topicId + 1, 0) }));

export function parseMetadataKey(key: Buffer): MetadataKey | undefined {
  switch (key[0]) {
    case LOG:
      return { kind: "log" };
    case TOPIC:
      return { kind: "topic", topic: key.toString("utf8", 1) };
    case PARTITION:
      return { kind: "partition", topicId: key.readUInt32BE(1), partition: key.readUInt32BE(5) };
    case ABORTED:
      return {
        kind: "aborted",
        topicId: key.readUInt32BE(1),
        partition: key.readUInt32BE(5),
        markerOffset: offsetAt(key),
      };
    case TRANSACTION:
      return { kind: "transaction", transactionalId: key.toString("utf8", 1) };
    case OFFSET:
      return {
        kind: "offset",
        groupId: key.toString("utf8", 1, key.length - 8),
        topicId: key.readUInt32BE(key.length - 8),
        partition: key.readUInt32BE(key.length - 4),
      };
    case DELETION:
      return { kind: "deletion", topicId: key.readUInt32BE(1) };
    default:
      return undefined;
  }
}
