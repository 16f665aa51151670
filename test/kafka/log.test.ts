import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { KafkaLog, type KafkaLogOptions } from "../../runtime/log/kafka/kafka-log.ts";
import type { FetchedBatch, GroupListener, TopicConfig } from "../../runtime/log/port.ts";
import { readPartition } from "../../runtime/log/read-partition.ts";
import { openKafka } from "../../runtime/worker/open-kafka.ts";
import { batch, codeOf, record, roundRobin, textOf } from "../contract/log-under-test.ts";
import { brokerForTests } from "./broker-for-tests.ts";

const broker = await brokerForTests();
afterAll(async () => {
  if (broker.isThere) await broker.stop();
}, 30_000);

const DAY_MS = 86_400_000;
const config: TopicConfig = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 1_000 };

describe.skipIf(!broker.isThere)("the log on Kafka, beyond the contract", () => {
  const logs: KafkaLog[] = [];
  let log: KafkaLog;
  let topic: string;
  const open = (options: Partial<KafkaLogOptions> = {}): KafkaLog => {
    const opened = new KafkaLog({
      connection: { brokers: broker.isThere ? broker.bootstrap.split(",") : [] },
      patienceMs: 20_000,
      ...options,
    });
    logs.push(opened);
    return opened;
  };
  beforeEach(async () => {
    log = open();
    topic = `log-${randomUUID()}`;
    await log.ensureTopics([{ topic, partitions: 1, config }]);
  });
  afterEach(() => Promise.all(logs.splice(0).map((each) => each.close())));

  it.each(["gzip", "zstd"] as const)("reads what it compressed with %s", async (compression) => {
    const value = "again and ".repeat(5_000);
    await open({ compression }).produce([batch(topic, 0, value, "b"), batch(topic, 0, "c")]);
    expect((await readPartition(log, { topic, partition: 0 })).map(textOf)).toEqual([value, "b", "c"]);
  });

  it("keeps records with times of thirty years ago, and refuses those of tomorrow", async () => {
    const now = Date.now();
    await log.produce([{ topic, partition: 0, records: [record("old", now - 30 * 365 * DAY_MS)] }]);
    expect(await codeOf(log.produce([{ topic, partition: 0, records: [record("early", now + DAY_MS)] }]))).toBe(
      "LOG_TIMESTAMP_REFUSED",
    );
    expect((await readPartition(log, { topic, partition: 0 })).map(textOf)).toEqual(["old"]);
  });

  it("cuts a large call into batches that the broker takes, and keeps their order", async () => {
    const values = Array.from({ length: 60 }, (_, i) => `${i} ${"x".repeat(100_000)}`);
    const first = values.slice(0, 40);
    expect(await log.produce([batch(topic, 0, ...first), batch(topic, 0, ...values.slice(40))])).toEqual([0, 40]);
    expect((await readPartition(log, { topic, partition: 0 })).map(textOf)).toEqual(values);
  });

  it("makes topics that take larger records than the broker does by default", async () => {
    const large = `${topic}-large`;
    await log.ensureTopics([{ topic: large, partitions: 1, config, batchBytesMax: 4_000_000 }]);
    const value = "x".repeat(3_000_000);
    await log.produce([batch(large, 0, value, "b")]);
    expect((await readPartition(log, { topic: large, partition: 0 })).map(textOf)).toEqual([value, "b"]);
  });

  it("says which record is too large", async () => {
    expect(await codeOf(log.produce([batch(topic, 0, "x".repeat(2_000_000))]))).toBe("LOG_RECORD_TOO_LARGE");
  });

  it("keeps the order of calls that are not awaited, and writes each once", async () => {
    const values = Array.from({ length: 200 }, (_, i) => String(i));
    await Promise.all(values.map((value) => log.produce([batch(topic, 0, value)])));
    expect((await readPartition(log, { topic, partition: 0 })).map(textOf)).toEqual(values);
  });

  it("asks the brokers for what a start was given", async () => {
    const connection = { brokers: broker.isThere ? broker.bootstrap.split(",") : [] };
    const registry = { url: "http://127.0.0.1:1" };
    const spec = { topic: `${topic}-copied`, partitions: 1, config };
    const many = await openKafka({ connection, registry, replicationFactor: 99 });
    const refused = many.log.ensureTopics([spec]);
    await expect(refused).rejects.toMatchObject({
      code: "LOG_REPLICATION",
      message: expect.stringContaining("99 copies"),
    });
    await many.close();

    const small = await openKafka({ connection, registry, compression: "gzip", replicationFactor: 1 });
    await small.log.ensureTopics([{ ...spec, topic: `${topic}-small` }]);
    // It fits into the largest request only if it is compressed.
    const value = "again and ".repeat(150_000);
    await expect(log.produce([batch(topic, 0, value)])).rejects.toMatchObject({ code: "LOG_RECORD_TOO_LARGE" });
    await small.log.produce([batch(`${topic}-small`, 0, value)]);
    expect((await readPartition(log, { topic: `${topic}-small`, partition: 0 })).map(textOf)).toEqual([value]);
    await small.close();
  });

  it("gives up within the patience that a start was given", async () => {
    const connection = { brokers: ["127.0.0.1:1"] };
    const opening = openKafka({ connection, registry: { url: "http://127.0.0.1:1" }, patienceMs: 300 });
    await expect(opening).rejects.toMatchObject({
      code: "LOG_UNREACHABLE",
      message: expect.stringContaining("within 300 ms"),
    });
  });

  it("never follows a position that retention has removed, and leaves the group's offsets alone", async () => {
    await log.produce([batch(topic, 0, "a", "b", "c")]);
    const groupId = topic;
    const member = await log.joinGroup({
      groupId,
      clientId: "late",
      topics: [topic],
      assignor: roundRobin,
      listener: seeking(() => 0),
    });
    const where = { topic, partition: 0 };
    function seeking(start: () => number): GroupListener {
      return {
        userData: () => new Uint8Array(),
        onRebalance: async () => undefined,
        onAssigned: async ({ partitions }) =>
          member.seek(partitions.map((partition) => ({ ...partition, offset: start() }))),
        onLost: () => undefined,
      };
    }
    await untilBatch(() => member.poll(500));
    await member.commit([{ ...where, offset: 1, metadata: "mine" }]);
    await log.deleteRecords([{ ...where, offset: 2 }]);
    member.seek([{ ...where, offset: 1 }]);
    expect(await codeOf(untilBatch(() => member.poll(500)))).toBe("LOG_OFFSET_OUT_OF_RANGE");
    expect(await log.committedOffsets(groupId, [where])).toEqual([{ ...where, offset: 1, metadata: "mine" }]);
    member.seek([{ ...where, offset: 2 }]);
    expect((await untilBatch(() => member.poll(500)))[0]!.records.map(textOf)).toEqual(["c"]);
    await member.close();
  });

  it("does not take a topic that was made again for the one it was reading", async () => {
    await log.produce([batch(topic, 0, "a")]);
    const reader = await log.openReader({ isolation: "read_committed" });
    reader.assign([{ topic, partition: 0, offset: 0 }]);
    expect((await reader.poll(5_000))[0]!.records.map(textOf)).toEqual(["a"]);
    const other = open();
    await other.deleteTopic(topic);
    await other.ensureTopics([{ topic, partitions: 1, config }]);
    await other.produce([batch(topic, 0, "another", "and another")]);
    expect(await codeOf(untilBatch(() => reader.poll(500)))).toBe("LOG_TOPIC_REPLACED");
    await reader.close();
  });
});

const POLLS_MAX = 20;

async function untilBatch(poll: () => Promise<readonly FetchedBatch[]>): Promise<readonly FetchedBatch[]> {
  for (let polls = 0; polls < POLLS_MAX; polls++) {
    const batches = await poll();
    if (batches.length > 0) return batches;
  }
  throw new Error("no batch came");
}
