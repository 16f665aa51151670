import type { ChangelogRecord } from "../../../state/store.ts";
import type { FetchedRecord } from "../../log/port.ts";
import type { ComparableValues } from "./comparable-values.ts";
import { encodeKept, entryKey, type Side } from "./kept-entry.ts";

/** Takes the records of one topic in, and says what is kept of them, in batches. */
export interface Collector {
  /** Synchronous: called once a record. */
  add(partition: number, record: FetchedRecord): void;
  /** Enough is held in memory: drain it. */
  readonly isFull: boolean;
  /** The entries of what is held. */
  drain(): Promise<readonly ChangelogRecord[]>;
}

export interface CollectOptions {
  readonly side: Side;
  readonly values: ComparableValues;
  readonly bufferRecordsMax: number;
}

const BYTES_MAX = 8 * 1024 * 1024;

/** The last record of each key in each partition; the one of the largest offset is the last. */
export class LatestOfKeys implements Collector {
  readonly #options: CollectOptions;
  readonly #partitions = new Map<number, Map<string, FetchedRecord>>();
  #records = 0;
  #bytes = 0;

  constructor(options: CollectOptions) {
    this.#options = options;
  }

  add(partition: number, record: FetchedRecord): void {
    this.#latestOf(partition).set(record.key!.toString("latin1"), record);
    this.#records++;
    this.#bytes += sizeOf(record);
  }

  get isFull(): boolean {
    return this.#records >= this.#options.bufferRecordsMax || this.#bytes >= BYTES_MAX;
  }

  async drain(): Promise<readonly ChangelogRecord[]> {
    const { side, values } = this.#options;
    const held = [...this.#partitions].flatMap(([partition, latest]) =>
      [...latest.values()].map((record) => ({ partition, record })),
    );
    this.#partitions.clear();
    this.#records = 0;
    this.#bytes = 0;
    await values.load(held.map(({ record }) => record.value));
    return held.map(({ partition, record: { key, value, offset, timestampMs } }) => ({
      key: entryKey(key, undefined, side, partition),
      value: encodeKept({
        ...values.digestOf(value),
        ...{ partition, offset, timestampMs, times: 1, isTombstone: value === null },
      }),
    }));
  }

  #latestOf(partition: number): Map<string, FetchedRecord> {
    const known = this.#partitions.get(partition);
    if (known !== undefined) return known;
    const latest = new Map<string, FetchedRecord>();
    this.#partitions.set(partition, latest);
    return latest;
  }
}

interface Occurrence {
  readonly key: Buffer;
  readonly partition: number;
  readonly record: FetchedRecord;
  readonly digest: Buffer;
  readonly isDecoded: boolean;
  times: number;
}

/** How many times each key occurs with each value. */
export class Occurrences implements Collector {
  readonly #options: CollectOptions;
  #held: { readonly partition: number; readonly record: FetchedRecord }[] = [];
  #bytes = 0;
  #drained = 0;

  constructor(options: CollectOptions) {
    this.#options = options;
  }

  add(partition: number, record: FetchedRecord): void {
    this.#held.push({ partition, record });
    this.#bytes += sizeOf(record);
  }

  get isFull(): boolean {
    return this.#held.length >= this.#options.bufferRecordsMax || this.#bytes >= BYTES_MAX;
  }

  async drain(): Promise<readonly ChangelogRecord[]> {
    const { values } = this.#options;
    const held = this.#held;
    this.#held = [];
    this.#bytes = 0;
    await values.load(held.map(({ record }) => record.value));
    return [...this.#counted(held).values()].map(({ key, partition, record, ...counted }) => ({
      key,
      value: encodeKept({
        ...counted,
        ...{ partition, offset: record.offset, timestampMs: record.timestampMs, isTombstone: record.value === null },
      }),
    }));
  }

  #counted(held: readonly { readonly partition: number; readonly record: FetchedRecord }[]): Map<string, Occurrence> {
    const { side, values } = this.#options;
    const number = this.#drained++;
    const counted = new Map<string, Occurrence>();
    for (const { partition, record } of held) {
      const valueDigest = values.digestOf(record.value);
      const key = entryKey(record.key, valueDigest.digest, side, number);
      const name = key.toString("latin1");
      const known = counted.get(name);
      if (known === undefined) counted.set(name, { key, partition, record, ...valueDigest, times: 1 });
      else known.times++;
    }
    return counted;
  }
}

const sizeOf = ({ key, value }: FetchedRecord): number => (key?.length ?? 0) + (value?.length ?? 0);
