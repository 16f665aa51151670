import { toJson } from "../../schemas/json.ts";
import { keySerde } from "../../schemas/key-serde.ts";
import type { Digest } from "../../schemas/masker.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import { createGenericDecoder, type GenericDecoder } from "../../schemas/value-serde.ts";
import { messageOf } from "../output/problem.ts";
import { type PlainKeyType, TopicSchemas } from "../topics/topic-schemas.ts";
import { type BytesView, bytesView, textView } from "./bytes-view.ts";
import { type Content, maskedRecord } from "./masked-record.ts";
import type { ReadRecord } from "./read-topic.ts";
import { topicsOf } from "./record-topics.ts";
import { PiiOfTopics } from "./topic-pii.ts";

/** A record as `mulgil read` prints it. */
export interface RecordView {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  readonly key: unknown;
  readonly value: unknown;
  readonly headers: Readonly<Record<string, string | BytesView>>;
  /** What is not shown as it is, because it is personal data: "key", "value.phone", "headers.mulgil.dlq.message". Absent if nothing is hidden. */
  readonly masked?: readonly string[];
}

export interface RecordViewerOptions {
  /** Show personal data. Whoever sets it has written to the audit trail who looks at what, and why. @default false */
  readonly reveal?: boolean;
  /** What is known of topics. @default the registry, and the project's schemas in ./schemas */
  readonly schemas?: TopicSchemas;
  /** For fields with the rule "hash". @default they are masked */
  readonly digest?: Digest | undefined;
  /** Topics with the same records: what a schema of one of them tags is hidden in all. @default none */
  readonly alike?: readonly string[];
}

/**
 * Turns records into what people and programs read: values by the schema they were written with, decimals as text with their scale, keys by
 * the topic's key type. What cannot be decoded is shown as bytes, and the reading goes on. Personal data is hidden: docs/OBSERVABILITY.md says how.
 */
export class RecordViewer {
  readonly #values: GenericDecoder;
  readonly #keyTypeOf: (topic: string) => Promise<PlainKeyType | undefined>;
  readonly #keyTypes = new Map<string, PlainKeyType | undefined>();
  /** Undefined: everything is shown. */
  readonly #pii: PiiOfTopics | undefined;
  readonly #digest: Digest | undefined;
  readonly #alike: readonly string[];

  constructor(
    registry: SchemaRegistry,
    keyTypeOf: (topic: string) => Promise<PlainKeyType | undefined>,
    options: RecordViewerOptions = {},
  ) {
    const { reveal = false, schemas = new TopicSchemas({ registry, schemasDir: "./schemas" }), digest } = options;
    this.#alike = options.alike ?? [];
    this.#values = createGenericDecoder({ registry });
    this.#keyTypeOf = keyTypeOf;
    this.#pii = reveal ? undefined : new PiiOfTopics(schemas, digest);
    this.#digest = digest;
  }

  async view(records: readonly ReadRecord[]): Promise<readonly RecordView[]> {
    for (const record of records) await this.#prepare(record);
    return records.map((record) => this.#view(record));
  }

  /** Gets what decoding needs to know, once for each schema and topic. */
  async #prepare(record: ReadRecord): Promise<void> {
    const { origin, all } = topicsOf(record);
    if (!this.#keyTypes.has(origin)) this.#keyTypes.set(origin, await this.#keyTypeOf(origin));
    for (const bytes of [record.value, record.key]) {
      const missing = bytes === null ? undefined : this.#values.missingId(bytes);
      if (missing !== undefined) await this.#values.load(missing);
    }
    if (this.#pii === undefined) return;
    await this.#pii.learn(this.#related(all), this.#writerOf(record.value));
  }

  #view(record: ReadRecord): RecordView {
    const { topic, partition, offset, timestampMs } = record;
    const { origin, all } = topicsOf(record);
    const value = this.#value(record.value);
    const key = this.#key(record.key, this.#keyTypes.get(origin));
    const place = { topic, partition, offset, timestamp: new Date(timestampMs).toISOString() };
    if (this.#pii === undefined) {
      const headers = Object.entries(record.headers ?? {}).map(([name, bytes]) => [name, textView(bytes)]);
      return { ...place, key: shown(key), value: shown(value), headers: Object.fromEntries(headers) };
    }
    return {
      ...place,
      ...maskedRecord({ record, key, value, pii: this.#pii.of(this.#related(all)), digest: this.#digest }),
    };
  }

  #related(topics: readonly string[]): readonly string[] {
    return this.#alike.length === 0 ? topics : [...new Set([...topics, ...this.#alike])];
  }

  #value(bytes: Buffer | null): Content {
    if (bytes === null) return { bytes, plain: null };
    try {
      return { bytes, plain: this.#values.decode(bytes), avro: this.#values.avroOf(bytes) };
    } catch (error) {
      return { bytes, plain: { ...bytesView(bytes), $error: messageOf(error) } };
    }
  }

  #writerOf(bytes: Buffer | null): readonly AvroJson[] {
    try {
      return bytes === null ? [] : [this.#values.avroOf(bytes)];
    } catch {
      // What cannot be decoded is shown as such, with the reason.
      return [];
    }
  }

  #key(bytes: Buffer | null, type: PlainKeyType | undefined): Content {
    if (bytes === null || type === "avro") return this.#value(bytes);
    if (type === "bytes") return { bytes, plain: bytesView(bytes) };
    if (type === undefined || type === "string") return { bytes, plain: textView(bytes) };
    try {
      return { bytes, plain: keySerde(type).decode(bytes) };
    } catch (error) {
      return { bytes, plain: { ...bytesView(bytes), $error: messageOf(error) } };
    }
  }
}

const shown = ({ plain, avro }: Content): unknown => (avro === undefined ? plain : toJson(avro, plain));
