import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { invalidTopic, partitionsDiffer } from "../embedded/refusals.ts";
import type { PartitionOffset, Replication, TopicDescription, TopicSpec } from "../port.ts";
import { asMulgilError, brokerCodeOf, code, kindOf } from "./broker-errors.ts";
import { configEntries } from "./config-entries.ts";
import type { Addresses, Connections } from "./connections.ts";
import type { Directory } from "./directory.ts";
import { byTopic } from "./grouping.ts";
import type { TopicMetadata } from "./protocol/metadata.ts";
import { type Patience, retrying } from "./retry.ts";
import type { TopicConfigs } from "./topic-configs.ts";

export interface AdminServices {
  readonly connections: Connections;
  readonly addresses: Addresses;
  readonly directory: Directory;
  readonly configs: TopicConfigs;
  readonly patience: Patience;
  /** Copies of each partition of topics that are made; -1 lets the broker choose. */
  readonly replicationFactor: number;
}

const REQUEST_TIMEOUT_MS = 30_000;
/** How long brokers may take to hear of a change of topics. */
const SPREAD_MAX_MS = 30_000;
const SPREAD_LOOK_MS = 20;
const INVALID_TOPIC_CODES = new Set([17, 37, 40]);

/** Making, describing, deleting and shortening topics. */
export class TopicAdmin {
  readonly #services: AdminServices;

  constructor(services: AdminServices) {
    this.#services = services;
  }

  async ensure(specs: readonly TopicSpec[]): Promise<void> {
    const missing = await this.#missing(specs);
    const { topics } = await this.#services.directory.all();
    await this.#services.configs.raiseRetention(topics, specs);
    if (missing.length === 0) return;
    const hidden = await Promise.all(missing.map((spec) => this.#create(spec)));
    const names = missing.map(({ topic }) => topic);
    this.#services.directory.forget(names);
    await this.#assertVisible(names.filter((_, index) => hidden[index]));
    await this.#spread((topics) =>
      names.every((name) => topics.get(name)?.partitions.every(({ leader }) => leader >= 0)),
    );
    // Another client may have been faster, with another number of partitions.
    await this.#missing(missing);
  }

  async describe(): Promise<readonly TopicDescription[]> {
    const { topics } = await this.#services.directory.all();
    const visible = topics.filter(({ isInternal, errorCode }) => !isInternal && errorCode === 0);
    const settings = await this.#services.configs.of(visible);
    return visible.flatMap(({ topic, id, partitions }) => {
      const found = settings.get(topic);
      if (found === undefined) return [];
      const { cleanupPolicy, retentionMs, deleteRetentionMs } = found;
      return [
        {
          topic,
          partitions: partitions.length,
          config: { cleanupPolicy, retentionMs, deleteRetentionMs },
          incarnation: id,
          replication: replicationOf(partitions, found.inSyncMin),
        },
      ];
    });
  }

  async delete(topic: string): Promise<void> {
    const { connections, directory, patience } = this.#services;
    await directory.topics([topic]);
    const request = { topics: [topic], timeout: REQUEST_TIMEOUT_MS };
    try {
      await retrying(patience, `delete topic "${topic}"`, async () => {
        await connections
          .any((requests) => requests.deleteTopics(request))
          .catch(ignoring(code.unknownTopicOrPartition));
      });
    } finally {
      directory.forget([topic]);
    }
    await this.#spread((topics) => !topics.has(topic));
  }

  async deleteRecords(before: readonly PartitionOffset[]): Promise<void> {
    const { connections, directory, patience } = this.#services;
    await directory.require(before);
    await retrying(patience, "delete records", async () => {
      try {
        for (const [leader, own] of await directory.byLeader(before)) {
          // kafkajs reads the errors of a single topic only.
          for (const topic of byTopic(own, ({ partition, offset }) => ({ partition, offset: String(offset) }))) {
            await connections
              .to(leader, (requests) => requests.deleteRecords({ topics: [topic] }))
              .catch((error) =>
                this.#explain(
                  error,
                  own.filter((each) => each.topic === topic.topic),
                ),
              );
          }
        }
      } catch (error) {
        if (kindOf(error) !== "final") directory.forget(before.map(({ topic }) => topic));
        throw error;
      }
    });
  }

  /** `own`: of one topic, which the client does not name. */
  #explain(error: unknown, own: readonly PartitionOffset[]): never {
    const found = brokerCodeOf(error);
    if (found === code.topicAuthorizationFailed)
      throw asMulgilError(error, `delete records of topic "${own[0]!.topic}"`);
    if (found !== code.offsetOutOfRange) throw error;
    const { partitions } = error as { partitions: { partition: number }[] };
    throw behindEnd(own.find(({ partition }) => partition === partitions[0]?.partition) ?? own[0]!, error);
  }

  /** Those that do not exist. @throws {MulgilError} LOG_PARTITIONS */
  async #missing(specs: readonly TopicSpec[]): Promise<readonly TopicSpec[]> {
    const { topics } = await this.#services.directory.all();
    const existing = new Map(topics.map((topic) => [topic.topic, topic.partitions.length]));
    const missing = new Map<string, TopicSpec>();
    for (const spec of specs) {
      const count = existing.get(spec.topic) ?? missing.get(spec.topic)?.partitions;
      if (count !== undefined && count !== spec.partitions) throw partitionsDiffer(spec.topic, count, spec.partitions);
      if (count === undefined) missing.set(spec.topic, spec);
    }
    return [...missing.values()];
  }

  /** Whether it was there, though it was not among those that this client sees. */
  async #create(wanted: TopicSpec): Promise<boolean> {
    const { topic, partitions } = wanted;
    const { connections, patience, replicationFactor } = this.#services;
    const spec = { topic, numPartitions: partitions, replicationFactor, configEntries: configEntries(wanted) };
    return await retrying(patience, `create topic "${topic}"`, async () => {
      const request = { topics: [spec], timeout: REQUEST_TIMEOUT_MS };
      try {
        await connections.any((requests) => requests.createTopics(request));
        return false;
      } catch (error) {
        if (brokerCodeOf(error) === code.topicAlreadyExists) return true;
        if (brokerCodeOf(error) === code.invalidReplicationFactor) throw tooFewBrokers(topic, replicationFactor, error);
        if (INVALID_TOPIC_CODES.has(brokerCodeOf(error) ?? 0)) throw invalidTopic(topic, (error as Error).message);
        throw error;
      }
    });
  }

  /** Whoever makes it at the same time will be heard of soon; whoever may not see it would wait in vain. @throws {MulgilError} LOG_NOT_AUTHORIZED */
  async #assertVisible(topics: readonly string[]): Promise<void> {
    await this.#services.directory.topics(topics).catch((error: unknown) => {
      if (!(error instanceof MulgilError && error.code === "LOG_UNKNOWN_TOPIC")) throw error;
    });
  }

  /** Waits until every broker has heard of a change; one that is away hears of it when it comes back. */
  async #spread(isSo: (topics: ReadonlyMap<string, TopicMetadata>) => boolean | undefined): Promise<void> {
    const { addresses, directory, patience } = this.#services;
    const deadlineMs = patience.clock.now() + SPREAD_MAX_MS;
    for (const nodeId of addresses.nodes) {
      while (patience.clock.now() < deadlineMs && !patience.signal.aborted && addresses.find(nodeId) !== undefined) {
        const found = await directory.asSeenBy(nodeId).catch(() => undefined);
        if (found === undefined) break;
        if (isSo(new Map(found.topics.filter(({ errorCode }) => errorCode === 0).map((topic) => [topic.topic, topic]))))
          break;
        await patience.clock.sleep(SPREAD_LOOK_MS, patience.signal);
      }
    }
  }
}

/** Somebody else was faster, or an earlier attempt had worked. */
const ignoring =
  (harmless: number) =>
  (error: unknown): void => {
    if (brokerCodeOf(error) !== harmless) throw error;
  };

const behindEnd = ({ topic, partition, offset }: PartitionOffset, cause: unknown): MulgilError =>
  new MulgilError(
    `topic "${topic}" partition ${partition}: cannot delete the records before ${offset}, because the partition ends earlier; list the latest offset and delete up to there`,
    { code: "LOG_OFFSET_OUT_OF_RANGE", context: { topic, partition, offset }, cause },
  );

const tooFewBrokers = (topic: string, replicationFactor: number, cause: unknown): MulgilError =>
  new MulgilError(
    `topic "${topic}" cannot be created with ${replicationFactor < 0 ? "as many copies as the brokers' default.replication.factor says" : `${replicationFactor} copies of each partition`}: there are fewer brokers; wait until all are there, or ask for fewer copies`,
    { code: "LOG_REPLICATION", context: { topic }, cause },
  );

const replicationOf = (partitions: TopicMetadata["partitions"], inSyncMin: number): Replication => ({
  copies: Math.min(...partitions.map(({ copies }) => copies)),
  inSync: Math.min(...partitions.map(({ inSync }) => inSync)),
  inSyncMin,
  withoutLeader: partitions.flatMap(({ leader }, partition) => (leader < 0 ? [partition] : [])),
});
