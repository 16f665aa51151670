import { MemoryLevel } from "memory-level";
import { beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../testing/manual-clock.ts";
import type { CleanupPolicy, FetchedRecord, Isolation } from "../port.ts";
import type { EmbeddedLog } from "./embedded-log.ts";
import { openEmbeddedLog } from "./open-embedded-log.ts";

const where = { topic: "t", partition: 0 };
const DELETE_RETENTION_MS = 1000;

let clock: ManualClock;
let database: MemoryLevel<Buffer, Buffer>;
let log: EmbeddedLog;

async function open(cleanupPolicy: CleanupPolicy, retentionMs = -1): Promise<void> {
  log = await openEmbeddedLog({ database, clock, random: () => 0 });
  const config = { cleanupPolicy, retentionMs, deleteRetentionMs: DELETE_RETENTION_MS };
  await log.ensureTopics([{ topic: "t", partitions: 1, config }]);
}

beforeEach(() => {
  clock = new ManualClock();
  database = new MemoryLevel({ keyEncoding: "buffer", valueEncoding: "buffer" });
});

/** "key=value", or "key" for a tombstone. */
const record = (text: string) => {
  const [key, value] = text.split("=");
  return { key: Buffer.from(key!), value: value === undefined ? null : Buffer.from(value), timestampMs: clock.now() };
};
const write = (...records: readonly string[]) => log.produce([{ ...where, records: records.map(record) }]);
const textOf = ({ offset, key, value }: FetchedRecord) => `${offset}:${key}${value === null ? "" : `=${value}`}`;

async function content(isolation: Isolation = "read_committed", from?: number) {
  const reader = await log.openReader({ isolation });
  reader.assign([{ ...where, offset: from ?? log.inspect.partition("t", 0).startOffset }]);
  const found: string[] = [];
  let nextOffset = 0;
  for (;;) {
    const batches = await reader.poll(0);
    if (batches.length === 0) break;
    for (const batch of batches) {
      found.push(...batch.records.map(textOf));
      nextOffset = batch.nextOffset;
    }
  }
  await reader.close();
  return { found, nextOffset };
}

const storedBatches = async () => (await database.keys({ gte: Buffer.from([7]) }).all()).length;

describe("compaction", () => {
  it("keeps the newest record of each key at its offset", async () => {
    await open("compact");
    await write("a=1", "b=1");
    await write("a=2", "c=1");
    await write("b=2");
    await log.maintain();
    expect(await content()).toEqual({ found: ["2:a=2", "3:c=1", "4:b=2"], nextOffset: 5 });
    expect(await write("d=1")).toEqual([5]);
  });

  it("lets readers start anywhere, also in what has vanished", async () => {
    await open("compact");
    for (let i = 0; i < 10; i++) await write(`a=${i}`, `b${i}=0`);
    await log.maintain();
    for (let from = 0; from <= 20; from++) {
      const { found } = await content("read_committed", from);
      const expected = Array.from({ length: 10 }, (_, i) => `${2 * i + 1}:b${i}=0`);
      expected.splice(9, 0, "18:a=9");
      expect(found).toEqual(expected.filter((text) => Number(text.split(":")[0]) >= from));
    }
  });

  it("moves positions to the end where the last records have vanished", async () => {
    await open("compact");
    const producer = await log.openTransactionalProducer("id");
    await producer.begin();
    await producer.produce([{ ...where, records: [record("a=1")] }]);
    await producer.abort();
    await log.maintain();
    expect(await content()).toEqual({ found: [], nextOffset: 2 });
    expect(await storedBatches()).toBe(0);
  });

  it("joins small batches", async () => {
    await open("compact");
    for (let i = 0; i < 50; i++) await write(`k${i}=1`);
    expect(await storedBatches()).toBe(50);
    await log.maintain();
    expect(await storedBatches()).toBe(1);
    expect((await content()).found).toHaveLength(50);
  });

  it("starts only when more than half is new", async () => {
    await open("compact");
    for (let i = 0; i < 10; i++) await write(`k${i}=1`);
    await log.maintain();
    await write("k0=2");
    await log.maintain();
    expect((await content()).found).toContain("0:k0=1");
    for (let i = 0; i < 20; i++) await write(`k0=${i}`);
    await log.maintain();
    expect((await content()).found).not.toContain("0:k0=1");
  });

  it("does not let old values lie for longer than a day", async () => {
    await open("compact");
    for (let i = 0; i < 10; i++) await write(`k${i}=1`);
    await log.maintain();
    await write("k0=2");
    clock.advance(24 * 3_600_000);
    await log.maintain();
    expect((await content()).found).not.toContain("0:k0=1");
  });

  it("starts by itself after a mebibyte of new records", async () => {
    await open("compact");
    const large = "x".repeat(50_000);
    for (let i = 0; i < 40; i++) await write(`k=${large}`);
    await expect.poll(storedBatches).toBeLessThan(25);
  });

  it("keeps a tombstone for deleteRetentionMs after it was compacted", async () => {
    await open("compact");
    await write("a=1", "b=1", "a");
    await log.maintain();
    expect((await content()).found).toEqual(["1:b=1", "2:a"]);
    clock.advance(DELETE_RETENTION_MS - 1);
    await log.maintain();
    expect((await content()).found).toEqual(["1:b=1", "2:a"]);
    clock.advance(1);
    await log.maintain();
    expect(await content()).toEqual({ found: ["1:b=1"], nextOffset: 3 });
  });

  it("does not let a young tombstone keep an old one", async () => {
    await open("compact");
    await write("a");
    await log.maintain();
    clock.advance(DELETE_RETENTION_MS - 1);
    await write("b", "b");
    await log.maintain();
    clock.advance(1);
    await log.maintain();
    expect((await content()).found).toEqual(["2:b"]);
  });

  it("drops aborted records, and never touches what is open or behind it", async () => {
    await open("compact");
    const [aborted, left] = [await log.openTransactionalProducer("x"), await log.openTransactionalProducer("y")];
    await write("a=1");
    await aborted.begin();
    await aborted.produce([{ ...where, records: [record("a=aborted")] }]);
    await aborted.abort();
    await left.begin();
    await left.produce([{ ...where, records: [record("a=open")] }]);
    await write("a=2");
    await log.maintain();
    expect((await content()).found).toEqual(["0:a=1"]);
    expect((await content("read_uncommitted")).found).toEqual(["0:a=1", "3:a=open", "4:a=2"]);
    await left.abort();
    expect((await content()).found).toEqual(["0:a=1", "4:a=2"]);
    await log.maintain();
    expect((await content("read_uncommitted")).found).toEqual(["4:a=2"]);
  });

  it("goes on in the next call where its bound stopped it", async () => {
    await open("compact");
    const large = "x".repeat(400_000);
    for (let i = 0; i < 10; i++) await log.produce([{ ...where, records: [record(`k${i % 3}=${large}`)] }]);
    await log.close();
    await open("compact");
    let calls = 0;
    while (!(await log.maintain({ bytesMax: 1 })).isComplete) calls++;
    expect(calls).toBeGreaterThan(2);
    expect((await content()).found.map((text) => text.slice(0, 4))).toEqual(["7:k1", "8:k2", "9:k0"]);
  });

  it("remembers what is aborted while it runs", async () => {
    await open("compact");
    const producer = await log.openTransactionalProducer("id");
    for (let i = 0; i < 6; i++) await write(`k${i}=1`);
    await producer.begin();
    expect(await log.maintain({ bytesMax: 1 })).toEqual({ isComplete: false });
    await producer.produce([{ ...where, records: [record("k0=aborted")] }]);
    await producer.abort();
    while (!(await log.maintain({ bytesMax: 1 })).isComplete);
    expect((await content()).found).toHaveLength(6);
    await log.close();
    await open("compact");
    expect((await content()).found).toHaveLength(6);
  });

  it("is remembered when the log is opened again", async () => {
    await open("compact");
    await write("a=1", "a=2", "b");
    await log.maintain();
    await log.close();
    await open("compact");
    expect((await content()).found).toEqual(["1:a=2", "2:b"]);
    clock.advance(DELETE_RETENTION_MS);
    await log.maintain();
    expect((await content()).found).toEqual(["1:a=2"]);
  });
});

describe("retention", () => {
  it("removes the oldest batches by their newest record, and moves the start", async () => {
    await open("delete", 1000);
    await write("a=1");
    clock.advance(600);
    await write("b=1");
    await log.maintain();
    expect(log.inspect.partition("t", 0).startOffset).toBe(0);
    clock.advance(401);
    await log.maintain();
    expect(log.inspect.partition("t", 0)).toMatchObject({ startOffset: 1, endOffset: 2 });
    expect((await content()).found).toEqual(["1:b=1"]);
    expect(await storedBatches()).toBe(1);
    clock.advance(600);
    await log.maintain();
    expect(log.inspect.partition("t", 0)).toMatchObject({ startOffset: 2, endOffset: 2 });
    expect(await storedBatches()).toBe(0);
  });

  it("keeps everything with -1, and in a topic that is only compacted", async () => {
    await open("delete");
    await write("a=1");
    clock.advance(10 * 24 * 3_600_000);
    await log.maintain();
    expect((await content()).found).toEqual(["0:a=1"]);
  });

  it("never removes what an open transaction may still change", async () => {
    await open("delete", 10_000);
    const producer = await log.openTransactionalProducer("id");
    await producer.begin();
    await producer.produce([{ ...where, records: [record("a=1")] }]);
    clock.advance(20_000);
    await log.maintain();
    expect(log.inspect.partition("t", 0).startOffset).toBe(0);
  });

  it("works beside compaction in compact,delete", async () => {
    await open("compact,delete", 1000);
    await write("a=1");
    await write("a=2", "b=1");
    await log.maintain();
    expect((await content()).found).toEqual(["1:a=2", "2:b=1"]);
    clock.advance(1001);
    await write("c=1");
    await log.maintain();
    expect((await content()).found).toEqual(["3:c=1"]);
  });
});

it("frees the disk of removed records in the background", async () => {
  await open("delete");
  for (let i = 0; i < 5; i++) await write(`k${i}=1`, `l${i}=1`);
  await log.deleteRecords([{ ...where, offset: 7 }]);
  await expect.poll(storedBatches).toBe(2);
  expect((await content()).found).toHaveLength(3);
});
