import type { AbstractBatchOperation, AbstractClearOptions } from "abstract-level";
import { MemoryLevel } from "memory-level";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../testing/manual-clock.ts";
import type { TopicConfig, TopicPartition } from "../port.ts";
import type { EmbeddedLog } from "./embedded-log.ts";
import { openEmbeddedLog } from "./open-embedded-log.ts";

/** Every state in which a crash could leave the database is opened again and looked at. */

type Database = MemoryLevel<Buffer, Buffer>;
type Operations = AbstractBatchOperation<Database, Buffer, Buffer>[];
type Change = (database: Database) => Promise<void>;

const newDatabase = (): Database => new MemoryLevel({ keyEncoding: "buffer", valueEncoding: "buffer" });
const keep: TopicConfig = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 0 };
const compact: TopicConfig = { ...keep, cleanupPolicy: "compact" };
const GROUP = "group";
const record = (value: string, key: string | null = null) => ({
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
  timestampMs: 0,
});

/** A database that remembers each of its atomic changes. */
function recorded(): { readonly database: Database; readonly changes: Change[] } {
  const database = newDatabase();
  const changes: Change[] = [];
  database.on("write", (operations: Operations) => {
    changes.push((other) => other.batch(operations));
  });
  database.on("clear", (range: AbstractClearOptions<Buffer>) => {
    changes.push((other) => other.clear(range));
  });
  return { database, changes };
}

async function read(log: EmbeddedLog, { topic, partition }: TopicPartition) {
  const [start] = await log.listOffsets([{ topic, partition }], "earliest", "read_committed");
  const reader = await log.openReader({ isolation: "read_committed" });
  reader.assign([start!]);
  const records = [];
  for (;;) {
    const batches = await reader.poll(0);
    if (batches.length === 0) break;
    for (const batch of batches) records.push(...batch.records);
  }
  await reader.close();
  return records;
}

const values = async (log: EmbeddedLog, where: TopicPartition) =>
  (await read(log, where)).map(({ value }) => Number(`${value}`));

const openAgain = (database: Database) =>
  openEmbeddedLog({ database, clock: new ManualClock(), random: () => 0.1, tailCacheBytesMax: 0 });

/** Runs the work, then calls `look` with the log as it would be after each change, and how much had been acknowledged by then. */
async function atEveryCrash(
  topics: readonly [string, number, TopicConfig][],
  work: (log: EmbeddedLog, acknowledge: () => void) => Promise<void>,
  look: (log: EmbeddedLog, acknowledged: number, database: Database) => Promise<void>,
): Promise<void> {
  const { database, changes } = recorded();
  const log = await openEmbeddedLog({ database, clock: new ManualClock(), random: () => 0.1 });
  await log.ensureTopics(topics.map(([topic, partitions, config]) => ({ topic, partitions, config })));
  const first = changes.length;
  const acknowledgedAt: number[] = [];
  await work(log, () => acknowledgedAt.push(changes.length));
  expect(acknowledgedAt.length).toBeGreaterThan(0);
  for (let crash = first; crash <= changes.length; crash++) {
    const copy = newDatabase();
    for (const change of changes.slice(0, crash)) await change(copy);
    const acknowledged = acknowledgedAt.filter((at) => at <= crash).length;
    await look(await openAgain(copy), acknowledged, copy);
  }
}

describe("after a crash at any write", () => {
  it("a transaction is there as a whole with its offsets, or not at all, and always once it was acknowledged", async () => {
    const partitions = [0, 1].map((partition) => ({ topic: "t", partition }));
    let sawCompletion = false;
    await atEveryCrash(
      [["t", 2, keep]],
      async (log, acknowledge) => {
        const producer = await log.openTransactionalProducer("id");
        for (let i = 0; i < 6; i++) {
          await producer.begin();
          for (const where of partitions) await producer.produce([{ ...where, records: [record(`${i}`)] }]);
          await producer.sendOffsets(GROUP, [{ topic: "t", partition: 0, offset: i + 1, metadata: `sequence ${i}` }]);
          if (i % 3 === 2) {
            await producer.abort();
          } else {
            await producer.commit();
            acknowledge();
          }
        }
      },
      async (log, acknowledged) => {
        const [firstBefore] = [await values(log, partitions[0]!)];
        const owner = await log.openTransactionalProducer("id");
        const [first, second] = [await values(log, partitions[0]!), await values(log, partitions[1]!)];
        expect(first).toEqual(second);
        expect(first).toEqual(firstBefore);
        const committed = [0, 1, 3, 4];
        expect(first).toEqual(committed.slice(0, first.length));
        expect(first.length).toBeGreaterThanOrEqual(acknowledged);
        expect(first.length).toBeLessThanOrEqual(acknowledged + 1);
        if (first.length > acknowledged) sawCompletion = true;
        const [offset] = await log.committedOffsets(GROUP, partitions);
        expect(offset?.offset).toBe(first.length === 0 ? undefined : first.at(-1)! + 1);
        for (const { topic, partition } of partitions) {
          const { lastStableOffset, endOffset, openTransactions } = log.inspect.partition(topic, partition);
          expect([lastStableOffset, openTransactions]).toEqual([endOffset, []]);
        }
        await owner.begin();
      },
    );
    expect(sawCompletion, "a decision without markers must have been completed").toBe(true);
  });

  it("produced records are there in order once they were acknowledged", async () => {
    await atEveryCrash(
      [["t", 1, keep]],
      async (log, acknowledge) => {
        const produce = async (i: number) => {
          await log.produce([{ topic: "t", partition: 0, records: [record(`${i}`)] }]);
          acknowledge();
        };
        for (let i = 0; i < 3; i++) await produce(i);
        await Promise.all([3, 4, 5, 6].map(produce));
      },
      async (log, acknowledged) => {
        const found = await values(log, { topic: "t", partition: 0 });
        expect(found).toEqual(found.map((_, i) => i));
        expect(found.length).toBeGreaterThanOrEqual(acknowledged);
        expect(log.inspect.partition("t", 0).endOffset).toBe(found.length);
      },
    );
  });

  it("a compacted topic still has the newest value of every key, at its offset", async () => {
    const newest = new Map<string, number>();
    await atEveryCrash(
      [["t", 1, compact]],
      async (log, acknowledge) => {
        const producer = await log.openTransactionalProducer("id");
        for (let i = 0; i < 30; i++) {
          const records = [record(`${i}`, `k${i % 7}`)];
          await producer.begin();
          await producer.produce([{ topic: "t", partition: 0, records }]);
          if (i % 5 === 4) await producer.abort();
          else {
            await producer.commit();
            newest.set(`k${i % 7}`, i);
          }
          if (i % 10 === 9) await log.maintain();
        }
        acknowledge();
        await log.maintain();
      },
      async (log, acknowledged) => {
        const all = await read(log, { topic: "t", partition: 0 });
        const offsets = all.map(({ offset }) => offset);
        expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
        if (acknowledged === 0) return;
        const found = new Map(all.map(({ key, value }) => [`${key}`, Number(`${value}`)]));
        expect([...found].sort()).toEqual([...newest].sort());
      },
    );
  });

  it("removed records stay removed, and nothing else is", async () => {
    await atEveryCrash(
      [["t", 1, keep]],
      async (log, acknowledge) => {
        for (let i = 0; i < 6; i++) {
          await log.produce([{ topic: "t", partition: 0, records: [record(`${2 * i}`), record(`${2 * i + 1}`)] }]);
        }
        for (const offset of [3, 4, 9]) {
          await log.deleteRecords([{ topic: "t", partition: 0, offset }]);
          acknowledge();
          await log.maintain();
        }
      },
      async (log, acknowledged) => {
        const { startOffset, endOffset } = log.inspect.partition("t", 0);
        expect(startOffset).toBeGreaterThanOrEqual([0, 3, 4, 9][acknowledged]!);
        const found = await values(log, { topic: "t", partition: 0 });
        expect(found).toEqual(Array.from({ length: endOffset - startOffset }, (_, i) => startOffset + i));
      },
    );
  });

  it("a deleted topic is gone with its offsets and its bytes", async () => {
    await atEveryCrash(
      [
        ["t", 1, keep],
        ["other", 1, keep],
      ],
      async (log, acknowledge) => {
        const producer = await log.openTransactionalProducer("id");
        await producer.begin();
        for (const topic of ["t", "other"]) {
          await producer.produce([{ topic, partition: 0, records: [record("1")] }]);
          await producer.sendOffsets(GROUP, [{ topic, partition: 0, offset: 1, metadata: "" }]);
        }
        await producer.commit();
        await producer.begin();
        await producer.produce([{ topic: "t", partition: 0, records: [record("2")] }]);
        await log.deleteTopic("t");
        acknowledge();
        await producer.commit();
        await log.ensureTopics([{ topic: "t", partitions: 1, config: keep }]);
      },
      async (log, acknowledged, database) => {
        const isGone = acknowledged > 0 || (await log.describeTopics()).every(({ topic }) => topic !== "t");
        if (!isGone) return;
        expect(await database.keys({ gte: Buffer.from([6]), lt: Buffer.from([7]) }).all()).toEqual([]);
        await log.ensureTopics([{ topic: "t", partitions: 1, config: keep }]);
        expect(await values(log, { topic: "t", partition: 0 })).toEqual([]);
        expect(await values(log, { topic: "other", partition: 0 })).toEqual([1]);
        const where = ["t", "other"].map((topic) => ({ topic, partition: 0 }));
        expect(await log.committedOffsets(GROUP, where)).toEqual([{ ...where[1], offset: 1, metadata: "" }]);
        const batches = await database.keys({ gte: Buffer.from([7]) }).all();
        expect(batches.filter((key) => key.readUInt32BE(1) === 1)).toEqual([]);
      },
    );
  });
});
