import type { KeySerde } from "../../schemas/key-serde.ts";
import type { ValueSerde } from "../../schemas/value-serde.ts";
import { RecordError } from "../errors/errors.ts";
import { partitionOf } from "../log/partitioner.ts";
import type { Headers, ProduceBatch, ProducerRecord } from "../log/port.ts";

/** How the records of one output become bytes. */
export interface OutputEncoder {
  readonly topic: string;
  readonly partitions: number;
  readonly value: Pick<ValueSerde<unknown>, "encode">;
  readonly key: KeySerde<unknown> | null;
  /** An internal topic carries an event time that brokers would refuse in a header. */
  readonly internal: boolean;
}

/** Kafka refuses timestamps further ahead of the broker's clock (message.timestamp.after.max.ms). */
const TIMESTAMP_AHEAD_MAX_MS = 3_600_000;
/** Where the event time of a repartitioned record is, when brokers would refuse it. */
export const EVENT_TIME_HEADER = "mulgil.event-time";
/** Of a record's overhead in a batch, roughly: offset, timestamp, lengths. */
const RECORD_OVERHEAD_BYTES = 24;

/** The headers of an output, if it has any. */
export type HeadersFor = (topic: string, key: Buffer | null) => Headers | undefined;

/** What a task has caused since its last commit, as bytes, by topic and partition. It leaves with the commit and not before. */
export class OutputBuffer {
  bytes = 0;
  records = 0;
  readonly #fallbackPartition: number;
  #topics = new Map<string, Map<number, ProducerRecord[]>>();

  constructor(options: { readonly partition: number }) {
    this.#fallbackPartition = options.partition;
  }

  /** @throws RecordError or MulgilError if the record does not fit its topic; then nothing was added */
  add(
    encoder: OutputEncoder,
    key: unknown,
    value: unknown,
    eventTimeMs: number,
    wallClockMs: number,
    inherited?: Headers | undefined,
    headersFor?: HeadersFor,
  ): void {
    const timestampMs = Math.floor(eventTimeMs);
    const keyBytes = encoder.key === null || key === null || key === undefined ? null : encoder.key.encode(key);
    const valueBytes = value === null ? null : encoder.value.encode(value);
    const ahead = timestampMs > wallClockMs + TIMESTAMP_AHEAD_MAX_MS;
    const early = timestampMs < 0;
    if (early && !encoder.internal) {
      throw new RecordError(
        `an output for "${encoder.topic}" has the time ${timestampMs} ms, before 1970, and brokers refuse it: correct the event time, or set a time in the job`,
        { code: "TIMESTAMP_EARLY", context: { topic: encoder.topic } },
      );
    }
    if (ahead && !encoder.internal) {
      throw new RecordError(
        `an output for "${encoder.topic}" has the time ${timestampMs} ms, more than an hour ahead of the clock, and brokers refuse it: correct the event time, or set a time in the job`,
        { code: "TIMESTAMP_AHEAD", context: { topic: encoder.topic } },
      );
    }
    const partition =
      keyBytes === null ? this.#fallbackPartition % encoder.partitions : partitionOf(keyBytes, encoder.partitions);
    const headers = together(inherited, headersFor?.(encoder.topic, keyBytes));
    if (ahead || early) {
      this.addBytes(encoder.topic, partition, {
        key: keyBytes,
        value: valueBytes,
        timestampMs: wallClockMs,
        headers: { ...headers, [EVENT_TIME_HEADER]: Buffer.from(String(timestampMs)) },
      });
    } else if (headers === undefined)
      this.addBytes(encoder.topic, partition, { key: keyBytes, value: valueBytes, timestampMs });
    else this.addBytes(encoder.topic, partition, { key: keyBytes, value: valueBytes, timestampMs, headers });
  }

  addBytes(topic: string, partition: number, record: ProducerRecord): void {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.#topics.set(topic, partitions);
    }
    const records = partitions.get(partition);
    if (records === undefined) partitions.set(partition, [record]);
    else records.push(record);
    this.records++;
    this.bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0) + RECORD_OVERHEAD_BYTES;
  }

  /** Hands everything over and is empty again. */
  take(): ProduceBatch[] {
    const batches: ProduceBatch[] = [];
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, records] of partitions) batches.push({ topic, partition, records });
    }
    this.#topics = new Map();
    this.bytes = 0;
    this.records = 0;
    return batches;
  }
}

/** The event time that a repartition topic's record carries in its headers, if it does. */
export function eventTimeFromHeaders(headers: Headers | undefined): number | undefined {
  const bytes = headers?.[EVENT_TIME_HEADER];
  return bytes === undefined ? undefined : Number(bytes.toString());
}

function together(left: Headers | undefined, right: Headers | undefined): Headers | undefined {
  return left === undefined || right === undefined ? (left ?? right) : { ...left, ...right };
}
