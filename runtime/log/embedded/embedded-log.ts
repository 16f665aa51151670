import type { Clock } from "../../time/clock.ts";
import type * as port from "../port.ts";
import type { CommittedOffsets } from "./committed-offsets.ts";
import { EmbeddedProducer } from "./embedded-producer.ts";
import { EmbeddedReader } from "./embedded-reader.ts";
import { Fetcher } from "./fetcher.ts";
import { Group } from "./group.ts";
import { EmbeddedGroupConsumer } from "./group-consumer.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { LogCounters } from "./log-counters.ts";
import { LogInspection } from "./log-inspection.ts";
import type { Maintenance, MaintenanceOptions, MaintenanceReport } from "./maintenance.ts";
import { offsetOf } from "./offset-lookup.ts";
import { checkedAppends } from "./record-checks.ts";
import { removeTopicData } from "./recovery.ts";
import { groupNotEmpty } from "./refusals.ts";
import { type LogDatabase, together } from "./storage.ts";
import type { TopicCatalog } from "./topic-catalog.ts";
import type { TransactionCoordinator } from "./transaction-coordinator.ts";
import type { WriteQueue } from "./write-queue.ts";

export interface EmbeddedLogParts {
  readonly database: LogDatabase;
  readonly clock: Clock;
  readonly random: () => number;
  readonly queue: WriteQueue;
  readonly lifecycle: Lifecycle;
  readonly counters: LogCounters;
  readonly offsets: CommittedOffsets;
  readonly catalog: TopicCatalog;
  readonly transactions: TransactionCoordinator;
  readonly maintenance: Maintenance;
}

const PARTITION_BYTES_MAX = 1024 * 1024;
const FETCH_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The log in one process. Every state change is one atomic, durable write; what readers see is always durable.
 * It has no background thread: time passes in calls and in the clock's timers. Call `maintain` now and then.
 */
export class EmbeddedLog implements port.Log {
  /** What tests and invariants may look at. */
  readonly inspect: LogInspection;
  readonly #parts: EmbeddedLogParts;
  readonly #groups = new Map<string, Group>();
  #memberCount = 0;

  constructor(parts: EmbeddedLogParts) {
    this.#parts = parts;
    this.inspect = new LogInspection(parts.catalog, parts.transactions);
  }

  ensureTopics(specs: readonly port.TopicSpec[]): Promise<void> {
    const { lifecycle, catalog, counters, queue } = this.#parts;
    return lifecycle.run(async () => {
      const missing = catalog.missing(specs);
      const raised = catalog.raiseRetention(specs);
      if (missing.length === 0 && raised.length === 0) return queue.settled();
      const created = missing.map((spec) => catalog.create(spec, counters.takeTopicId(), this.#randomId()));
      const changes = [...raised, ...created];
      await queue.submit(together([...changes, { writes: [counters.write()], apply() {} }]));
    });
  }

  describeTopics(): Promise<readonly port.TopicDescription[]> {
    return this.#parts.lifecycle.run(() => this.#parts.catalog.describe());
  }

  countPartitions(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { lifecycle, catalog } = this.#parts;
    return lifecycle.run(() => {
      const counts = topics.map((topic) => [topic, catalog.partitionCount(topic)] as const);
      return new Map(counts.flatMap(([topic, count]) => (count === undefined ? [] : [[topic, count] as const])));
    });
  }

  deleteTopic(topic: string): Promise<void> {
    const { lifecycle, catalog, offsets, queue, database } = this.#parts;
    return lifecycle.run(async () => {
      const logs = catalog.requireTopic(topic);
      const removal = catalog.remove(topic);
      await queue.submit(together([removal, offsets.forgetTopic(logs)]));
      await removeTopicData(database, removal.topicId);
    });
  }

  produce(batches: readonly port.ProduceBatch[]): Promise<readonly number[]> {
    const { lifecycle, catalog, clock, queue, maintenance, transactions } = this.#parts;
    return lifecycle.run(async () => {
      transactions.expire();
      const checked = checkedAppends(catalog, batches, clock.now());
      const appends = checked.map(([log, records]) => log.append(records));
      await queue.submit(appends.length === 1 ? appends[0]! : together(appends));
      for (const [log] of checked) maintenance.appended(log);
      return appends.map(({ baseOffset }) => baseOffset);
    });
  }

  openReader({ isolation }: { readonly isolation: port.Isolation }): Promise<port.LogReader> {
    return this.#parts.lifecycle.run(() => new EmbeddedReader(this.#parts, this.#fetcher(isolation)));
  }

  listOffsets(
    partitions: readonly port.TopicPartition[],
    spec: port.OffsetSpec,
    isolation: port.Isolation,
  ): Promise<readonly port.PartitionOffset[]> {
    const { lifecycle, catalog, transactions } = this.#parts;
    return lifecycle.run(async () => {
      transactions.expire();
      const logs = partitions.map((where) => catalog.require(where));
      const offsets: port.PartitionOffset[] = [];
      for (const log of logs) {
        const { topic, partition } = log;
        offsets.push({ topic, partition, offset: await offsetOf(log, spec, isolation) });
      }
      return offsets;
    });
  }

  deleteRecords(before: readonly port.PartitionOffset[]): Promise<void> {
    const { lifecycle, catalog, queue, maintenance } = this.#parts;
    return lifecycle.run(async () => {
      const logs = before.map((position) => [catalog.require(position), position.offset] as const);
      for (const [log, offset] of logs) log.assertReached(offset);
      await queue.submit(together(logs.map(([log, offset]) => log.moveStart(offset))));
      for (const [log] of logs) maintenance.startMoved(log);
    });
  }

  committedOffsets(
    groupId: string,
    partitions: readonly port.TopicPartition[],
  ): Promise<readonly port.CommittedOffset[]> {
    const { lifecycle, queue, offsets, catalog } = this.#parts;
    return lifecycle.run(async () => {
      await queue.settled();
      return offsets.get(groupId, partitions, (where) => catalog.find(where));
    });
  }

  describeGroup(groupId: string): Promise<port.GroupDescription> {
    return this.#parts.lifecycle.run(
      () => this.#groups.get(groupId)?.describe() ?? { groupId, status: "empty", members: [] },
    );
  }

  deleteGroup(groupId: string): Promise<void> {
    const { lifecycle, offsets, queue } = this.#parts;
    return lifecycle.run(async () => {
      const group = this.#groups.get(groupId);
      if (group !== undefined && group.describe().status !== "empty") throw groupNotEmpty(groupId);
      await queue.submit(offsets.forgetGroup(groupId));
    });
  }

  openTransactions(partitions: readonly port.TopicPartition[]): Promise<readonly port.OpenTransaction[]> {
    const { lifecycle, catalog, transactions } = this.#parts;
    return lifecycle.run(() => {
      transactions.expire();
      return partitions.flatMap((where) => {
        const { topic, partition, openTransactions } = catalog.require(where);
        return [...openTransactions].map(([producerId, firstOffset]) => ({
          ...{ topic, partition, firstOffset, producerId, transactionalId: undefined, startedAtMs: undefined },
          ...transactions.openBy(producerId),
        }));
      });
    });
  }

  joinGroup(options: port.GroupOptions): Promise<port.GroupConsumer> {
    return this.#parts.lifecycle.run(() => {
      for (const topic of options.topics) this.#parts.catalog.requireTopic(topic);
      const services = { ...this.#parts, memberId: (clientId: string) => this.#memberId(clientId) };
      const group = this.#group(options.groupId);
      return new EmbeddedGroupConsumer(services, options, group, this.#fetcher("read_committed"));
    });
  }

  removeMember(groupId: string, memberId: string): Promise<void> {
    return this.#parts.lifecycle.run(() => this.#groups.get(groupId)?.remove(memberId));
  }

  openTransactionalProducer(transactionalId: string): Promise<port.TransactionalProducer> {
    const { lifecycle, transactions } = this.#parts;
    return lifecycle.run(async () => {
      transactions.expire();
      return new EmbeddedProducer(this.#parts, await transactions.open(transactionalId));
    });
  }

  /** Does the compaction and the retention that are due, within a bound; the owner of the log calls it every minute or so. */
  maintain(options?: MaintenanceOptions): Promise<MaintenanceReport> {
    const { lifecycle, transactions, maintenance } = this.#parts;
    return lifecycle.run(() => {
      transactions.expire();
      return maintenance.run(options);
    });
  }

  /** Waits for writes, and ends every waiting poll with an empty list. The database stays open. */
  async close(): Promise<void> {
    for (const group of this.#groups.values()) group.stop();
    await this.#parts.lifecycle.close();
    await this.#parts.queue.settled();
  }

  #fetcher(isolation: port.Isolation): Fetcher {
    const { catalog, clock } = this.#parts;
    return new Fetcher({
      ...{ catalog, clock, isolation, partitionBytesMax: PARTITION_BYTES_MAX, fetchBytesMax: FETCH_BYTES_MAX },
    });
  }

  #group(groupId: string): Group {
    let group = this.#groups.get(groupId);
    if (group === undefined) {
      group = new Group(groupId, this.#parts.clock, (topic) => this.#parts.catalog.partitionCount(topic));
      this.#groups.set(groupId, group);
    }
    return group;
  }

  #memberId(clientId: string): string {
    this.#memberCount += 1;
    return `${clientId}-${this.#memberCount}-${this.#randomId()}`;
  }

  #randomId(): string {
    return Math.floor(this.#parts.random() * 2 ** 48)
      .toString(16)
      .padStart(12, "0");
  }
}
