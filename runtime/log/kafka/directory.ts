import { unknownPartition, unknownTopic } from "../embedded/refusals.ts";
import type { TopicPartition } from "../port.ts";
import { BrokerError, code } from "./broker-errors.ts";
import { type Addresses, type Connections, requireVersion } from "./connections.ts";
import { type ClusterMetadata, METADATA, metadataRequest, type TopicMetadata } from "./protocol/metadata.ts";
import { type Patience, retrying } from "./retry.ts";

/** A topic that was just made is not known to every broker at once. */
const UNKNOWN_LOOKS = 4;
const UNKNOWN_PAUSE_MS = 50;
/** What is known of a topic is asked again after this long. */
const AGE_MAX_MS = 60_000;

interface Known {
  readonly metadata: TopicMetadata;
  readonly readAtMs: number;
}

/** What topics there are, and who leads their partitions; remembered until an error says that it has changed. */
export class Directory {
  readonly #connections: Connections;
  readonly #addresses: Addresses;
  readonly #patience: Patience;
  readonly #topics = new Map<string, Known>();

  constructor(connections: Connections, addresses: Addresses, patience: Patience) {
    this.#connections = connections;
    this.#addresses = addresses;
    this.#patience = patience;
  }

  /** Everything, as one of the brokers sees it now. */
  async all(): Promise<ClusterMetadata> {
    return await retrying(this.#patience, "list the topics", () => this.#ask(undefined));
  }

  /** Everything, as this broker sees it now. One attempt. */
  async asSeenBy(nodeId: number): Promise<ClusterMetadata> {
    return await this.#ask(undefined, nodeId);
  }

  /** What is known, or asked now. @throws {MulgilError} LOG_UNKNOWN_TOPIC */
  async topics(names: Iterable<string>): Promise<ReadonlyMap<string, TopicMetadata>> {
    const wanted = [...new Set(names)];
    const staleMs = this.#patience.clock.now() - AGE_MAX_MS;
    const missing = wanted.filter((topic) => (this.#topics.get(topic)?.readAtMs ?? -1) < staleMs);
    for (let looks = 1; missing.length > 0; looks++) {
      const { topics } = await retrying(this.#patience, "look up topics", () => this.#ask(missing));
      const unknown = topics.find(
        ({ errorCode }) => errorCode === code.unknownTopicOrPartition || errorCode === code.unknownTopicId,
      );
      if (unknown === undefined) break;
      if (looks === UNKNOWN_LOOKS)
        throw unknownTopic(
          unknown.topic,
          (await this.all()).topics.map(({ topic }) => topic),
        );
      await this.#patience.clock.sleep(UNKNOWN_PAUSE_MS, this.#patience.signal);
    }
    return new Map(wanted.map((topic) => [topic, this.#topics.get(topic)!.metadata]));
  }

  /** Those of these that there are for this client, as one of the brokers sees it now. One that it may not see, or that nobody can make, is not there. */
  async existing(names: readonly string[]): Promise<readonly TopicMetadata[]> {
    return await retrying(this.#patience, "look up topics", async () => {
      const { topics } = await this.#metadata(names);
      const failed = topics.find(({ errorCode }) => errorCode !== 0 && !ABSENT.has(errorCode));
      if (failed !== undefined) throw new BrokerError(failed.errorCode, `topic "${failed.topic}"`);
      return topics.filter(({ errorCode }) => errorCode === 0);
    });
  }

  /** @throws {MulgilError} LOG_UNKNOWN_TOPIC, LOG_UNKNOWN_PARTITION */
  async require(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, TopicMetadata>> {
    const topics = await this.topics(partitions.map(({ topic }) => topic));
    for (const { topic, partition } of partitions) {
      const count = topics.get(topic)!.partitions.length;
      if (partition >= count) throw unknownPartition(topic, partition, count);
    }
    return topics;
  }

  /** The broker that leads a partition. Not known is an error that passes. */
  async leaderOf({ topic, partition }: TopicPartition): Promise<number> {
    const leader = (await this.topics([topic])).get(topic)?.partitions[partition]?.leader ?? -1;
    if (leader >= 0 && this.#addresses.find(leader) !== undefined) return leader;
    this.forget([topic]);
    throw new BrokerError(NO_LEADER, `topic "${topic}" partition ${partition} has no leader`);
  }

  /** By leader. */
  async byLeader<P extends TopicPartition>(partitions: readonly P[]): Promise<ReadonlyMap<number, readonly P[]>> {
    const leaders = new Map<number, P[]>();
    for (const partition of partitions) {
      const leader = await this.leaderOf(partition);
      const own = leaders.get(leader);
      if (own === undefined) leaders.set(leader, [partition]);
      else own.push(partition);
    }
    return leaders;
  }

  /** What is known of topics turned out to be wrong. */
  forget(topics: Iterable<string>): void {
    for (const topic of topics) this.#topics.delete(topic);
  }

  async #ask(topics: readonly string[] | undefined, nodeId?: number): Promise<ClusterMetadata> {
    const metadata = await this.#metadata(topics, nodeId);
    this.#addresses.replace(metadata.brokers);
    const readAtMs = this.#patience.clock.now();
    for (const topic of metadata.topics) {
      if (topic.errorCode === 0) this.#topics.set(topic.topic, { metadata: topic, readAtMs });
      else this.#topics.delete(topic.topic);
    }
    const failed = metadata.topics.find(
      ({ errorCode }) => errorCode !== 0 && errorCode !== code.unknownTopicOrPartition,
    );
    if (failed !== undefined) throw new BrokerError(failed.errorCode, `topic "${failed.topic}"`);
    return metadata;
  }

  async #metadata(topics: readonly string[] | undefined, nodeId?: number): Promise<ClusterMetadata> {
    const ask = async (_: unknown, link: Parameters<typeof requireVersion>[0]) => {
      await requireVersion(link, METADATA);
      return await link.send(metadataRequest(topics));
    };
    return await (nodeId === undefined ? this.#connections.any(ask) : this.#connections.to(nodeId, ask));
  }
}

const INVALID_TOPIC = 17;
/** Brokers refuse to speak of what a client may not see, whether it exists or not. */
const ABSENT: ReadonlySet<number> = new Set([
  ...[code.unknownTopicOrPartition, code.unknownTopicId, code.topicAuthorizationFailed],
  INVALID_TOPIC,
]);
/** LEADER_NOT_AVAILABLE */
const NO_LEADER = 5;
