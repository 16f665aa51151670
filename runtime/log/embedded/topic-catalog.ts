import type { TopicConfig, TopicDescription, TopicPartition, TopicSpec } from "../port.ts";
import { PartitionLog, type PartitionServices } from "./partition-log.ts";
import { emptyPartition, type PartitionStatus } from "./partition-status.ts";
import { invalidTopic, partitionsDiffer, unknownPartition, unknownTopic } from "./refusals.ts";
import { type Change, del, put } from "./storage.ts";
import { deletionKey, topicKey } from "./storage-keys.ts";

/** A topic as it is stored. Its id is never used again, so what a deletion leaves behind harms nobody. */
export interface StoredTopic {
  readonly id: number;
  readonly partitions: number;
  readonly config: TopicConfig;
  readonly incarnation: string;
}

interface Topic extends StoredTopic {
  readonly name: string;
  readonly logs: readonly PartitionLog[];
}

const NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const PARTITIONS_MAX = 10_000;

/** The topics of the log, by name. */
export class TopicCatalog {
  readonly #services: PartitionServices;
  readonly #topics = new Map<string, Topic>();

  constructor(services: PartitionServices) {
    this.#services = services;
  }

  get names(): readonly string[] {
    return [...this.#topics.keys()];
  }

  /** Enters a topic that is stored, or is about to be. */
  add(name: string, stored: StoredTopic, statusOf: (partition: number) => PartitionStatus | undefined): void {
    const topic = { id: stored.id, name, config: stored.config };
    const logs = Array.from(
      { length: stored.partitions },
      (_, partition) => new PartitionLog(topic, partition, statusOf(partition) ?? emptyPartition, this.#services),
    );
    this.#topics.set(name, { ...stored, name, logs });
  }

  has(topic: string): boolean {
    return this.#topics.has(topic);
  }

  partitionCount(topic: string): number | undefined {
    return this.#topics.get(topic)?.partitions;
  }

  find({ topic, partition }: TopicPartition): PartitionLog | undefined {
    return this.#topics.get(topic)?.logs[partition];
  }

  /** @throws LOG_UNKNOWN_TOPIC, LOG_UNKNOWN_PARTITION */
  require({ topic, partition }: TopicPartition): PartitionLog {
    const known = this.#topics.get(topic);
    if (known === undefined) throw unknownTopic(topic, this.#topics.keys());
    const log = known.logs[partition];
    if (log === undefined) throw unknownPartition(topic, partition, known.partitions);
    return log;
  }

  /** @throws LOG_UNKNOWN_TOPIC */
  requireTopic(topic: string): readonly PartitionLog[] {
    const known = this.#topics.get(topic);
    if (known === undefined) throw unknownTopic(topic, this.#topics.keys());
    return known.logs;
  }

  *partitions(): Generator<PartitionLog> {
    for (const topic of this.#topics.values()) yield* topic.logs;
  }

  describe(): readonly TopicDescription[] {
    return [...this.#topics.values()].map(({ name, partitions, config, incarnation }) => ({
      topic: name,
      partitions,
      config,
      incarnation,
    }));
  }

  /** Which of the specs are new. @throws LOG_PARTITIONS, LOG_INVALID_TOPIC */
  missing(specs: readonly TopicSpec[]): readonly TopicSpec[] {
    const missing = new Map<string, TopicSpec>();
    for (const spec of specs) {
      const existing = this.partitionCount(spec.topic) ?? missing.get(spec.topic)?.partitions;
      if (existing !== undefined && existing !== spec.partitions) {
        throw partitionsDiffer(spec.topic, existing, spec.partitions);
      }
      if (existing !== undefined) continue;
      validate(spec);
      missing.set(spec.topic, spec);
    }
    return [...missing.values()];
  }

  /** Raises the retention of existing topics that keep records for less time than asked. */
  raiseRetention(specs: readonly TopicSpec[]): readonly Change[] {
    return specs.flatMap(({ topic: name, config: asked }) => {
      const topic = this.#topics.get(name);
      if (topic === undefined || !isLonger(asked.retentionMs, topic.config.retentionMs)) return [];
      const config = { ...topic.config, retentionMs: asked.retentionMs };
      this.#topics.set(name, { ...topic, config });
      for (const log of topic.logs) log.config = config;
      const { id, partitions, incarnation } = topic;
      const stored: StoredTopic = { id, partitions, config, incarnation };
      return [{ writes: [put(topicKey(name), Buffer.from(JSON.stringify(stored)))], apply() {} }];
    });
  }

  /** Makes a topic known at once; the caller submits the change in the same turn. */
  create({ topic, partitions, config }: TopicSpec, id: number, incarnation: string): Change {
    const { cleanupPolicy, retentionMs, deleteRetentionMs } = config;
    const stored: StoredTopic = {
      id,
      partitions,
      config: { cleanupPolicy, retentionMs, deleteRetentionMs },
      incarnation,
    };
    this.add(topic, stored, () => undefined);
    return { writes: [put(topicKey(topic), Buffer.from(JSON.stringify(stored)))], apply() {} };
  }

  /** Makes a topic unknown at once. Its data is removed after the change is durable; until then a marker remembers to. */
  remove(topic: string): Change & { readonly topicId: number } {
    const logs = this.requireTopic(topic);
    const topicId = this.#topics.get(topic)!.id;
    this.#topics.delete(topic);
    for (const log of logs) log.markDeleted();
    return { topicId, writes: [del(topicKey(topic)), put(deletionKey(topicId), Buffer.alloc(0))], apply() {} };
  }
}

/** -1 keeps for ever. */
const isLonger = (askedMs: number, currentMs: number): boolean =>
  currentMs !== -1 && (askedMs === -1 || askedMs > currentMs);

function validate({ topic, partitions, config }: TopicSpec): void {
  if (!NAME.test(topic) || topic === "." || topic === "..") throw invalidTopic(topic, "its name is not allowed");
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > PARTITIONS_MAX) {
    throw invalidTopic(topic, `${partitions} is not a number of partitions`);
  }
  if (!(config.retentionMs >= -1)) throw invalidTopic(topic, `its retentionMs ${config.retentionMs} is below -1`);
  if (!(config.deleteRetentionMs >= 0)) {
    throw invalidTopic(topic, `its deleteRetentionMs ${config.deleteRetentionMs} is negative`);
  }
}
