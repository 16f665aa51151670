import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { openDataDirectory } from "../runtime/log/embedded/data-directory.ts";
import type { LogAccess } from "../runtime/log/port.ts";
import { type CompareBy, compareTopics, type TopicRanges } from "../runtime/ops/compare/compare-topics.ts";
import { readRanges } from "../runtime/ops/transfer/range-reader.ts";
import { rangesOf } from "../runtime/ops/transfer/ranges.ts";
import { systemClock } from "../runtime/time/system-clock.ts";
import { Decimal } from "../schemas/decimal.ts";
import type { SchemaRegistry } from "../schemas/registry.ts";
import type { AvroJson } from "../schemas/schema.ts";
import { createValueSerde } from "../schemas/value-serde.ts";
import { levelDisk } from "../state/level-disk.ts";
import type { BenchRow } from "./bench-row.ts";
import { describeRuns } from "./state-measure.ts";

const RECORDS = 200_000;
const BATCH_RECORDS = 2_000;
const ROUNDS = 5;
const TOPICS = [
  { topic: "totals", partitions: 4 },
  { topic: "totals.green", partitions: 6 },
] as const;
const FIELDS: readonly AvroJson[] = [
  { name: "customer", type: "string" },
  { name: "payments", type: "long" },
  { name: "total", type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 } },
  { name: "shops", type: { type: "array", items: "string" } },
];

/**
 * [compare.keys, compare.events] Records a second, of both together, at which two topics of a data directory are compared: 200,000 keys a side, one record each, in 4 and in 6 partitions,
 * fields in another order, random order of keys. Beside it, in turn: the same topics read to their ends by the same reader, and nothing done with them.
 * Fails if anything else than the one difference is found.
 */
export async function run(): Promise<BenchRow[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "mulgil-bench-"));
  const { log, registry, close } = await openDataDirectory(path.join(folder, "data"), { clock: systemClock });
  try {
    for (const [side, topic] of TOPICS.entries()) await fill(log, registry, topic, side);
    const [left, right] = [await allOf(log, TOPICS[0]), await allOf(log, TOPICS[1])];
    const rates = { keys: [] as number[], events: [] as number[], reading: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      rates.reading.push(await rateOf(async () => (await read(log, left)) + (await read(log, right))));
      for (const by of ["keys", "events"] as const)
        rates[by].push(await rateOf(() => compare({ log, registry, by, left, right, folder })));
    }
    const bound = describeRuns(rates.reading).median;
    return (["keys", "events"] as const).map((by) => {
      const { median, spread } = describeRuns(rates[by]);
      const described = `${Math.round(bound).toLocaleString("en")} read alone`;
      const value = Math.round(median);
      return { name: `compare.${by}`, value, unit: "records/s", spread, bound: described, ratio: median / bound };
    });
  } finally {
    await close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function fill(
  log: LogAccess,
  registry: SchemaRegistry,
  { topic, partitions }: (typeof TOPICS)[number],
  side: number,
): Promise<void> {
  const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const;
  await log.ensureTopics([{ topic, partitions, config }]);
  const avro = { type: "record", name: "Total", fields: side === 0 ? FIELDS : FIELDS.toReversed() };
  const { encode } = await createValueSerde({ schema: { avro }, topic, registry });
  for (let first = 0; first < RECORDS; first += BATCH_RECORDS) {
    const records = Array.from({ length: BATCH_RECORDS }, (_, index) => {
      // A prime step: each number once, in no order that a database likes.
      const number = ((first + index) * 77_773 + side) % RECORDS;
      const customer = `customer-${number}`;
      const payments = side === 1 && number === 7 ? 8 : number % 100;
      const value = { customer, payments, total: Decimal.ofUnscaled(number * 7, 2), shops: ["bakery", "books"] };
      return { key: Buffer.from(customer), timestampMs: 1_000 + first, value: Buffer.from(encode(value)) };
    });
    await log.produce([{ topic, partition: (first / BATCH_RECORDS) % partitions, records }]);
  }
}

async function allOf(log: LogAccess, { topic, partitions }: (typeof TOPICS)[number]): Promise<TopicRanges> {
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  return { topic, ranges: await rangesOf({ log, partitions: all, from: "earliest", to: "latest" }) };
}

async function rateOf(work: () => Promise<number>): Promise<number> {
  const startedMs = performance.now();
  const records = await work();
  const seconds = (performance.now() - startedMs) / 1_000;
  if (records !== 2 * RECORDS) throw new Error(`${records} of ${2 * RECORDS} records were read`);
  return records / seconds;
}

async function read(log: LogAccess, { topic, ranges }: TopicRanges): Promise<number> {
  let records = 0;
  for await (const batch of readRanges(log, { topic, ranges, recordsMax: 1_000 })) records += batch.records.length;
  return records;
}

async function compare(options: {
  readonly log: LogAccess;
  readonly registry: SchemaRegistry;
  readonly by: CompareBy;
  readonly left: TopicRanges;
  readonly right: TopicRanges;
  readonly folder: string;
}): Promise<number> {
  const { folder, by } = options;
  const disk = levelDisk(path.join(folder, "compare"));
  const found = await compareTopics({ ...options, disk, differencesMax: 10, signal: new AbortController().signal });
  const isRight = by === "keys" ? found.different === 1 : found.onlyLeft === 1 && found.onlyRight === 1;
  if (!isRight || found.equal !== RECORDS - 1 || found.differences[0]?.key?.toString() !== "customer-7")
    throw new Error(`compared wrongly by ${by}: ${JSON.stringify({ ...found, differences: undefined })}`);
  return found.left.records + found.right.records;
}
