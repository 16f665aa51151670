import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LogAccess, TopicConfig } from "../../runtime/log/port.ts";
import {
  batch,
  bytes,
  codeOf,
  committedTexts,
  type LogFactory,
  type LogUnderTest,
  newTopic,
  readAll,
  record,
  texts,
} from "./log-under-test.ts";

const config: TopicConfig = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 1000 };
const HOUR_MS = 3_600_000;

/** The promises of LogAccess and LogReader. */
export function describeLogAccessContract(name: string, factory: LogFactory<LogAccess>): void {
  describe(`LogAccess: ${name}`, () => {
    let subject: LogUnderTest<LogAccess>;
    let log: LogAccess;
    beforeEach(async () => {
      subject = await factory();
      log = subject.log;
    });
    afterEach(() => subject.cleanup());

    describe("topics", () => {
      it("creates what is missing and describes it", async () => {
        const topic = await newTopic(log, 3);
        const found = (await log.describeTopics()).find((description) => description.topic === topic);
        expect(found).toMatchObject({ topic, partitions: 3, config });
        expect(found?.incarnation).toMatch(/./);
      });

      it("leaves the configuration of an existing topic alone", async () => {
        const topic = await newTopic(log, 2);
        await log.ensureTopics([{ topic, partitions: 2, config: { ...config, cleanupPolicy: "compact" } }]);
        const found = (await log.describeTopics()).find((description) => description.topic === topic);
        expect(found?.config).toEqual(config);
      });

      it("raises a retention that is shorter than asked, and never shortens one", async () => {
        const topic = await newTopic(log, 1);
        const short = `${topic}-short`;
        const spec = (retentionMs: number) => ({ topic: short, partitions: 1, config: { ...config, retentionMs } });
        const shortRetention = async () =>
          (await log.describeTopics()).find((description) => description.topic === short)!.config;
        await log.ensureTopics([spec(3_600_000)]);
        await log.ensureTopics([spec(7_200_000)]);
        expect(await shortRetention()).toEqual({ ...config, retentionMs: 7_200_000 });
        await log.ensureTopics([spec(1_000)]);
        expect((await shortRetention()).retentionMs).toBe(7_200_000);
        await log.ensureTopics([spec(-1)]);
        expect((await shortRetention()).retentionMs).toBe(-1);
      });

      it("refuses another number of partitions, names both, and creates nothing", async () => {
        const topic = await newTopic(log, 2);
        const other = `${topic}-other`;
        const call = log.ensureTopics([
          { topic: other, partitions: 1, config },
          { topic, partitions: 5, config },
        ]);
        await expect(call).rejects.toThrow(/2 partitions.*5/);
        expect(await codeOf(log.ensureTopics([{ topic, partitions: 5, config }]))).toBe("LOG_PARTITIONS");
        expect((await log.describeTopics()).map((description) => description.topic)).not.toContain(other);
      });

      it("creates a topic once when two clients ask at the same time", async () => {
        const second = await subject.secondLog();
        const topic = `${await newTopic(log)}-shared`;
        const spec = { topic, partitions: 2, config };
        await Promise.all([log.ensureTopics([spec]), second.ensureTopics([spec])]);
        expect((await second.describeTopics()).filter((found) => found.topic === topic)).toHaveLength(1);
      });

      it("gives a topic that was made again another incarnation and no records", async () => {
        const topic = await newTopic(log);
        const incarnation = async () => (await log.describeTopics()).find((d) => d.topic === topic)?.incarnation;
        const first = await incarnation();
        await log.produce([batch(topic, 0, "old")]);
        await log.deleteTopic(topic);
        expect(await incarnation()).toBeUndefined();
        await log.ensureTopics([{ topic, partitions: 1, config }]);
        expect(await incarnation()).not.toBe(first);
        expect(await committedTexts(subject, { topic, partition: 0 })).toEqual([]);
      });

      it("never creates a topic by use, and names a similar one", async () => {
        const topic = await newTopic(log);
        const unknown = `${topic}x`;
        await expect(log.produce([batch(unknown, 0, "a")])).rejects.toThrow(`"${topic}"`);
        expect(await codeOf(log.produce([batch(unknown, 0, "a")]))).toBe("LOG_UNKNOWN_TOPIC");
        const where = [{ topic: unknown, partition: 0 }];
        expect(await codeOf(log.listOffsets(where, "latest", "read_committed"))).toBe("LOG_UNKNOWN_TOPIC");
        expect(await codeOf(log.deleteTopic(unknown))).toBe("LOG_UNKNOWN_TOPIC");
        const reader = await log.openReader({ isolation: "read_committed" });
        reader.assign([{ topic: unknown, partition: 0, offset: 0 }]);
        expect(await codeOf(reader.poll(subject.pollWaitMs))).toBe("LOG_UNKNOWN_TOPIC");
        await reader.close();
        expect((await log.describeTopics()).map((description) => description.topic)).not.toContain(unknown);
      });

      it("refuses a partition that the topic does not have", async () => {
        const topic = await newTopic(log, 2);
        expect(await codeOf(log.produce([batch(topic, 2, "a")]))).toBe("LOG_UNKNOWN_PARTITION");
      });
    });

    describe("produce", () => {
      it("returns the first offset of each batch, in order", async () => {
        const topic = await newTopic(log, 2);
        expect(await log.produce([batch(topic, 1, "a", "b"), batch(topic, 0, "c"), batch(topic, 1, "d")])).toEqual([
          0, 0, 2,
        ]);
        expect(await log.produce([batch(topic, 1, "e")])).toEqual([3]);
        expect(await committedTexts(subject, { topic, partition: 1 })).toEqual(["a", "b", "d", "e"]);
      });

      it("keeps keys, values, nulls, timestamps and headers byte for byte", async () => {
        const topic = await newTopic(log);
        const now = subject.now();
        const binary = Buffer.from([0, 255, 128, 10]);
        const records = [
          { key: binary, value: null, timestampMs: now },
          { key: null, value: Buffer.alloc(0), timestampMs: now - 5 },
          { key: Buffer.alloc(0), value: binary, timestampMs: now + 7, headers: { a: binary, ü: Buffer.alloc(0) } },
        ];
        await log.produce([{ topic, partition: 0, records }]);
        const read = (await readAll(subject, { topic, partition: 0 })).records;
        expect(read.map(({ key, value, timestampMs, offset }) => ({ key, value, timestampMs, offset }))).toEqual(
          records.map(({ key, value, timestampMs }, offset) => ({ key, value, timestampMs, offset })),
        );
        expect(read[2]?.headers).toEqual({ a: binary, ü: Buffer.alloc(0) });
        expect(Object.keys(read[0]?.headers ?? {})).toEqual([]);
      });

      it("is not disturbed when the caller reuses its buffers", async () => {
        const topic = await newTopic(log);
        const value = bytes("before");
        await log.produce([{ topic, partition: 0, records: [{ key: null, value, timestampMs: 0 }] }]);
        value.write("AFTER!");
        expect(await committedTexts(subject, { topic, partition: 0 })).toEqual(["before"]);
      });

      it("refuses a timestamp more than an hour ahead, and writes nothing of the call", async () => {
        const topic = await newTopic(log, 2);
        const late = { topic, partition: 1, records: [record("x"), record("y", subject.now() + HOUR_MS + 60_000)] };
        const call = log.produce([batch(topic, 0, "a"), late]);
        await expect(call).rejects.toThrow(new RegExp(`${topic}.*partition 1.*record 1`));
        expect(await codeOf(log.produce([late]))).toBe("LOG_TIMESTAMP_REFUSED");
        expect(await committedTexts(subject, { topic, partition: 0 })).toEqual([]);
        expect(await committedTexts(subject, { topic, partition: 1 })).toEqual([]);
      });

      it("refuses a record without a key in a compacted topic", async () => {
        const topic = await newTopic(log, 1, "compact");
        expect(await codeOf(log.produce([batch(topic, 0, "a")]))).toBe("LOG_KEY_REQUIRED");
      });

      it("takes a batch larger than a fetch", async () => {
        const topic = await newTopic(log);
        const large = "x".repeat(300_000);
        for (let i = 0; i < 3; i++) await log.produce([batch(topic, 0, large, large, large)]);
        const { records, nextOffset } = await readAll(subject, { topic, partition: 0 });
        expect([records.length, nextOffset]).toEqual([9, 9]);
      });
    });

    describe("readers", () => {
      it("read from a position within a batch", async () => {
        const topic = await newTopic(log);
        await log.produce([batch(topic, 0, "a", "b", "c")]);
        await log.produce([batch(topic, 0, "d")]);
        const { records } = await readAll(subject, { topic, partition: 0 }, "read_committed", 2);
        expect(records.map(({ offset }) => offset)).toEqual([2, 3]);
      });

      it("say where the partition ends and where to go on", async () => {
        const topic = await newTopic(log);
        await log.produce([batch(topic, 0, "a", "b")]);
        const reader = await log.openReader({ isolation: "read_committed" });
        reader.assign([{ topic, partition: 0, offset: 0 }]);
        const [fetched] = await reader.poll(60_000);
        expect(fetched).toMatchObject({ topic, partition: 0, nextOffset: 2, endOffset: 2 });
        await reader.close();
      });

      it("move, add and drop partitions", async () => {
        const topic = await newTopic(log, 2);
        await log.produce([batch(topic, 0, "a", "b"), batch(topic, 1, "c")]);
        const reader = await log.openReader({ isolation: "read_committed" });
        reader.assign([{ topic, partition: 0, offset: 0 }]);
        expect(texts(await reader.poll(60_000))).toEqual(["a", "b"]);
        reader.assign([
          { topic, partition: 0, offset: 1 },
          { topic, partition: 1, offset: 0 },
        ]);
        const again = [...texts(await reader.poll(60_000)), ...texts(await reader.poll(subject.pollWaitMs))];
        expect(again.sort()).toEqual(["b", "c"]);
        reader.unassign([{ topic, partition: 0 }]);
        await log.produce([batch(topic, 0, "d"), batch(topic, 1, "e")]);
        expect(texts(await reader.poll(60_000))).toEqual(["e"]);
        await reader.close();
      });

      it("return an empty list when the wait is over", async () => {
        const topic = await newTopic(log);
        const reader = await log.openReader({ isolation: "read_committed" });
        reader.assign([{ topic, partition: 0, offset: 0 }]);
        const polled = reader.poll(500);
        await subject.advance(500);
        expect(await polled).toEqual([]);
        await reader.close();
      });

      it("wake up when another client produces", async () => {
        const topic = await newTopic(log);
        const second = await subject.secondLog();
        const reader = await log.openReader({ isolation: "read_committed" });
        reader.assign([{ topic, partition: 0, offset: 0 }]);
        const polled = reader.poll(60_000);
        await second.produce([batch(topic, 0, "news")]);
        expect(texts(await polled)).toEqual(["news"]);
        await reader.close();
      });

      it("wake up with nothing when they are closed", async () => {
        const topic = await newTopic(log);
        const reader = await log.openReader({ isolation: "read_committed" });
        reader.assign([{ topic, partition: 0, offset: 0 }]);
        const polled = reader.poll(60_000);
        await reader.close();
        expect(await polled).toEqual([]);
        expect(await codeOf(reader.poll(0))).toBe("LOG_CLOSED");
      });

      it("refuse a position before the start or after the end", async () => {
        const topic = await newTopic(log);
        await log.produce([batch(topic, 0, "a", "b")]);
        await log.deleteRecords([{ topic, partition: 0, offset: 1 }]);
        for (const offset of [0, 3]) {
          const reader = await log.openReader({ isolation: "read_committed" });
          reader.assign([{ topic, partition: 0, offset }]);
          expect(await codeOf(reader.poll(subject.pollWaitMs))).toBe("LOG_OFFSET_OUT_OF_RANGE");
          await reader.close();
        }
      });

      it("do not let one poll run beside another", async () => {
        const reader = await log.openReader({ isolation: "read_committed" });
        const polled = reader.poll(60_000);
        expect(await codeOf(reader.poll(0))).toBe("LOG_CONCURRENT_POLL");
        await reader.close();
        await polled;
      });
    });

    describe("offsets", () => {
      it("lists the earliest, the latest, and the first at or after a time", async () => {
        const topic = await newTopic(log);
        const where = { topic, partition: 0 };
        await log.produce([{ ...where, records: [record("a", 100), record("b", 300)] }]);
        await log.produce([{ ...where, records: [record("c", 200), record("d", 400)] }]);
        const list = async (spec: Parameters<LogAccess["listOffsets"]>[1]) =>
          (await log.listOffsets([where], spec, "read_committed"))[0]!.offset;
        expect(await list("earliest")).toBe(0);
        expect(await list("latest")).toBe(4);
        expect(await list({ atOrAfterMs: 0 })).toBe(0);
        expect(await list({ atOrAfterMs: 101 })).toBe(1);
        expect(await list({ atOrAfterMs: 301 })).toBe(3);
        expect(await list({ atOrAfterMs: 401 })).toBe(4);
      });

      it("answers in the order of the question", async () => {
        const topic = await newTopic(log, 3);
        await log.produce([batch(topic, 2, "a", "b"), batch(topic, 0, "c")]);
        const asked = [2, 1, 0].map((partition) => ({ topic, partition }));
        expect(await log.listOffsets(asked, "latest", "read_committed")).toEqual([
          { topic, partition: 2, offset: 2 },
          { topic, partition: 1, offset: 0 },
          { topic, partition: 0, offset: 1 },
        ]);
      });

      it("removes records before an offset", async () => {
        const topic = await newTopic(log);
        const where = { topic, partition: 0 };
        await log.produce([batch(topic, 0, "a", "b")]);
        await log.produce([batch(topic, 0, "c", "d")]);
        await log.deleteRecords([{ ...where, offset: 3 }]);
        expect(await log.listOffsets([where], "earliest", "read_committed")).toEqual([{ ...where, offset: 3 }]);
        expect(await committedTexts(subject, where)).toEqual(["d"]);
        await log.deleteRecords([{ ...where, offset: 1 }]);
        expect(await log.listOffsets([where], "earliest", "read_committed")).toEqual([{ ...where, offset: 3 }]);
        expect(await codeOf(log.deleteRecords([{ ...where, offset: 5 }]))).toBe("LOG_OFFSET_OUT_OF_RANGE");
        await log.deleteRecords([{ ...where, offset: 4 }]);
        expect(await committedTexts(subject, where)).toEqual([]);
        expect(await log.produce([batch(topic, 0, "e")])).toEqual([4]);
      });

      it("describes a group that nobody has joined as empty", async () => {
        expect(await log.describeGroup("nobody")).toEqual({ groupId: "nobody", status: "empty", members: [] });
      });

      it("leaves out partitions for which a group has committed nothing", async () => {
        const topic = await newTopic(log);
        expect(await log.committedOffsets("nobody", [{ topic, partition: 0 }])).toEqual([]);
      });
    });

    it("refuses every call after it was closed", async () => {
      const topic = await newTopic(log);
      const reader = await log.openReader({ isolation: "read_committed" });
      const polled = reader.poll(60_000).catch((error: unknown) => error);
      await log.close();
      await polled;
      expect(await codeOf(log.produce([batch(topic, 0, "a")]))).toBe("LOG_CLOSED");
      expect(await codeOf(log.describeTopics())).toBe("LOG_CLOSED");
      expect(await codeOf(log.openReader({ isolation: "read_committed" }))).toBe("LOG_CLOSED");
      await log.close();
    });
  });
}
