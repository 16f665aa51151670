import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { Clock } from "../../time/clock.ts";
import type { CleanupPolicy, TopicConfig, TopicSpec } from "../port.ts";
import type { Connections } from "./connections.ts";
import type { BrokerRequests } from "./kafkajs.ts";
import type { TopicMetadata } from "./protocol/metadata.ts";
import { type Patience, retrying } from "./retry.ts";

/** What a topic's configuration says, as far as Mulgil looks at it. */
export interface TopicSettings extends TopicConfig {
  /** How far ahead of the broker's clock a record's timestamp may be. */
  readonly aheadMsMax: number;
  /** The broker replaces the timestamps of records by its own. */
  readonly isAppendTime: boolean;
  readonly messageBytesMax: number;
  /** Copies that must be up to date for a write with acks=all. */
  readonly inSyncMin: number;
}

const NAMES = [
  "cleanup.policy",
  "retention.ms",
  "delete.retention.ms",
  "message.timestamp.after.max.ms",
  "message.timestamp.type",
  "max.message.bytes",
  "min.insync.replicas",
];
const TOPIC_RESOURCE = 2;
const SET_FOR_THE_TOPIC = 1;
/** Configurations change rarely, and by hand. */
const AGE_MAX_MS = 60_000;
const HOUR_MS = 3_600_000;
const SPREAD_MAX_MS = 10_000;
const SPREAD_LOOK_MS = 20;

/** Configurations by topic id, remembered for a minute. */
export class TopicConfigs {
  readonly #connections: Connections;
  readonly #patience: Patience;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly settings: TopicSettings; readonly readAtMs: number }>();

  constructor(connections: Connections, patience: Patience) {
    this.#connections = connections;
    this.#patience = patience;
    this.#clock = patience.clock;
  }

  /** By name. */
  async of(topics: readonly TopicMetadata[]): Promise<ReadonlyMap<string, TopicSettings>> {
    const oldestMs = this.#clock.now() - AGE_MAX_MS;
    const missing = topics.filter(({ id }) => (this.#known.get(id)?.readAtMs ?? -1) < oldestMs);
    if (missing.length > 0) await this.#read(missing);
    return new Map(
      topics.flatMap(({ topic, id }) => (this.#known.has(id) ? [[topic, this.#known.get(id)!.settings]] : [])),
    );
  }

  /** Raises how long topics keep their records, where that is less than asked. What else is set for them stays. */
  async raiseRetention(topics: readonly TopicMetadata[], specs: readonly TopicSpec[]): Promise<void> {
    const existing = topics.filter(({ topic }) => specs.some((spec) => spec.topic === topic));
    if (existing.length === 0) return;
    const settings = await this.of(existing);
    for (const { topic } of existing) {
      const askedMs = specs.find((spec) => spec.topic === topic)!.config.retentionMs;
      if (!keepsLonger(askedMs, settings.get(topic)!.retentionMs)) continue;
      await retrying(this.#patience, `raise the retention of "${topic}"`, () => this.#setRetention(topic, askedMs));
      await this.#untilKept(existing.find((each) => each.topic === topic)!, askedMs);
    }
  }

  /** Brokers hear of a change of configuration after it was acknowledged. */
  async #untilKept(topic: TopicMetadata, askedMs: number): Promise<void> {
    const deadlineMs = this.#clock.now() + SPREAD_MAX_MS;
    while (this.#clock.now() < deadlineMs && !this.#patience.signal.aborted) {
      this.#known.delete(topic.id);
      const settings = (await this.of([topic])).get(topic.topic);
      if (settings === undefined || !keepsLonger(askedMs, settings.retentionMs)) return;
      await this.#clock.sleep(SPREAD_LOOK_MS, this.#patience.signal);
    }
  }

  async #setRetention(topic: string, retentionMs: number): Promise<void> {
    const resource = { type: TOPIC_RESOURCE, name: topic };
    const answer = await this.#connections.any((requests) =>
      requests.describeConfigs({ resources: [{ ...resource, configNames: [] }] }),
    );
    const kept = answer.resources
      .flatMap(({ configEntries: entries }) => entries)
      .filter(({ configName, configSource }) => configSource === SET_FOR_THE_TOPIC && configName !== "retention.ms")
      .map(({ configName, configValue }) => ({ name: configName, value: configValue }));
    const entries = [...kept, { name: "retention.ms", value: String(retentionMs) }];
    await this.#connections.any((requests) =>
      requests.alterConfigs({ resources: [{ ...resource, configEntries: entries }] }),
    );
  }

  async #read(topics: readonly TopicMetadata[]): Promise<void> {
    const resources = topics.map(({ topic }) => ({ type: TOPIC_RESOURCE, name: topic, configNames: NAMES }));
    const answer = await this.#describe(resources, "read the configuration of topics");
    const readAtMs = this.#clock.now();
    for (const { resourceName, configEntries } of answer.resources) {
      const id = topics.find(({ topic }) => topic === resourceName)!.id;
      this.#known.set(id, {
        settings: settingsOf(new Map(configEntries.map((entry) => [entry.configName, entry.configValue]))),
        readAtMs,
      });
    }
  }

  /** The client does not say which topic of many is refused: each is asked for alone then, and named. */
  async #describe(resources: Parameters<BrokerRequests["describeConfigs"]>[0]["resources"], what: string) {
    try {
      return await retrying(this.#patience, what, () =>
        this.#connections.any((requests) => requests.describeConfigs({ resources })),
      );
    } catch (error) {
      if (!(error instanceof MulgilError) || error.code !== "LOG_NOT_AUTHORIZED" || resources.length === 1) throw error;
      for (const each of resources) await this.#describe([each], `read the configuration of topic "${each.name}"`);
      throw error;
    }
  }
}

/** -1 keeps for ever. */
const keepsLonger = (askedMs: number, currentMs: number): boolean =>
  currentMs !== -1 && (askedMs === -1 || askedMs > currentMs);

function settingsOf(values: ReadonlyMap<string, string>): TopicSettings {
  const policies = (values.get("cleanup.policy") ?? "delete").split(",").map((policy) => policy.trim());
  const cleanupPolicy: CleanupPolicy =
    policies.length === 2 ? "compact,delete" : policies[0] === "compact" ? "compact" : "delete";
  return {
    cleanupPolicy,
    retentionMs: Number(values.get("retention.ms") ?? -1),
    deleteRetentionMs: Number(values.get("delete.retention.ms") ?? 0),
    aheadMsMax: Number(values.get("message.timestamp.after.max.ms") ?? HOUR_MS),
    isAppendTime: values.get("message.timestamp.type") === "LogAppendTime",
    messageBytesMax: Number(values.get("max.message.bytes") ?? 1_000_000),
    inSyncMin: Number(values.get("min.insync.replicas") ?? 1),
  };
}
