import type { AbortedTransaction } from "./aborted-transactions.ts";
import type { StoredOffset } from "./committed-offsets.ts";
import type { StoredCounters } from "./log-counters.ts";
import { decodePartitionStatus, type PartitionStatus } from "./partition-status.ts";
import { del, type LogDatabase } from "./storage.ts";
import { deletionKey, metadataRange, parseMetadataKey, topicRanges } from "./storage-keys.ts";
import type { StoredTopic } from "./topic-catalog.ts";
import type { StoredTransactionalId } from "./transaction-record.ts";

interface Placed<T> {
  readonly topicId: number;
  readonly partition: number;
  readonly value: T;
}

/** Everything the database says beside the batches. */
export interface StoredMetadata {
  counters: StoredCounters | undefined;
  readonly topics: Map<string, StoredTopic>;
  readonly statuses: Placed<PartitionStatus>[];
  readonly aborted: Placed<AbortedTransaction>[];
  readonly transactions: Map<string, StoredTransactionalId>;
  readonly offsets: (Placed<StoredOffset> & { readonly groupId: string })[];
  readonly deletions: number[];
}

const ENTRIES_AT_ONCE = 1000;

/** Reads what the log keeps in memory. */
export async function loadMetadata(database: LogDatabase): Promise<StoredMetadata> {
  const metadata: StoredMetadata = {
    counters: undefined,
    topics: new Map(),
    statuses: [],
    aborted: [],
    transactions: new Map(),
    offsets: [],
    deletions: [],
  };
  await using iterator = database.iterator<Buffer, Buffer>(metadataRange());
  for (;;) {
    const entries = await iterator.nextv(ENTRIES_AT_ONCE);
    if (entries.length === 0) return metadata;
    for (const [key, value] of entries) enter(metadata, key, value);
  }
}

function enter(metadata: StoredMetadata, encodedKey: Buffer, value: Buffer): void {
  const key = parseMetadataKey(encodedKey);
  switch (key?.kind) {
    case "log":
      metadata.counters = parse<StoredCounters>(value);
      break;
    case "topic":
      metadata.topics.set(key.topic, parse<StoredTopic>(value));
      break;
    case "partition":
      metadata.statuses.push({ ...key, value: decodePartitionStatus(value) });
      break;
    case "aborted": {
      const { producerId, firstOffset } = parse<Omit<AbortedTransaction, "markerOffset">>(value);
      metadata.aborted.push({ ...key, value: { producerId, firstOffset, markerOffset: key.markerOffset } });
      break;
    }
    case "transaction":
      metadata.transactions.set(key.transactionalId, parse<StoredTransactionalId>(value));
      break;
    case "offset":
      metadata.offsets.push({ ...key, value: parse<StoredOffset>(value) });
      break;
    case "deletion":
      metadata.deletions.push(key.topicId);
      break;
  }
}

const parse = <T>(value: Buffer): T => JSON.parse(value.toString()) as T;

/** Removes the data of a deleted topic; the marker goes last, so that an interrupted removal is repeated. */
export async function removeTopicData(database: LogDatabase, topicId: number): Promise<void> {
  for (const range of topicRanges(topicId)) await database.clear(range);
  await database.batch([del(deletionKey(topicId))]);
}
