import type { Clock } from "../../time/clock.ts";
import { systemClock } from "../../time/system-clock.ts";
import { closed } from "../embedded/refusals.ts";
import { LogTroubles } from "../log-troubles.ts";
import type {
  CommittedOffset,
  GroupConsumer,
  GroupDescription,
  GroupOptions,
  Isolation,
  Log,
  LogReader,
  OffsetSpec,
  OpenTransaction,
  PartitionOffset,
  ProduceBatch,
  TopicDescription,
  TopicPartition,
  TopicSpec,
  TransactionalProducer,
} from "../port.ts";
import type { SenderServices } from "./batch-sender.ts";
import { Addresses, Connections } from "./connections.ts";
import { Coordinators } from "./coordinators.ts";
import { Directory } from "./directory.ts";
import { deleteGroup, describeGroup, leaveGroup } from "./group-admin.ts";
import { type KafkaConnection, linkFactory } from "./kafka-connection.ts";
import { KafkaGroupConsumer } from "./kafka-group-consumer.ts";
import { KafkaReader } from "./kafka-reader.ts";
import type { KafkaTuning } from "./kafka-tuning.ts";
import type { LinkFactory } from "./kafkajs.ts";
import { Membership } from "./membership.ts";
import { committedOffsets, listOffsets, type OffsetServices } from "./offsets.ts";
import { openTransactions } from "./open-transactions.ts";
import { PlainProducer } from "./plain-producer.ts";
import type { Patience } from "./retry.ts";
import { TopicAdmin } from "./topic-admin.ts";
import { TopicConfigs } from "./topic-configs.ts";
import { KafkaTransactionalProducer } from "./transactional-producer.ts";

export interface KafkaLogOptions extends KafkaTuning {
  readonly connection: KafkaConnection;
  /** @default the machine's clock */
  readonly clock?: Clock;
}

const SESSION_TIMEOUT_MS = 30_000;
const REBALANCE_TIMEOUT_MS = 60_000;
const TRANSACTION_TIMEOUT_MS = 60_000;
const PATIENCE_MS = 120_000;
const BROKER_DECIDES = -1;

interface Closable {
  close(): Promise<void>;
}

/** The log on Apache Kafka 3.1 or newer. Nothing is connected before the first call. */
export class KafkaLog implements Log {
  /** Requests that did not work at once. */
  readonly troubles = new LogTroubles();
  readonly #options: KafkaLogOptions;
  readonly #clock: Clock;
  readonly #links: LinkFactory;
  readonly #addresses = new Addresses();
  readonly #shared: Connections;
  readonly #services: SenderServices & OffsetServices;
  readonly #admin: TopicAdmin;
  readonly #producer: PlainProducer;
  readonly #open = new Set<Closable>();
  /** The newest producer of each transactional id, and who is being opened. */
  readonly #owners = new Map<string, Promise<KafkaTransactionalProducer | undefined>>();
  readonly #over = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(options: KafkaLogOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#links = linkFactory(options.connection);
    const patience: Patience = {
      clock: this.#clock,
      signal: this.#over.signal,
      patienceMs: options.patienceMs ?? PATIENCE_MS,
      troubles: this.troubles,
    };
    const connections = new Connections(this.#links, this.#addresses);
    const directory = new Directory(connections, this.#addresses, patience);
    const configs = new TopicConfigs(connections, patience);
    const coordinators = new Coordinators(this.#addresses, patience);
    const compression = options.compression ?? "none";
    this.#shared = connections;
    this.#services = { connections, directory, configs, coordinators, patience, compression };
    this.#producer = new PlainProducer(this.#services);
    this.#admin = new TopicAdmin({
      ...{ connections, directory, configs, patience, addresses: this.#addresses },
      replicationFactor: options.replicationFactor ?? BROKER_DECIDES,
    });
  }

  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    this.#assertOpen();
    await this.#admin.ensure(specs);
  }

  async describeTopics(): Promise<readonly TopicDescription[]> {
    this.#assertOpen();
    return await this.#admin.describe();
  }

  async countPartitions(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    this.#assertOpen();
    const found = await this.#services.directory.existing(topics);
    return new Map(found.map(({ topic, partitions }) => [topic, partitions.length]));
  }

  async deleteTopic(topic: string): Promise<void> {
    this.#assertOpen();
    await this.#admin.delete(topic);
  }

  async produce(batches: readonly ProduceBatch[]): Promise<readonly number[]> {
    this.#assertOpen();
    return await this.#producer.produce(batches);
  }

  async openReader({ isolation }: { readonly isolation: Isolation }): Promise<LogReader> {
    this.#assertOpen();
    const reader: KafkaReader = new KafkaReader({
      ...this.#fetching(isolation),
      onClosed: () => this.#open.delete(reader),
    });
    this.#open.add(reader);
    return reader;
  }

  async listOffsets(
    partitions: readonly TopicPartition[],
    spec: OffsetSpec,
    isolation: Isolation,
  ): Promise<readonly PartitionOffset[]> {
    this.#assertOpen();
    return await listOffsets(this.#services, partitions, spec, isolation);
  }

  async deleteRecords(before: readonly PartitionOffset[]): Promise<void> {
    this.#assertOpen();
    await this.#admin.deleteRecords(before);
  }

  async committedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly CommittedOffset[]> {
    this.#assertOpen();
    return await committedOffsets(this.#services, groupId, partitions);
  }

  async describeGroup(groupId: string): Promise<GroupDescription> {
    this.#assertOpen();
    return await describeGroup(this.#services, groupId);
  }

  async deleteGroup(groupId: string): Promise<void> {
    this.#assertOpen();
    await deleteGroup(this.#services, groupId);
  }

  async openTransactions(partitions: readonly TopicPartition[]): Promise<readonly OpenTransaction[]> {
    this.#assertOpen();
    return await openTransactions({ ...this.#services, addresses: this.#addresses }, partitions);
  }

  async joinGroup(options: GroupOptions): Promise<GroupConsumer> {
    this.#assertOpen();
    const { groupId, topics, assignor, listener } = options;
    const { directory, coordinators, patience } = this.#services;
    await directory.topics(topics);
    const sessionTimeoutMs = options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS;
    const fetching = this.#fetching("read_committed", options.clientId);
    const membership = new Membership({
      ...{ groupId, topics, assignor, sessionTimeoutMs, coordinators, directory, patience },
      rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? REBALANCE_TIMEOUT_MS,
      connections: fetching.connections,
      shared: this.#shared,
    });
    const consumer: KafkaGroupConsumer = new KafkaGroupConsumer({
      ...fetching,
      ...{ groupId, listener, membership, sessionTimeoutMs },
      onClosed: () => this.#open.delete(consumer),
    });
    this.#open.add(consumer);
    return consumer;
  }

  async removeMember(groupId: string, memberId: string): Promise<void> {
    this.#assertOpen();
    await leaveGroup(this.#services, groupId, memberId);
  }

  async openTransactionalProducer(transactionalId: string): Promise<TransactionalProducer> {
    this.#assertOpen();
    // One after the other, so that the last to ask is the owner.
    const former = this.#owners.get(transactionalId) ?? Promise.resolve(undefined);
    const opened = former.then(async (old) => {
      const producer = await KafkaTransactionalProducer.open(this.#transactions, transactionalId, () => this.#isClosed);
      old?.fence();
      return producer;
    });
    this.#owners.set(
      transactionalId,
      opened.catch(() => former),
    );
    return await opened;
  }

  /** Members leave their groups; readers and open calls end. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#over.abort();
    await Promise.all([...this.#open].map((each) => each.close()));
    await this.#shared.close();
  }

  get #isClosed(): boolean {
    return this.#over.signal.aborted;
  }

  get #transactions() {
    return { ...this.#services, transactionTimeoutMs: this.#options.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS };
  }

  #fetching(isolation: Isolation, clientId?: string) {
    const links = clientId === undefined ? this.#links : linkFactory({ ...this.#options.connection, clientId });
    return {
      connections: new Connections(links, this.#addresses),
      directory: this.#services.directory,
      clock: this.#clock,
      troubles: this.troubles,
      isolation,
      isLogClosed: () => this.#isClosed,
      boundsOf: async (where: TopicPartition) => {
        const [start] = await listOffsets(this.#services, [where], "earliest", "read_uncommitted");
        const [end] = await listOffsets(this.#services, [where], "latest", "read_uncommitted");
        return { start: start!.offset, end: end!.offset };
      },
    };
  }

  #assertOpen(): void {
    if (this.#isClosed) throw closed("log");
  }
}
