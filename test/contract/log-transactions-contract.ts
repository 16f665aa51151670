import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TaskMigratedError } from "../../runtime/errors/errors.ts";
import type { LogAccess } from "../../runtime/log/port.ts";
import {
  batch,
  codeOf,
  committedTexts,
  type LogFactory,
  type LogUnderTest,
  newTopic,
  readAll,
  record,
  textOf,
} from "./log-under-test.ts";

/** The promises of TransactionalProducer and of read_committed. */
export function describeTransactionsContract(name: string, factory: LogFactory<LogAccess>): void {
  describe(`Transactions: ${name}`, () => {
    let subject: LogUnderTest<LogAccess>;
    let log: LogAccess;
    beforeEach(async () => {
      subject = await factory();
      log = subject.log;
    });
    afterEach(() => subject.cleanup());

    const newId = () => `contract-${randomUUID()}`;
    const endOf = async (topic: string, isolation: "read_committed" | "read_uncommitted") =>
      (await log.listOffsets([{ topic, partition: 0 }], "latest", isolation))[0]!.offset;

    it("shows nothing of an open transaction to read_committed, and everything to read_uncommitted", async () => {
      const topic = await newTopic(log);
      const producer = await log.openTransactionalProducer(newId());
      await producer.begin();
      await producer.produce([batch(topic, 0, "a")]);
      expect(await committedTexts(subject, { topic, partition: 0 })).toEqual([]);
      const { records } = await readAll(subject, { topic, partition: 0 }, "read_uncommitted");
      expect(records.map(textOf)).toEqual(["a"]);
      expect([await endOf(topic, "read_committed"), await endOf(topic, "read_uncommitted")]).toEqual([0, 1]);
      await producer.commit();
      expect(await committedTexts(subject, { topic, partition: 0 })).toEqual(["a"]);
    });

    it("tells which transactions are open in a partition, and whose they are, until they end", async () => {
      const topic = await newTopic(log, 2);
      const both = [0, 1].map((partition) => ({ topic, partition }));
      const id = newId();
      await log.produce([batch(topic, 1, "before")]);
      expect(await log.openTransactions(both)).toEqual([]);
      const producer = await log.openTransactionalProducer(id);
      const beganMs = subject.now();
      await producer.begin();
      await producer.produce([batch(topic, 1, "a", "b")]);
      const [found, ...others] = await log.openTransactions(both);
      expect(others).toEqual([]);
      expect(found).toMatchObject({ topic, partition: 1, firstOffset: 1, transactionalId: id });
      expect(found?.producerId).toEqual(expect.any(Number));
      // Brokers on this machine have its clock, to the millisecond.
      expect(found?.startedAtMs).toBeGreaterThanOrEqual(beganMs - 1_000);
      expect(found?.startedAtMs).toBeLessThanOrEqual(subject.now() + 1_000);
      await producer.commit();
      await expect.poll(() => log.openTransactions(both)).toEqual([]);
      expect(await codeOf(log.openTransactions([{ topic: `${topic}-none`, partition: 0 }]))).toBe("LOG_UNKNOWN_TOPIC");
    });

    it("returns the first offset of each batch, as produce does", async () => {
      const topic = await newTopic(log, 2);
      const producer = await log.openTransactionalProducer(newId());
      await producer.begin();
      expect(await producer.produce([batch(topic, 1, "a", "b"), batch(topic, 0, "c"), batch(topic, 1, "d")])).toEqual([
        0, 0, 2,
      ]);
      expect(await producer.produce([batch(topic, 1, "e")])).toEqual([3]);
      await producer.abort();
    });

    it("commits to all partitions at once", async () => {
      const topics = [await newTopic(log), await newTopic(log)];
      const producer = await log.openTransactionalProducer(newId());
      await producer.begin();
      for (const topic of topics) await producer.produce([batch(topic, 0, "a", "b")]);
      await producer.commit();
      for (const topic of topics) expect(await committedTexts(subject, { topic, partition: 0 })).toEqual(["a", "b"]);
    });

    it("gives the marker an offset that positions count", async () => {
      const topic = await newTopic(log);
      const producer = await log.openTransactionalProducer(newId());
      await producer.begin();
      await producer.produce([batch(topic, 0, "a")]);
      await producer.commit();
      expect(await endOf(topic, "read_committed")).toBe(2);
      expect((await readAll(subject, { topic, partition: 0 })).nextOffset).toBe(2);
      expect(await log.produce([batch(topic, 0, "b")])).toEqual([2]);
    });

    it("skips aborted records, while positions move past them", async () => {
      const topic = await newTopic(log);
      const producer = await log.openTransactionalProducer(newId());
      await producer.begin();
      await producer.produce([batch(topic, 0, "wrong")]);
      await producer.abort();
      const { records, nextOffset } = await readAll(subject, { topic, partition: 0 });
      expect(records).toEqual([]);
      expect(nextOffset).toBe(2);
      await producer.begin();
      await producer.produce([batch(topic, 0, "right")]);
      await producer.commit();
      expect(await committedTexts(subject, { topic, partition: 0 })).toEqual(["right"]);
      const uncommitted = await readAll(subject, { topic, partition: 0 }, "read_uncommitted");
      expect(uncommitted.records.map(textOf)).toEqual(["wrong", "right"]);
    });

    it("holds back what comes after an open transaction, also of others", async () => {
      const topic = await newTopic(log);
      await log.produce([batch(topic, 0, "before")]);
      const first = await log.openTransactionalProducer(newId());
      const second = await log.openTransactionalProducer(newId());
      await first.begin();
      await second.begin();
      await first.produce([batch(topic, 0, "first")]);
      await second.produce([batch(topic, 0, "second")]);
      await log.produce([batch(topic, 0, "plain")]);
      await second.commit();
      expect(await committedTexts(subject, { topic, partition: 0 })).toEqual(["before"]);
      expect(await endOf(topic, "read_committed")).toBe(1);
      await first.abort();
      expect(await committedTexts(subject, { topic, partition: 0 })).toEqual(["before", "second", "plain"]);
    });

    it("wakes a waiting reader when the transaction ends", async () => {
      const topic = await newTopic(log);
      const producer = await log.openTransactionalProducer(newId());
      await producer.begin();
      await producer.produce([batch(topic, 0, "a")]);
      const reader = await log.openReader({ isolation: "read_committed" });
      reader.assign([{ topic, partition: 0, offset: 0 }]);
      const polled = reader.poll(60_000);
      await producer.commit();
      expect((await polled).flatMap(({ records }) => records.map(textOf))).toEqual(["a"]);
      await reader.close();
    });

    it("makes offsets the group's only on commit", async () => {
      const topic = await newTopic(log);
      const groupId = newId();
      const where = { topic, partition: 0 };
      await log.produce([batch(topic, 0, "a", "b")]);
      const producer = await log.openTransactionalProducer(newId());
      await producer.begin();
      await producer.sendOffsets(groupId, [{ ...where, offset: 1, metadata: "one" }]);
      expect(await log.committedOffsets(groupId, [where])).toEqual([]);
      await producer.abort();
      expect(await log.committedOffsets(groupId, [where])).toEqual([]);
      await producer.begin();
      await producer.sendOffsets(groupId, [{ ...where, offset: 1, metadata: "two" }]);
      await producer.sendOffsets(groupId, [{ ...where, offset: 2, metadata: "three" }]);
      await producer.commit();
      expect(await log.committedOffsets(groupId, [where])).toEqual([{ ...where, offset: 2, metadata: "three" }]);
    });

    it("commits and aborts a transaction that touched nothing", async () => {
      const producer = await log.openTransactionalProducer(newId());
      await producer.begin();
      await producer.commit();
      await producer.begin();
      await producer.abort();
    });

    it("aborts what the former owner left open, and fences it, before the new one is there", async () => {
      const topic = await newTopic(log);
      const id = newId();
      const old = await log.openTransactionalProducer(id);
      await old.begin();
      await old.produce([batch(topic, 0, "zombie")]);
      const owner = await (await subject.secondLog()).openTransactionalProducer(id);
      expect(await endOf(topic, "read_committed")).toBe(2);
      await expect(old.produce([batch(topic, 0, "more")])).rejects.toThrow(TaskMigratedError);
      expect(await codeOf(old.produce([batch(topic, 0, "more")]))).toBe("LOG_FENCED");
      expect(await codeOf(old.sendOffsets("g", []))).toBe("LOG_FENCED");
      expect(await codeOf(old.commit())).toBe("LOG_FENCED");
      expect(await codeOf(old.abort())).toBe("LOG_FENCED");
      expect(await codeOf(old.begin())).toBe("LOG_FENCED");
      await owner.begin();
      await owner.produce([batch(topic, 0, "mine")]);
      await owner.commit();
      expect(await committedTexts(subject, { topic, partition: 0 })).toEqual(["mine"]);
    });

    it("completes what the former owner had decided", async () => {
      const topic = await newTopic(log);
      const id = newId();
      const old = await log.openTransactionalProducer(id);
      await old.begin();
      await old.produce([batch(topic, 0, "decided")]);
      const committed = old.commit();
      await log.openTransactionalProducer(id);
      expect(await endOf(topic, "read_committed")).toBe(await endOf(topic, "read_uncommitted"));
      const outcome = await codeOf(committed);
      const visible = await committedTexts(subject, { topic, partition: 0 });
      expect(visible).toEqual(outcome === "no error" ? ["decided"] : []);
    });

    it("leaves the last of several owners that open at once", async () => {
      const id = newId();
      const producers = await Promise.all([1, 2, 3].map(() => log.openTransactionalProducer(id)));
      const outcomes = await Promise.all(producers.map((producer) => codeOf(producer.begin())));
      expect(outcomes.filter((outcome) => outcome === "no error")).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === "LOG_FENCED")).toHaveLength(2);
    });

    it("aborts a transaction that is open for too long, and fences its producer", async () => {
      const topic = await newTopic(log);
      const producer = await log.openTransactionalProducer(newId());
      await producer.begin();
      await producer.produce([batch(topic, 0, "slow")]);
      await log.produce([batch(topic, 0, "plain")]);
      await subject.advance(subject.transactionTimeoutMs);
      await expect.poll(() => committedTexts(subject, { topic, partition: 0 })).toEqual(["plain"]);
      expect(await codeOf(producer.commit())).toBe("LOG_FENCED");
    });

    it("lets a waiting reader go on when a transaction times out", async () => {
      const topic = await newTopic(log);
      const producer = await log.openTransactionalProducer(newId());
      await producer.begin();
      await producer.produce([batch(topic, 0, "slow")]);
      await log.produce([batch(topic, 0, "plain")]);
      const reader = await log.openReader({ isolation: "read_committed" });
      reader.assign([{ topic, partition: 0, offset: 0 }]);
      const polled = reader.poll(subject.transactionTimeoutMs * 10);
      await subject.advance(subject.transactionTimeoutMs);
      expect((await polled).flatMap(({ records }) => records.map(textOf))).toEqual(["plain"]);
      await reader.close();
    });

    it("leaves the transaction of a closed producer to its successor", async () => {
      const topic = await newTopic(log);
      const id = newId();
      const producer = await log.openTransactionalProducer(id);
      await producer.begin();
      await producer.produce([batch(topic, 0, "open")]);
      await producer.close();
      expect(await codeOf(producer.commit())).toBe("LOG_CLOSED");
      expect(await endOf(topic, "read_committed")).toBe(0);
      await log.openTransactionalProducer(id);
      expect(await endOf(topic, "read_committed")).toBe(2);
    });

    it("refuses calls out of order", async () => {
      const topic = await newTopic(log);
      const producer = await log.openTransactionalProducer(newId());
      expect(await codeOf(producer.produce([batch(topic, 0, "a")]))).toBe("LOG_TRANSACTION_STATUS");
      expect(await codeOf(producer.commit())).toBe("LOG_TRANSACTION_STATUS");
      await producer.begin();
      expect(await codeOf(producer.begin())).toBe("LOG_TRANSACTION_STATUS");
    });

    it("refuses a timestamp without harm to the transaction", async () => {
      const topic = await newTopic(log);
      const producer = await log.openTransactionalProducer(newId());
      await producer.begin();
      await producer.produce([batch(topic, 0, "a")]);
      const future = { topic, partition: 0, records: [record("b", subject.now() + 7_200_000)] };
      expect(await codeOf(producer.produce([future]))).toBe("LOG_TIMESTAMP_REFUSED");
      await producer.commit();
      expect(await committedTexts(subject, { topic, partition: 0 })).toEqual(["a"]);
    });
  });
}
