import type { Clock } from "../../time/clock.ts";
import type { CleanupPolicy, TopicConfig } from "../port.ts";
import type { Connections } from "./connections.ts";
import type { TopicMetadata } from "./protocol/metadata.ts";
import { type Patience, retrying } from "./retry.ts";

/** What a topic's configuration says, as far as Mulgil looks at it. */
export interface TopicSettings extends TopicConfig {
  /** How far ahead of the broker's clock a record's timestamp may be. */
  readonly aheadMsMax: number;
  /** The broker replaces the timestamps of records by its own. */
  readonly isAppendTime: boolean;
  readonly messageBytesMax: number;
}

const NAMES = [
  "cleanup.policy",
  "retention.ms",
  "delete.retention.ms",
  "message.timestamp.after.max.ms",
  "message.timestamp.type",
  "max.message.bytes",
];
const TOPIC_RESOURCE = 2;
/** Configurations change rarely, and by hand. */
const AGE_MAX_MS = 60_000;
const HOUR_MS = 3_600_000;

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

  async #read(topics: readonly TopicMetadata[]): Promise<void> {
    const resources = topics.map(({ topic }) => ({ type: TOPIC_RESOURCE, name: topic, configNames: NAMES }));
    const answer = await retrying(this.#patience, "read the configuration of topics", () =>
      this.#connections.any((requests) => requests.describeConfigs({ resources })),
    );
    const readAtMs = this.#clock.now();
    for (const { resourceName, configEntries } of answer.resources) {
      const id = topics.find(({ topic }) => topic === resourceName)!.id;
      this.#known.set(id, {
        settings: settingsOf(new Map(configEntries.map((entry) => [entry.configName, entry.configValue]))),
        readAtMs,
      });
    }
  }
}

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
  };
}

/** Compacted topics hold what people asked to forget until they are compacted, so that must happen in time even where little is written. */
const COMPACTION_LAG_MAX_MS = 7 * 86_400_000;

/** What a topic of ours is made with. Records carry their own timestamps, however old. */
export function configEntries({
  cleanupPolicy,
  retentionMs,
  deleteRetentionMs,
}: TopicConfig): readonly { readonly name: string; readonly value: string }[] {
  const entries = [
    ["cleanup.policy", cleanupPolicy],
    ["retention.ms", retentionMs],
    ["retention.bytes", -1],
    ["delete.retention.ms", deleteRetentionMs],
    ["message.timestamp.type", "CreateTime"],
    ...(cleanupPolicy === "delete" ? [] : [["max.compaction.lag.ms", COMPACTION_LAG_MAX_MS]]),
  ];
  return entries.map(([name, value]) => ({ name: String(name), value: String(value) }));
}
