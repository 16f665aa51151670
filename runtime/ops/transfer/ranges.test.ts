import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryLog } from "../../log/embedded/memory-log.ts";
import type { LogAccess } from "../../log/port.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { readRanges } from "./range-reader.ts";
import { offsetsIn, type RangeEnd, rangesOf } from "./ranges.ts";

const PARTITIONS = 3;
const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: "t", partition }));

interface Written {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
}

/** A topic whose partitions have these timestamps, the first ones removed. */
async function topicOf(stamps: readonly (readonly number[])[], removed: readonly number[]) {
  const log = await memoryLog({ clock: new ManualClock(), random: () => 0.5 });
  await log.ensureTopics([
    { topic: "t", partitions: PARTITIONS, config: { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 1 } },
  ]);
  const written: Written[] = [];
  for (const [partition, own] of stamps.entries()) {
    if (own.length === 0) continue;
    const records = own.map((timestampMs) => ({ key: null, value: null, timestampMs }));
    await log.produce([{ topic: "t", partition, records }]);
    const before = Math.min(removed[partition] ?? 0, own.length);
    await log.deleteRecords([{ topic: "t", partition, offset: before }]);
    written.push(...own.map((timestampMs, offset) => ({ partition, offset, timestampMs })).slice(before));
  }
  return { log, written };
}

/** As a person would say it: the offset itself, or that of the first record of this time or later. */
function boundOf(end: RangeEnd, own: readonly Written[]): number {
  if (end === "earliest") return -Infinity;
  if (end === "latest") return Infinity;
  if ("offset" in end) return end.offset;
  return own.find(({ timestampMs }) => timestampMs >= end.atOrAfterMs)?.offset ?? Infinity;
}

async function readAll(log: LogAccess, ranges: Awaited<ReturnType<typeof rangesOf>>, recordsMax: number) {
  const found: Written[] = [];
  const next = new Map(ranges.map(({ partition, from }) => [partition, from]));
  for await (const { partition, records, nextOffset } of readRanges(log, { topic: "t", ranges, recordsMax })) {
    expect(records.length).toBeLessThanOrEqual(recordsMax);
    for (const { offset } of records) expect(offset).toBeGreaterThanOrEqual(next.get(partition)!);
    expect(nextOffset).toBeGreaterThanOrEqual(next.get(partition)!);
    next.set(partition, nextOffset);
    found.push(...records.map(({ offset, timestampMs }) => ({ partition, offset, timestampMs })));
  }
  expect([...next.values()]).toEqual(ranges.map(({ to }) => to));
  return found;
}

const byPlace = (left: Written, right: Written) => left.partition - right.partition || left.offset - right.offset;

describe("the ranges of a topic", () => {
  it("hold the records that a look at all of them finds", async () => {
    const time = fc.integer({ min: 1, max: 30 });
    const end = fc.oneof(
      fc.constantFrom<RangeEnd>("earliest", "latest"),
      fc.record({ offset: fc.integer({ min: 0, max: 15 }) }),
      fc.record({ atOrAfterMs: time }),
    );
    const ascending = fc.array(time, { maxLength: 12 }).map((times) => times.sort((left, right) => left - right));
    const topics = fc.tuple(
      fc.array(ascending, { minLength: PARTITIONS, maxLength: PARTITIONS }),
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: PARTITIONS, maxLength: PARTITIONS }),
    );
    await fc.assert(
      fc.asyncProperty(topics, end, end, fc.integer({ min: 1, max: 5 }), async ([stamps, removed], from, to, max) => {
        const { log, written } = await topicOf(stamps, removed);
        const expected = written.filter(({ partition, offset }) => {
          const own = written.filter((each) => each.partition === partition);
          return offset >= boundOf(from, own) && offset < boundOf(to, own);
        });
        const ranges = await rangesOf({ log, partitions, from, to });
        expect((await readAll(log, ranges, max)).sort(byPlace)).toEqual(expected.sort(byPlace));
        expect(offsetsIn(ranges)).toBe(expected.length);
        await log.close();
      }),
      { numRuns: 150 },
    );
  });

  it("are fixed: what is written while they are read is not in them", async () => {
    const { log } = await topicOf([[1, 2, 3], [], []], []);
    const ranges = await rangesOf({ log, partitions, from: "earliest", to: "latest" });
    await log.produce([{ ...partitions[0]!, records: [{ key: null, value: null, timestampMs: 4 }] }]);
    expect((await readAll(log, ranges, 10)).map(({ timestampMs }) => timestampMs)).toEqual([1, 2, 3]);
    await log.close();
  });
});
