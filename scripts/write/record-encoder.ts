import { partitionOf } from "../../runtime/log/partitioner.ts";
import type { ProducerRecord } from "../../runtime/log/port.ts";
import { eventTimeOf } from "../../runtime/worker/event-time.ts";
import { fromJson, fromText } from "../../schemas/json.ts";
import { type KeySerde, keySerde } from "../../schemas/key-serde.ts";
import { maskedPath } from "../../schemas/masked-text.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { TopicSchema } from "../../schemas/project-schemas.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import { createValueSerde } from "../../schemas/value-serde.ts";
import type { InputFormat } from "../input/open-input.ts";

export interface EncodedRecord {
  readonly partition: number;
  readonly record: ProducerRecord;
}

/** The input as a whole is not what it is taken for, so writing ends. */
export const ROW_MASKED = "ROW_MASKED";

/** Turns the content of a row into a record. @throws {MulgilError} if it does not fit the topic; ROW_MASKED */
export type RecordEncoder = (content: unknown) => EncodedRecord;

export interface RecordEncoderOptions {
  readonly target: TopicSchema;
  readonly partitions: number;
  readonly registry: SchemaRegistry;
  readonly format: InputFormat;
  /** The content is { key, value, timestamp, headers }, as `mulgil read` prints it, and not the value alone. */
  readonly isEnvelope: boolean;
  /** Refuse fields that the schema does not have. */
  readonly isStrict: boolean;
  /** Told of every field that is left out, because the schema does not have it. */
  readonly onUnknownField: (name: string) => void;
  readonly now: () => number;
}

interface Envelope {
  readonly key?: unknown;
  readonly value: unknown;
  readonly timestamp?: unknown;
  readonly headers?: unknown;
}

/** Registers the topic's schema. @throws {MulgilError} SCHEMA_INCOMPATIBLE */
export async function createRecordEncoder(options: RecordEncoderOptions): Promise<RecordEncoder> {
  const { target, partitions, registry, isEnvelope, now } = options;
  const serde = await createValueSerde<unknown>({ schema: { avro: target.value }, topic: target.topic, registry });
  const key = target.keyType === undefined ? undefined : (keySerde(target.keyType) as KeySerde<unknown>);
  const eventTime = eventTimeOf({
    name: target.topic,
    value: { avro: target.value },
    ...(target.eventTime && { eventTime: target.eventTime }),
  });
  const convert = converter(options);
  let turn = 0;
  return (content) => {
    assertNotMasked(content, isEnvelope);
    const envelope = isEnvelope ? envelopeOf(content) : { value: content };
    const value = envelope.value === null ? null : convert(envelope.value);
    const keyBytes = keyBytesOf(target, key, envelope, value);
    const record: ProducerRecord = {
      key: keyBytes,
      value: value === null ? null : serde.encode(value),
      timestampMs: now(),
      ...(envelope.headers !== undefined && { headers: headersOf(envelope.headers) }),
    };
    const timestampMs = timestampOf(envelope, () => eventTime(value, { ...record, offset: 0, headers: undefined }));
    if (timestampMs < 0)
      throw refused(`its time is ${timestampMs} ms, before 1970: a log cannot hold that as a timestamp`);
    if (timestampMs > now() + TIMESTAMP_AHEAD_MAX_MS) {
      throw refused(
        `its time is ${new Date(timestampMs).toISOString()}, more than an hour ahead of the clock: a log refuses that`,
      );
    }
    // Records without a key go round the partitions.
    const partition = keyBytes === null ? turn++ % partitions : partitionOf(keyBytes, partitions);
    return { partition, record: { ...record, timestampMs } };
  };
}

/** As brokers do: message.timestamp.after.max.ms. */
const TIMESTAMP_AHEAD_MAX_MS = 3_600_000;

function converter({ target, format, isStrict, onUnknownField }: RecordEncoderOptions): (content: unknown) => unknown {
  const fields = new Set(
    ((target.value as { readonly fields?: readonly { readonly name: string }[] }).fields ?? []).map(({ name }) => name),
  );
  const extra = isStrict ? "refuse" : "ignore";
  return (content) => {
    if (!isStrict && isObject(content)) {
      for (const name of Object.keys(content)) if (!fields.has(name)) onUnknownField(name);
    }
    const isColumns = format === "csv" && isObject(content);
    return isColumns
      ? fromText(target.value, content as Readonly<Record<string, string>>, { extra })
      : fromJson(target.value, content, { extra });
  };
}

/** What a command has shown without its personal data is no copy: written as it is, it would pass for the data. */
function assertNotMasked(content: unknown, isEnvelope: boolean): void {
  const named = isEnvelope && isObject(content) ? content["masked"] : undefined;
  const path = Array.isArray(named) && named.length > 0 ? named.join(", ") : maskedPath(content);
  if (path === undefined) return;
  throw new MulgilError(
    `personal data was left out when this was read (${path}): read it with --reveal --why "…", which is recorded`,
    { code: ROW_MASKED },
  );
}

function envelopeOf(content: unknown): Envelope {
  if (!isObject(content) || !("value" in content)) {
    throw refused('with --envelope a row is an object with a "value", and may have "key", "timestamp" and "headers"');
  }
  return content as unknown as Envelope;
}

function keyBytesOf(
  target: TopicSchema,
  serde: KeySerde<unknown> | undefined,
  envelope: Envelope,
  value: unknown,
): Buffer | null {
  const given = envelope.key ?? undefined;
  if (serde === undefined) {
    if (given === undefined) return null;
    throw refused(`the row has a key, but the schema of "${target.topic}" says of none: give it "key" or "keyType"`);
  }
  const field = target.key;
  const key = given ?? (field === undefined ? undefined : (value as Readonly<Record<string, unknown>> | null)?.[field]);
  if (key === undefined) {
    const where =
      field === undefined
        ? 'the keys of this topic are not in the value: use --envelope and give each row a "key"'
        : `the row has no "${field}", which is the key`;
    throw refused(where);
  }
  return serde.encode(target.keyType === "bytes" ? bytesOf(key) : key);
}

function timestampOf({ timestamp }: Envelope, eventTime: () => number): number {
  if (timestamp === undefined || timestamp === null) return eventTime();
  const time = typeof timestamp === "string" ? Date.parse(timestamp) : timestamp;
  if (typeof time === "number" && Number.isSafeInteger(time) && time >= 0) return time;
  throw refused('"timestamp" must be an ISO 8601 time, or ms since 1970');
}

function headersOf(headers: unknown): Readonly<Record<string, Buffer>> {
  if (!isObject(headers)) throw refused('"headers" must be an object of texts');
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, bytesOf(value)]));
}

/** A text, or bytes as `mulgil read` prints them. */
function bytesOf(value: unknown): Buffer {
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (isObject(value) && typeof value["$bytes"] === "string") return Buffer.from(value["$bytes"], "base64");
  throw refused('bytes are written as a text, or as { "$bytes": "<base64>" }');
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const refused = (message: string) => new MulgilError(message, { code: "ROW_INVALID" });
