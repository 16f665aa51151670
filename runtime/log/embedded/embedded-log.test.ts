import { createHash } from "node:crypto";
import { MemoryLevel } from "memory-level";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../testing/manual-clock.ts";
import { SeededRandom } from "../../testing/seeded-random.ts";
import type { EmbeddedLog } from "./embedded-log.ts";
import { memoryLog } from "./memory-log.ts";
import { openEmbeddedLog } from "./open-embedded-log.ts";
import { batchKey, logKey } from "./storage-keys.ts";

const where = { topic: "t", partition: 0 };
const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 0 } as const;
const newDatabase = () => new MemoryLevel<Buffer, Buffer>({ keyEncoding: "buffer", valueEncoding: "buffer" });
const produce = (log: EmbeddedLog, value: string) =>
  log.produce([{ ...where, records: [{ key: null, value: Buffer.from(value), timestampMs: 0 }] }]);

async function read(log: EmbeddedLog): Promise<string[]> {
  const reader = await log.openReader({ isolation: "read_committed" });
  reader.assign([{ ...where, offset: 0 }]);
  const values: string[] = [];
  for (;;) {
    const batches = await reader.poll(0);
    if (batches.length === 0) return values;
    for (const { records } of batches) values.push(...records.map(({ value }) => `${value}`));
  }
}

describe("the embedded log", () => {
  it("says where a stored batch is damaged", async () => {
    const database = newDatabase();
    const log = await openEmbeddedLog({ database, clock: new ManualClock(), tailCacheBytesMax: 0 });
    await log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    for (const value of ["a", "b", "c"]) await produce(log, value);
    const key = batchKey(1, 0, 1);
    const damaged = Buffer.from((await database.get(key))!);
    damaged[damaged.length - 1]! ^= 1;
    await database.put(key, damaged);
    await expect(read(log)).rejects.toMatchObject({ code: "LOG_CORRUPT", context: { ...where, offset: 1 } });
  });

  it("takes no more calls after a write has failed, and says why; what had been decided is not claimed", async () => {
    const database = newDatabase();
    const log = await openEmbeddedLog({ database, clock: new ManualClock() });
    await log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    const producer = await log.openTransactionalProducer("id");
    await producer.begin();
    await producer.produce([{ ...where, records: [{ key: null, value: null, timestampMs: 0 }] }]);
    const batch = database.batch;
    database.batch = (() => Promise.reject(new Error("No space left on device"))) as unknown as typeof batch;
    await expect(producer.commit()).rejects.toMatchObject({
      name: "IndefiniteTransactionError",
      code: "LOG_INDEFINITE",
    });
    database.batch = batch;
    await expect(produce(log, "b")).rejects.toThrow(/No space left on device/);
    await expect(produce(log, "b")).rejects.toMatchObject({ code: "DATA_DIR_UNUSABLE" });
    await log.close();
    const again = await openEmbeddedLog({ database, clock: new ManualClock() });
    expect(await read(again)).toEqual([]);
  });

  it("refuses the format of a newer version", async () => {
    const database = newDatabase();
    await database.put(logKey(), Buffer.from(JSON.stringify({ format: 2, nextTopicId: 1, nextProducerId: 1 })));
    const opened = openEmbeddedLog({ database, clock: new ManualClock() });
    await expect(opened).rejects.toMatchObject({ code: "LOG_FORMAT" });
  });

  it("refuses a database that would turn its bytes into text", async () => {
    const database = new MemoryLevel() as unknown as MemoryLevel<Buffer, Buffer>;
    await expect(openEmbeddedLog({ database, clock: new ManualClock() })).rejects.toThrow(TypeError);
  });

  it("refuses what is no topic", async () => {
    const log = await memoryLog({ clock: new ManualClock() });
    for (const [topic, partitions] of [
      ["a b", 1],
      ["", 1],
      ["..", 1],
      ["x".repeat(250), 1],
      ["t", 0],
      ["t", 1.5],
    ] as const) {
      const created = log.ensureTopics([{ topic, partitions, config }]);
      await expect(created).rejects.toMatchObject({ code: "LOG_INVALID_TOPIC" });
    }
  });

  it("waits with closing for writes on their way", async () => {
    const database = newDatabase();
    const log = await openEmbeddedLog({ database, clock: new ManualClock() });
    await log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    const producer = await log.openTransactionalProducer("id");
    await producer.begin();
    const written = Promise.all([
      produce(log, "a"),
      producer.produce([{ ...where, records: [{ key: null, value: Buffer.from("b"), timestampMs: 0 }] }]),
      producer.commit(),
    ]);
    let isWritten = false;
    void written.then(() => {
      isWritten = true;
    });
    await log.close();
    expect(isWritten).toBe(true);
    expect(await read(await openEmbeddedLog({ database, clock: new ManualClock() }))).toEqual(["a", "b"]);
  });

  it("leaves no timer behind", async () => {
    const clock = new ManualClock();
    const log = await memoryLog({ clock });
    await log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    const producer = await log.openTransactionalProducer("id");
    await producer.begin();
    await producer.produce([{ ...where, records: [{ key: null, value: null, timestampMs: 0 }] }]);
    expect(clock.nextMs).toBeLessThan(Number.POSITIVE_INFINITY);
    await log.close();
    expect(clock.nextMs).toBe(Number.POSITIVE_INFINITY);
  });

  it("is the same, byte for byte, when the same happens again", async () => {
    const runOnce = async () => {
      const database = newDatabase();
      const clock = new ManualClock();
      const random = new SeededRandom(7);
      const log = await openEmbeddedLog({ database, clock, random: () => random.next() });
      const compacted = { ...config, cleanupPolicy: "compact" } as const;
      await log.ensureTopics([
        { topic: "t", partitions: 2, config },
        { topic: "c", partitions: 1, config: compacted },
      ]);
      const producers = await Promise.all(["x", "y"].map((id) => log.openTransactionalProducer(id)));
      for (let i = 0; i < 20; i++) {
        await Promise.all(
          producers.map(async (producer, p) => {
            await producer.begin();
            const records = [
              { key: Buffer.from(`k${i % 3}`), value: Buffer.from(`${p}-${i}`), timestampMs: clock.now() },
            ];
            await producer.produce([
              { topic: "t", partition: p, records },
              { topic: "c", partition: 0, records },
            ]);
            await (i % 4 === 3 ? producer.abort() : producer.commit());
          }),
        );
        clock.advance(10);
        if (i % 5 === 4) await log.maintain();
      }
      await log.close();
      const hash = createHash("sha256");
      for await (const [key, value] of database.iterator()) hash.update(key).update(value);
      return hash.digest("hex");
    };
    expect(await runOnce()).toBe(await runOnce());
  });

  it("serves a reader from its cache without looking at the database", async () => {
    const database = newDatabase();
    const log = await openEmbeddedLog({ database, clock: new ManualClock() });
    await log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    for (const value of ["a", "b"]) await produce(log, value);
    await database.clear({ gte: batchKey(0, 0, 0) });
    expect(await read(log)).toEqual(["a", "b"]);
  });

  it("keeps its cache within the bound, and reads on from the database", async () => {
    const database = newDatabase();
    const log = await openEmbeddedLog({ database, clock: new ManualClock(), tailCacheBytesMax: 3000 });
    await log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    const values = Array.from({ length: 50 }, (_, i) => `v${i}`);
    for (const value of values) await produce(log, value);
    expect(await read(log)).toEqual(values);
    await database.del(batchKey(1, 0, 20));
    await expect(read(log)).rejects.toMatchObject({ code: "LOG_CORRUPT", context: { ...where, offset: 20 } });
  });
});
