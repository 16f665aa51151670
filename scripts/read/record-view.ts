import { isUtf8 } from "node:buffer";
import type { Headers } from "../../runtime/log/port.ts";
import { DEAD_LETTER_HEADERS } from "../../runtime/worker/dead-letter.ts";
import { toJson } from "../../schemas/json.ts";
import { keySerde } from "../../schemas/key-serde.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import { createGenericDecoder, type GenericDecoder } from "../../schemas/value-serde.ts";
import { messageOf } from "../output/problem.ts";
import type { PlainKeyType } from "../topics/topic-schemas.ts";
import type { ReadRecord } from "./read-topic.ts";

/** Bytes that are no text, or that could not be decoded. */
export interface BytesView {
  readonly $bytes: string;
  readonly $error?: string;
}

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
}

/**
 * Turns records into what people and programs read: values by the schema they were written with, decimals as text with their scale, keys by
 * the topic's key type. What cannot be decoded is shown as bytes, and the reading goes on.
 */
export class RecordViewer {
  readonly #values: GenericDecoder;
  readonly #keyTypeOf: (topic: string) => Promise<PlainKeyType | undefined>;
  readonly #keyTypes = new Map<string, PlainKeyType | undefined>();

  constructor(registry: SchemaRegistry, keyTypeOf: (topic: string) => Promise<PlainKeyType | undefined>) {
    this.#values = createGenericDecoder({ registry });
    this.#keyTypeOf = keyTypeOf;
  }

  async view(records: readonly ReadRecord[]): Promise<readonly RecordView[]> {
    for (const record of records) await this.#prepare(record);
    return records.map((record) => ({
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      timestamp: new Date(record.timestampMs).toISOString(),
      key: record.key === null ? null : this.#key(record.key, this.#keyTypes.get(keyTopic(record))),
      value: record.value === null ? null : this.#value(record.value),
      headers: headersView(record.headers ?? {}),
    }));
  }

  /** Gets what decoding needs to know, once for each schema and topic. */
  async #prepare(record: ReadRecord): Promise<void> {
    const topic = keyTopic(record);
    if (!this.#keyTypes.has(topic)) this.#keyTypes.set(topic, await this.#keyTypeOf(topic));
    for (const bytes of [record.value, record.key]) {
      const missing = bytes === null ? undefined : this.#values.missingId(bytes);
      if (missing !== undefined) await this.#values.load(missing);
    }
  }

  #value(bytes: Buffer): unknown {
    try {
      return toJson(this.#values.avroOf(bytes), this.#values.decode(bytes));
    } catch (error) {
      return { $bytes: bytes.toString("base64"), $error: messageOf(error) } satisfies BytesView;
    }
  }

  #key(bytes: Buffer, type: PlainKeyType | undefined): unknown {
    if (type === "avro") return this.#value(bytes);
    if (type === undefined || type === "string" || type === "bytes")
      return type === "bytes" ? bytesView(bytes) : textView(bytes);
    try {
      return keySerde(type).decode(bytes);
    } catch (error) {
      return { ...bytesView(bytes), $error: messageOf(error) };
    }
  }
}

/** A dead letter has the key of the topic it comes from. */
const keyTopic = (record: ReadRecord): string =>
  record.headers?.[DEAD_LETTER_HEADERS.topic]?.toString("utf8") ?? record.topic;

const headersView = (headers: Headers): RecordView["headers"] =>
  Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, textView(bytes)]));

const bytesView = (bytes: Buffer): BytesView => ({ $bytes: bytes.toString("base64") });

/** Zero bytes are valid UTF-8, but no text has them: such bytes are a number of unknown type. */
const textView = (bytes: Buffer): string | BytesView =>
  isUtf8(bytes) && !bytes.includes(0) ? bytes.toString("utf8") : bytesView(bytes);
