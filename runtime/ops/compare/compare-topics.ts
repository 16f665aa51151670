import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import type { Database, StateDisk } from "../../../state/disk.ts";
import { dataRange } from "../../../state/key-layout.ts";
import type { ChangelogRecord } from "../../../state/store.ts";
import type { FetchedRecord, LogAccess } from "../../log/port.ts";
import { readRanges } from "../transfer/range-reader.ts";
import { offsetsIn, type PartitionRange } from "../transfer/ranges.ts";
import { type Collector, LatestOfKeys, Occurrences } from "./collect.ts";
import { ComparableValues } from "./comparable-values.ts";
import { decodeKept, type KeptEntry, SIDES, type Side, thingOf } from "./kept-entry.ts";
import { type Tallied, Tally } from "./tally.ts";
import { verdictOnLatest, verdictOnOccurrences } from "./verdicts.ts";

/** "keys": the latest value of each key, whatever partition it lies in. "events": how many times each record occurs. */
export type CompareBy = "keys" | "events";

export interface TopicRanges {
  readonly topic: string;
  readonly ranges: readonly PartitionRange[];
}

export interface CompareTopicsOptions {
  readonly log: Pick<LogAccess, "openReader">;
  readonly registry: SchemaRegistry;
  readonly left: TopicRanges;
  readonly right: TopicRanges;
  readonly by: CompareBy;
  /** Of records' timestamps, inclusive. @default all */
  readonly fromMs?: number | undefined;
  /** Exclusive. @default all */
  readonly toMs?: number | undefined;
  /** Paths of fields that may differ: see `fieldTreeOf`. @default none */
  readonly ignored?: readonly string[];
  /** How many differences are listed; all are counted. */
  readonly differencesMax: number;
  /** Where a database is built and removed: some 60 bytes and the key for each key (or record) of both topics. */
  readonly disk: StateDisk;
  /** Records that are held in memory at most, before they go to the disk; 8 MiB of them in any case. @default 10_000 */
  readonly bufferRecordsMax?: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: CompareProgress) => void;
}

export interface CompareProgress {
  readonly phase: "reading" | "comparing";
  /** Offsets, then entries of keys or records. */
  readonly done: number;
  /** Undefined while nobody knows. */
  readonly total: number | undefined;
}

export interface ComparedTopics extends Tallied {
  /** Paths to be left out that no value had. */
  readonly ignoredInVain: readonly string[];
}

const DATABASE = "compare";
const LOOK_ENTRIES = 1_000;
const BUFFER_RECORDS_MAX = 10_000;

/**
 * Compares what two topics say, as far as their ranges go: values as decoded, keys as bytes; neither headers nor timestamps. What lies on the disk are keys and digests of values, so
 * memory does not grow with the topics. Reads only.
 * @throws {MulgilError} COMPARE_KEYLESS if keys are compared and a record has none; what the signal was aborted with
 */
export async function compareTopics(options: CompareTopicsOptions): Promise<ComparedTopics> {
  const { disk, registry, ignored = [] } = options;
  const values = new ComparableValues({ registry, ignored });
  try {
    const database = await disk.open(DATABASE);
    try {
      const records = await collect(options, values, database);
      const tallied = await merge(options, database, records);
      return { ...tallied, ignoredInVain: ignored.filter((path) => !values.foundIgnored.has(path)) };
    } finally {
      await database.close();
    }
  } finally {
    await disk.remove(DATABASE);
  }
}

type RecordCounts = Readonly<Record<Side, number>>;

async function collect(
  options: CompareTopicsOptions,
  values: ComparableValues,
  database: Database,
): Promise<RecordCounts> {
  const { log, by, signal, onProgress, bufferRecordsMax = BUFFER_RECORDS_MAX } = options;
  const recordsMax = Math.min(bufferRecordsMax, LOOK_ENTRIES);
  const total = offsetsIn(options.left.ranges) + offsetsIn(options.right.ranges);
  const records = { left: 0, right: 0 };
  let done = 0;
  for (const side of SIDES) {
    const { topic, ranges } = options[side];
    const Kind = by === "keys" ? LatestOfKeys : Occurrences;
    const collector: Collector = new Kind({ side, values, bufferRecordsMax });
    const writer = new Writer(database);
    const positions = new Map(ranges.map(({ partition, from }) => [partition, from]));
    for await (const batch of readRanges(log, { topic, ranges, recordsMax, signal })) {
      signal.throwIfAborted();
      records[side] += take(options, topic, collector, batch);
      if (collector.isFull) await writer.write(await collector.drain());
      done += batch.nextOffset - positions.get(batch.partition)!;
      positions.set(batch.partition, batch.nextOffset);
      onProgress?.({ phase: "reading", done, total });
    }
    signal.throwIfAborted();
    await writer.write(await collector.drain());
    await writer.end();
  }
  return records;
}

/** Writes one batch while the next one is read. */
class Writer {
  readonly #database: Database;
  #writing: Promise<void> = Promise.resolve();

  constructor(database: Database) {
    this.#database = database;
  }

  async write(entries: readonly ChangelogRecord[]): Promise<void> {
    await this.#writing;
    this.#writing = this.#database.write(entries);
    // Told by the next call.
    this.#writing.catch(() => undefined);
  }

  end(): Promise<void> {
    return this.#writing;
  }
}

/** @returns how many records of the batch count */
function take(
  { by, fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY }: CompareTopicsOptions,
  topic: string,
  collector: Collector,
  { partition, records }: { readonly partition: number; readonly records: readonly FetchedRecord[] },
): number {
  let taken = 0;
  for (const record of records) {
    if (record.timestampMs < fromMs || record.timestampMs >= toMs) continue;
    if (record.key === null && by === "keys") throw keyless(topic, partition, record.offset);
    collector.add(partition, record);
    taken++;
  }
  return taken;
}

async function merge(
  { by, differencesMax, signal, onProgress }: CompareTopicsOptions,
  database: Database,
  records: RecordCounts,
): Promise<Tallied> {
  const tally = new Tally(records, differencesMax, by === "keys" ? verdictOnLatest : verdictOnOccurrences);
  let thing: Buffer | undefined;
  let entries: KeptEntry[] = [];
  let done = 0;
  for await (const [key, value] of database.iterate(dataRange)) {
    const own = thingOf(key);
    if (thing !== undefined && !own.equals(thing)) {
      tally.count(thing, entries);
      entries = [];
    }
    thing = own;
    entries.push(decodeKept(key, value));
    if (++done % LOOK_ENTRIES !== 0) continue;
    signal.throwIfAborted();
    onProgress?.({ phase: "comparing", done, total: undefined });
  }
  if (thing !== undefined) tally.count(thing, entries);
  return tally.result;
}

const keyless = (topic: string, partition: number, offset: number): MulgilError =>
  new MulgilError(
    `topic "${topic}" has records without a key, the first at offset ${offset} of partition ${partition}, so that no value is the latest of a key: compare all records with --events`,
    { code: "COMPARE_KEYLESS", context: { topic, partition, offset } },
  );
