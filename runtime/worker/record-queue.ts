import type { KeySerde } from "../../schemas/key-serde.ts";
import type { ValueSerde } from "../../schemas/value-serde.ts";
import type { FetchedBatch, FetchedRecord } from "../log/port.ts";
import type { Clock } from "../time/clock.ts";
import type { EventTime } from "./event-time.ts";

/** How the records of one input become keys and values. */
export interface InputDecoder {
  readonly value: Pick<ValueSerde<unknown>, "decode" | "missingId" | "load">;
  readonly key: KeySerde<unknown> | null;
  readonly eventTime: EventTime;
}

/** A schema that the next record was written with, and that is not here yet. */
export interface AwaitedSchema {
  readonly id: number;
  readonly sinceMs: number;
  /** The record, and where it is read. */
  readonly topic: string;
  readonly partition: number;
  readonly raw: FetchedRecord;
}

interface QueuedBatch {
  readonly batch: FetchedBatch;
  readonly bytes: number;
  /** So many of its records have a schema that is here, or none that could be fetched. */
  readable: number;
}

/**
 * The fetched records of one input partition of a task, in order. The head is decoded when it is looked at, so that a task can compare
 * event times across its inputs; nothing behind it is. A record whose schema is not here yet waits for it, with all behind it.
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
  readonly #clock: Pick<Clock, "now">;
  #batches: QueuedBatch[] = [];
  #next = 0;
  /** The first schema that is missed; what is behind it has not been looked at. */
  #missed: AwaitedSchema | undefined;
  /** From the first one on that is not readable as a whole. */
  readonly #unprepared: QueuedBatch[] = [];
  #isClosed = false;

  constructor(options: {
    topic: string;
    partition: number;
    position: number;
    endOffset?: number;
    decoder: InputDecoder;
    clock: Pick<Clock, "now">;
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
    this.#clock = options.clock;
    this.#undecodable = options.undecodable;
    this.#unwrap = options.unwrap ?? ((record) => record);
    this.#isDone = options.isDone;
  }

  /** The offset to fetch from: behind everything that waits here. */
  get fetchPosition(): number {
    return this.#batches.at(-1)?.batch.nextOffset ?? this.position;
  }

  /**
   * Takes in what was fetched. Resolves when all schemas that its records need are here, or at once if one is missed already: what is in front of the
   * first that is not can be read meanwhile. Rejects if a schema can never be had.
   */
  async push(batch: FetchedBatch): Promise<void> {
    this.endOffset = batch.endOffset;
    if (batch.nextOffset <= this.fetchPosition) return;
    const queued = { batch, bytes: bytesOf(batch), readable: 0 };
    this.#batches.push(queued);
    this.#unprepared.push(queued);
    this.size += batch.records.length;
    this.bytes += queued.bytes;
    const isInFront = this.#missed === undefined;
    this.#skipEmpty();
    if (isInFront) await this.#prepare();
  }

  /** Lets go of what was fetched: whoever waits for a schema may wait for as long as the registry is away. */
  close(): void {
    this.#isClosed = true;
    this.#batches = [];
    this.#unprepared.length = 0;
  }

  /** Fetches the writer schemas that decoding will need, in the order of the records. */
  async #prepare(): Promise<void> {
    const { value } = this.#decoder;
    for (let queued = this.#unprepared[0]; queued !== undefined; queued = this.#unprepared[0]) {
      const { records } = queued.batch;
      for (; queued.readable < records.length; queued.readable++) {
        const raw = records[queued.readable]!;
        // What has ended in an earlier life is passed over unread.
        const id = raw.value === null || this.#isDone?.(raw.offset) ? undefined : value.missingId(raw.value);
        if (id === undefined) continue;
        this.#missed = { id, sinceMs: this.#clock.now(), topic: this.topic, partition: this.partition, raw };
        await value.load(id);
        if (this.#isClosed) return;
        this.#missed = undefined;
      }
      this.#unprepared.shift();
    }
  }

  /** Somewhere in what was fetched. */
  get missesSchema(): boolean {
    return this.#missed !== undefined;
  }

  /** What the head waits for; undefined if it can be read, or there is none. */
  get awaited(): AwaitedSchema | undefined {
    this.#passDone();
    return this.#isHeadReadable ? undefined : this.#missed;
  }

  get #isHeadReadable(): boolean {
    const head = this.#batches[0];
    return head === undefined || this.#next < head.readable;
  }

  /** When the first record that waits was written; undefined if nothing waits. */
  get oldestTimestampMs(): number | undefined {
    return this.#batches[0]?.batch.records[this.#next]?.timestampMs;
  }

  /** The next record as it was fetched, not looked into; undefined if nothing waits, or it waits for its schema. */
  get fetched(): FetchedRecord | undefined {
    this.#passDone();
    return this.#isHeadReadable ? this.#batches[0]?.batch.records[this.#next] : undefined;
  }

  /** Decodes the head into key, value, timestampMs and raw. Records that cannot be decoded are handed over and passed. @returns false if there is none to be read */
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
