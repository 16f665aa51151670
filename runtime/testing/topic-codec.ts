import { createAvroKeySerde, type KeySerde, keySerde, keyTypeOfField } from "../../schemas/key-serde.ts";
import { type SchemaRegistry, subjectOfKey } from "../../schemas/registry.ts";
import { createValueSerde, type ValueSerde } from "../../schemas/value-serde.ts";
import type { TopicDefinition } from "../dsl/topic.ts";
import type { FetchedRecord, ProducerRecord } from "../log/port.ts";

/** Turns values of one topic into records and back, as `mulgil write` and a job's sinks do. */
export class TopicCodec {
  readonly #topic: TopicDefinition;
  readonly #value: ValueSerde<unknown>;
  readonly #key: KeySerde<unknown> | null;

  private constructor(topic: TopicDefinition, value: ValueSerde<unknown>, key: KeySerde<unknown> | null) {
    this.#topic = topic;
    this.#value = value;
    this.#key = key;
  }

  static async open(topic: TopicDefinition, registry: SchemaRegistry): Promise<TopicCodec> {
    const value = await createValueSerde({ schema: topic.value, topic: topic.name, registry });
    const keyType = topic.keyType ?? (topic.key === undefined ? null : keyTypeOfField(topic.value.avro, topic.key));
    if (keyType === null || typeof keyType === "string")
      return new TopicCodec(topic, value, keyType === null ? null : (keySerde(keyType) as KeySerde<unknown>));
    return new TopicCodec(
      topic,
      value,
      await createAvroKeySerde({ schema: keyType, subject: subjectOfKey(topic.name), registry }),
    );
  }

  encode(
    value: unknown,
    options: {
      readonly key?: unknown;
      readonly timestampMs: number;
      readonly headers?: Readonly<Record<string, Buffer>> | undefined;
    },
  ): ProducerRecord {
    const field = this.#topic.key;
    const key =
      options.key ??
      (field === undefined || value === null ? null : (value as Readonly<Record<string, unknown>>)[field]);
    return {
      key: key === null || key === undefined || this.#key === null ? null : this.#key.encode(key),
      value: value === null ? null : this.#value.encode(value),
      timestampMs: options.timestampMs,
      headers: options.headers,
    };
  }

  async decode(record: FetchedRecord): Promise<{ readonly key: unknown; readonly value: unknown }> {
    const missing = record.value === null ? undefined : this.#value.missingId(record.value);
    if (missing !== undefined) await this.#value.load(missing);
    return {
      key: record.key === null || this.#key === null ? null : this.#key.decode(record.key),
      value: record.value === null ? null : this.#value.decode(record.value),
    };
  }
}
