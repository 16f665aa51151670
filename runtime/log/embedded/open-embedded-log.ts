import type { Clock } from "../../time/clock.ts";
import { cryptographicRandom } from "../../time/random.ts";
import { BatchEncoder } from "./batch-encoding.ts";
import { CommittedOffsets } from "./committed-offsets.ts";
import { EmbeddedLog } from "./embedded-log.ts";
import { Lifecycle } from "./lifecycle.ts";
import { LogCounters } from "./log-counters.ts";
import { Maintenance } from "./maintenance.ts";
import type { PartitionLog } from "./partition-log.ts";
import { loadMetadata, removeTopicData, type StoredMetadata } from "./recovery.ts";
import type { LogDatabase } from "./storage.ts";
import { TailCacheBudget } from "./tail-cache.ts";
import { TopicCatalog } from "./topic-catalog.ts";
import { TransactionCoordinator } from "./transaction-coordinator.ts";
import { WriteQueue } from "./write-queue.ts";

export interface EmbeddedLogOptions {
  /** Holds the log and nothing else; keys and values are buffers. The caller closes it, after the log. */
  readonly database: LogDatabase;
  readonly clock: Clock;
  /** Numbers in [0, 1), for ids. @default a cryptographic source */
  readonly random?: () => number;
  /** A transaction that is open for longer is aborted, and its producer fenced. @default 60_000 */
  readonly transactionTimeoutMs?: number;
  /** Memory for the newest batches of all partitions. @default 64 MiB */
  readonly tailCacheBytesMax?: number;
}

const TRANSACTION_TIMEOUT_MS = 60_000;
const TAIL_CACHE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Opens the log in a database: Kafka's semantics (transactions, groups, compaction, retention) in one process.
 * What a crash interrupted is put right before it resolves: decided transactions are completed, deleted topics are removed.
 * @throws LOG_FORMAT if a newer version wrote it
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const { database, clock, random = cryptographicRandom } = options;
  assertBuffers(database);
  // Implicit opening would hide why it failed.
  await database.open();
  const metadata = await loadMetadata(database);
  const encoder = new BatchEncoder();
  const now = () => clock.now();
  const queue = new WriteQueue(database);
  const lifecycle = new Lifecycle();
  const counters = new LogCounters(metadata.counters);
  const offsets = new CommittedOffsets();
  const budget = new TailCacheBudget(options.tailCacheBytesMax ?? TAIL_CACHE_BYTES_MAX);
  const catalog = new TopicCatalog({ database, encoder, budget, now });
  const maintenance = new Maintenance({ database, queue, encoder, now }, lifecycle, () => catalog.partitions());
  const transactionTimeoutMs = options.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS;
  const transactions = new TransactionCoordinator({
    ...{ queue, clock, lifecycle, counters, offsets, transactionTimeoutMs },
    onEnded: (log) => maintenance.appended(log),
  });
  const find = restoreTopics(metadata, catalog);
  for (const log of catalog.partitions()) maintenance.loaded(log);
  restoreOffsets(metadata, offsets, find);
  await restoreTransactions(metadata, transactions, find);
  for (const topicId of metadata.deletions) await removeTopicData(database, topicId);
  return new EmbeddedLog({
    ...{ database, clock, random, queue, lifecycle, counters, offsets, catalog, transactions, maintenance },
  });
}

type FindPartition = (topicId: number, partition: number) => PartitionLog | undefined;

function restoreTopics({ topics, statuses, aborted }: StoredMetadata, catalog: TopicCatalog): FindPartition {
  const at = (topicId: number, partition: number) => `${topicId}/${partition}`;
  const statusAt = new Map(statuses.map(({ topicId, partition, value }) => [at(topicId, partition), value]));
  for (const [name, stored] of topics) catalog.add(name, stored, (partition) => statusAt.get(at(stored.id, partition)));
  const logAt = new Map([...catalog.partitions()].map((log) => [at(log.topicId, log.partition), log]));
  for (const { topicId, partition, value } of aborted) logAt.get(at(topicId, partition))?.aborted.add(value);
  return (topicId, partition) => logAt.get(at(topicId, partition));
}

function restoreOffsets(metadata: StoredMetadata, offsets: CommittedOffsets, find: FindPartition): void {
  for (const { groupId, topicId, partition, value } of metadata.offsets) {
    const log = find(topicId, partition);
    if (log !== undefined) offsets.add({ groupId, log, ...value });
  }
}

async function restoreTransactions(
  metadata: StoredMetadata,
  transactions: TransactionCoordinator,
  find: FindPartition,
): Promise<void> {
  const restored = [...metadata.transactions].map(([id, { producerId, epoch, transaction }]) => {
    if (transaction === undefined) return { id, producerId, epoch, open: undefined };
    const { status, startedAtMs } = transaction;
    const partitions = new Map<PartitionLog, number>();
    for (const [topicId, partition, first] of transaction.partitions) {
      const log = find(topicId, partition);
      if (log !== undefined) partitions.set(log, first);
    }
    const offsets = transaction.offsets.flatMap(([groupId, topicId, partition, offset, metadata]) => {
      const log = find(topicId, partition);
      return log === undefined ? [] : [{ groupId, log, offset, metadata }];
    });
    return { id, producerId, epoch, open: { status, startedAtMs, partitions, offsets } };
  });
  const touched = restored.flatMap(({ producerId, open }) =>
    [...(open?.partitions ?? [])].map(([log, first]) => ({ producerId, log, first })),
  );
  for (const { producerId, log, first } of touched.sort((a, b) => a.first - b.first)) {
    log.restoreOpenTransaction(producerId, first);
  }
  restored.sort((a, b) => (a.open?.startedAtMs ?? 0) - (b.open?.startedAtMs ?? 0));
  for (const { id, producerId, epoch, open } of restored) await transactions.restore({ id, producerId, epoch }, open);
}

function assertBuffers(database: LogDatabase): void {
  const encodings = [database.keyEncoding().commonName, database.valueEncoding().commonName];
  if (encodings.some((encoding) => encoding !== "buffer")) {
    throw new TypeError('the log\'s database needs keyEncoding "buffer" and valueEncoding "buffer"');
  }
}
