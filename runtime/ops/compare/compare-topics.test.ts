import fc from "fast-check";
import { MemoryLevel } from "memory-level";
import { describe, expect, it } from "vitest";
import { openEmbeddedRegistry } from "../../../schemas/embedded-registry.ts";
import type { AvroJson } from "../../../schemas/schema.ts";
import { createValueSerde, type ValueSerde } from "../../../schemas/value-serde.ts";
import { memoryDisk } from "../../../state/memory-disk.ts";
import { memoryLog } from "../../log/embedded/memory-log.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { rangesOf } from "../transfer/ranges.ts";
import { type CompareBy, type ComparedTopics, compareTopics } from "./compare-topics.ts";

interface Value {
  readonly amount: number;
  readonly note: string | null;
  readonly at: number;
}

interface Written {
  readonly partition: number;
  readonly key: string | null;
  /** Text: bytes that no schema reads. */
  readonly value: Value | string | null;
  readonly timestampMs: number;
  readonly schema: number;
}

const FIELDS = {
  amount: { name: "amount", type: "long" },
  note: { name: "note", type: ["null", "string"], default: null },
  at: { name: "at", type: "long", default: 0 },
};
/** The same values, as three versions of a job would write them. */
const SCHEMAS: readonly AvroJson[] = [
  { type: "record", name: "Total", fields: [FIELDS.amount, FIELDS.note, FIELDS.at] },
  { type: "record", name: "Total", fields: [FIELDS.at, FIELDS.amount, FIELDS.note] },
  { type: "record", name: "Total", fields: [FIELDS.note, FIELDS.at, { ...FIELDS.amount, type: "double" }] },
];

async function compared(
  sides: readonly [readonly Written[], readonly Written[]],
  options: {
    readonly by?: CompareBy;
    readonly ignored?: readonly string[];
    readonly fromMs?: number;
    readonly toMs?: number;
    readonly bufferRecordsMax?: number;
  } = {},
): Promise<ComparedTopics> {
  const log = await memoryLog({ clock: new ManualClock(), random: () => 0.5 });
  const registry = await openEmbeddedRegistry(new MemoryLevel());
  const serdes: ValueSerde<Value>[] = [];
  for (const [index, avro] of SCHEMAS.entries())
    serdes.push(await createValueSerde<Value>({ schema: { avro }, topic: `s${index}`, registry }));
  const bytesOf = ({ value, schema }: Written) =>
    value === null || typeof value === "string" ? value && Buffer.from(value) : serdes[schema]!.encode(value);
  const disk = memoryDisk();
  try {
    const ranges = [];
    for (const [side, written] of sides.entries()) {
      const [topic, partitions] = [`t${side}`, side + 2];
      const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 1 } as const;
      await log.ensureTopics([{ topic, partitions, config }]);
      for (const record of written) {
        const { key, timestampMs } = record;
        const one = {
          key: key === null ? null : Buffer.from(key),
          value: bytesOf(record) as Buffer | null,
          timestampMs,
        };
        await log.produce([{ topic, partition: record.partition % partitions, records: [one] }]);
      }
      const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
      ranges.push({ topic, ranges: await rangesOf({ log, partitions: all, from: "earliest", to: "latest" }) });
    }
    const result = await compareTopics({
      ...{ by: "keys", ...options, log, registry, disk, left: ranges[0]!, right: ranges[1]! },
      ...{ differencesMax: 1_000, signal: new AbortController().signal },
    });
    expect(await disk.list("compare")).toEqual([]);
    expect(await disk.sizeBytes("compare")).toBe(0);
    return result;
  } finally {
    await log.close();
  }
}

/** What a record says, as a text that is the same for the same value. */
function saidBy({ value }: Written, ignored: readonly string[]): string {
  if (value === null || typeof value === "string") return JSON.stringify(["bytes", value]);
  const kept = Object.entries(value).filter(([name]) => !ignored.includes(name));
  return JSON.stringify(kept.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/** In memory, without digests, layouts and batches. */
function naiveLatest(side: readonly Written[], partitions: number, ignored: readonly string[]): Map<string, string> {
  const byPartition = new Map<string, Map<number, Written>>();
  for (const record of side) {
    const known = byPartition.get(record.key!) ?? new Map<number, Written>();
    byPartition.set(record.key!, known.set(record.partition % partitions, record));
  }
  const latest = new Map<string, string>();
  for (const [key, records] of byPartition) {
    const inOrder = [...records].toSorted(
      ([left, { timestampMs: a }], [right, { timestampMs: b }]) => a - b || left - right,
    );
    const [, last] = inOrder.at(-1)!;
    if (last.value !== null) latest.set(key, saidBy(last, ignored));
  }
  return latest;
}

const naiveCounts = (side: readonly Written[], ignored: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const record of side) {
    const name = JSON.stringify([record.key, saidBy(record, ignored)]);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
};

// Keys with zeros, beginnings of one another, and bytes that sort last.
const keys = fc.constantFrom("", "a", "a\0", "a\0\0", "ab", "\0", "b", "\xff", "a\u0001");
const value = fc.record<Value>({
  amount: fc.integer({ min: 0, max: 1 }),
  note: fc.constantFrom(null, "x"),
  at: fc.integer({ min: 0, max: 1 }),
});
const written = (key: fc.Arbitrary<string | null>) =>
  fc.array(
    fc.record<Written>({
      ...{ partition: fc.nat(3), key, schema: fc.nat(2), timestampMs: fc.nat(3) },
      value: fc.oneof(
        { arbitrary: value, weight: 6 },
        { arbitrary: fc.constant(null), weight: 2 },
        { arbitrary: fc.constantFrom("x", "y"), weight: 1 },
      ),
    }),
    { maxLength: 12 },
  );
const buffers = fc.constantFrom(1, 3, 10_000);
const ignoring = fc.constantFrom([], ["at"], ["at", "note"]);

/** Often the two say nearly the same. */
const pairs = (key: fc.Arbitrary<string | null>) =>
  fc.oneof(
    fc.tuple(written(key), written(key)),
    fc
      .tuple(written(key), fc.nat(2))
      .map(([side, schema]) => [side, side.map((each) => ({ ...each, schema }))] as const),
  );

describe("comparing topics", () => {
  it("by key finds what a comparison in memory finds", async () => {
    await fc.assert(
      fc.asyncProperty(pairs(keys), ignoring, buffers, async (sides, ignored, bufferRecordsMax) => {
        const left = naiveLatest(sides[0], 2, ignored);
        const right = naiveLatest(sides[1], 3, ignored);
        const result = await compared([sides[0], sides[1]], { ignored, bufferRecordsMax });
        const own = [...left.keys()];
        const others = [...right.keys()];
        expect(result).toMatchObject({
          left: { records: sides[0].length, compared: left.size },
          right: { records: sides[1].length, compared: right.size },
          equal: own.filter((key) => left.get(key) === right.get(key)).length,
          different: own.filter((key) => right.has(key) && left.get(key) !== right.get(key)).length,
          onlyLeft: own.filter((key) => !right.has(key)).length,
          onlyRight: others.filter((key) => !left.has(key)).length,
        });
        const wrong = [...new Set([...own, ...others])].filter((key) => left.get(key) !== right.get(key));
        expect(result.differences.map(({ key }) => key!.toString("utf8"))).toEqual(
          wrong.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
        );
      }),
      { numRuns: 150 },
    );
  });

  it("by events finds what counting in memory finds", async () => {
    await fc.assert(
      fc.asyncProperty(pairs(fc.option(keys)), ignoring, buffers, async (sides, ignored, bufferRecordsMax) => {
        const left = naiveCounts(sides[0], ignored);
        const right = naiveCounts(sides[1], ignored);
        const result = await compared([sides[0], sides[1]], { by: "events", ignored, bufferRecordsMax });
        const names = [...new Set([...left.keys(), ...right.keys()])];
        const sum = (of: (own: number, other: number) => number) =>
          names.reduce((all, name) => all + of(left.get(name) ?? 0, right.get(name) ?? 0), 0);
        expect(result).toMatchObject({
          left: { records: sides[0].length, compared: sides[0].length },
          right: { records: sides[1].length, compared: sides[1].length },
          equal: sum(Math.min),
          different: 0,
          onlyLeft: sum((own, other) => Math.max(0, own - other)),
          onlyRight: sum((own, other) => Math.max(0, other - own)),
        });
        expect(result.differences).toHaveLength(names.filter((name) => left.get(name) !== right.get(name)).length);
      }),
      { numRuns: 150 },
    );
  });

  const record = (key: string, amount: number, more: Partial<Written> = {}): Written => ({
    ...{ key, value: { amount, note: null, at: 0 }, timestampMs: 0, partition: 0, schema: 0 },
    ...more,
  });

  it("counts only records of a time, also where times do not rise", async () => {
    const right = [record("a", 2, { timestampMs: 20 }), record("a", 1, { timestampMs: 10 })];
    const left = [record("a", 1, { timestampMs: 10 }), record("b", 1, { timestampMs: 9 })];
    expect(await compared([left, right], { fromMs: 10, toMs: 20 })).toMatchObject({
      ...{ equal: 1, different: 0, onlyLeft: 0, onlyRight: 0 },
      ...{ left: { records: 1 }, right: { records: 1 } },
    });
  });

  it("refuses records without a key, and says where and what to do", async () => {
    const comparing = compared([[record("a", 1)], [record("a", 1), record("b", 1, { key: null })]]);
    await expect(comparing).rejects.toMatchObject({
      code: "COMPARE_KEYLESS",
      message: expect.stringMatching(/"t1" .* offset 1 of partition 0.*--events/),
    });
  });

  it("counts what cannot be decoded, and keys in several partitions", async () => {
    const left = [record("a", 1), record("a", 2, { partition: 1, timestampMs: 5 }), record("b", 1, { value: "?" })];
    const right = [record("a", 2), record("b", 1, { value: "?" })];
    expect(await compared([left, right])).toMatchObject({
      ...{ equal: 2, different: 0 },
      left: { undecoded: 1, scattered: 1 },
      right: { undecoded: 1, scattered: 0 },
    });
  });

  it("takes what a schema reads never for bytes", async () => {
    expect(
      await compared([[record("a", 1)], [record("a", 1, { value: '{"amount":1,"at":0,"note":null}' })]]),
    ).toMatchObject({
      ...{ equal: 0, different: 1 },
    });
  });
});
