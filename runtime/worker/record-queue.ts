import type { KeySerde } from "../../schemas/key-serde.ts";
import type { ValueSerde } from "../../schemas/value-serde.ts";
import type { FetchedBatch, FetchedRecord } from "../log/port.ts";
import type { EventTime } from "./event-time.ts";

/** How the records of one input become keys and values. */
export interface InputDecoder {
  readonly value: Pick<ValueSerde<unknown>, "decode" | "missingId" | "load">;
  readonly key: KeySerde<unknown> | null;
  readonly eventTime: EventTime;
}

/**
 * The fetched records of one input partition of a task, in order. The head is decoded when it is looked at, so that a task can compare
 * event times across its inputs; nothing behind it is.
 */
export class RecordQueue {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to process: what a commit commits. */
  position: number;
  /** The end of the partition as of the last fetch, before the first one as of the start. */
  endOffset: number;
  /** Records waiting. */
  size = 0;
  /** Of the batches that hold them, keys and values. */
  bytes = 0;

  key: unknown = null;
  value: unknown = null;
  timestampMs = 0;
  raw: FetchedRecord | undefined;

  readonly #decoder: InputDecoder;
  readonly #undecodable: (raw: FetchedRecord, error: unknown) => void;
  readonly #unwrap: (record: FetchedRecord) => FetchedRecord;
  readonly #isDone: ((offset: number) => boolean) | undefined;
  #batches: { readonly batch: FetchedBatch; readonly bytes: number }[] = [];
  #next = 0;

  constructor(options: {
    topic: string;
    partition: number;
    position: number;
    endOffset?: number;
    decoder: InputDecoder;
    undecodable: (raw: FetchedRecord, error: unknown) => void;
    /** The record that lies in the fetched one. @default the fetched one itself */
    unwrap?: (record: FetchedRecord) => FetchedRecord;
    /** Records that are passed without being looked at. @default none */
    isDone?: (offset: number) => boolean;
  }) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.position = options.position;
    this.endOffset = options.endOffset ?? 0;
    this.#decoder = options.decoder;
    this.#undecodable = options.undecodable;
    this.#unwrap = options.unwrap ?? ((record) => record);
    this.#isDone = options.isDone;
  }

  /** The offset to fetch from: behind everything that waits here. */
  get fetchPosition(): number {
    return this.#batches.at(-1)?.batch.nextOffset ?? this.position;
  }

  /** Fetches the writer schemas that decoding will need. */
  async prepare(batch: FetchedBatch): Promise<void> {
    const { value } = this.#decoder;
    for (const record of batch.records) {
      const id = record.value === null ? undefined : value.missingId(record.value);
      if (id !== undefined) await value.load(id);
    }
  }

  push(batch: FetchedBatch): void {
    this.endOffset = batch.endOffset;
    if (batch.nextOffset <= this.fetchPosition) return;
    const bytes = bytesOf(batch);
    this.#batches.push({ batch, bytes });
    this.size += batch.records.length;
    this.bytes += bytes;
    this.#skipEmpty();
  }

  /** When the first record that waits was written; undefined if nothing waits. */
  get oldestTimestampMs(): number | undefined {
    return this.#batches[0]?.batch.records[this.#next]?.timestampMs;
  }

  /** The next record as it was fetched, not looked into; undefined if nothing waits. */
  get fetched(): FetchedRecord | undefined {
    this.#passDone();
    return this.#batches[0]?.batch.records[this.#next];
  }

  /** Decodes the head into key, value, timestampMs and raw. Records that cannot be decoded are handed over and passed. @returns false if nothing waits */
  loadHead(): boolean {
    while (this.raw === undefined) {
      const fetched = this.fetched;
      if (fetched === undefined) return false;
      let record = fetched;
      try {
        record = this.#unwrap(fetched);
        this.key = record.key === null || this.#decoder.key === null ? null : this.#decoder.key.decode(record.key);
        this.value = record.value === null ? null : this.#decoder.value.decode(record.value);
        this.timestampMs = this.#decoder.eventTime(this.value, record);
        this.raw = record;
      } catch (error) {
        this.#undecodable(record, error);
        this.raw = record;
        this.dropHead();
      }
    }
    return true;
  }

  #passDone(): void {
    if (this.#isDone === undefined || this.raw !== undefined) return;
    for (;;) {
      const next = this.#batches[0]?.batch.records[this.#next];
      if (next === undefined || !this.#isDone(next.offset)) return;
      this.dropHead();
    }
  }

  /** The head has been processed. */
  dropHead(): void {
    const { batch, bytes } = this.#batches[0]!;
    this.position = batch.records[this.#next]!.offset + 1;
    this.raw = undefined;
    this.size--;
    this.#next++;
    if (this.#next < batch.records.length) return;
    this.position = batch.nextOffset;
    this.bytes -= bytes;
    this.#batches.shift();
    this.#next = 0;
    this.#skipEmpty();
  }

  /** Batches of nothing but markers move the position without a record. */
  #skipEmpty(): void {
    while (this.#batches[0]?.batch.records.length === 0) {
      this.position = this.#batches[0].batch.nextOffset;
      this.#batches.shift();
    }
  }
}

function bytesOf({ records }: FetchedBatch): number {
  let bytes = 0;
  for (const { key, value } of records) bytes += (key?.length ?? 0) + (value?.length ?? 0);
  return bytes;
}
