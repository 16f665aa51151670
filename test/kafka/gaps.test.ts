import { randomUUID } from "node:crypto";
import { defineJob, type PositionOptions } from "mulgil";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { payments } from "../../runtime/dsl/payments.fixture.ts";
import { KafkaLog } from "../../runtime/log/kafka/kafka-log.ts";
import { memoryDisk } from "../../state/memory-disk.ts";
import { batch } from "../contract/log-under-test.ts";
import { openHarness } from "../worker/harness.ts";
import { payment } from "../worker/jobs.ts";
import { brokerForTests } from "./broker-for-tests.ts";

const broker = await brokerForTests();
afterAll(async () => {
  if (broker.isThere) await broker.stop();
}, 30_000);

const PATIENCE_MS = 60_000;

describe.skipIf(!broker.isThere)("gaps on Kafka", { timeout: 180_000 }, () => {
  const logs: KafkaLog[] = [];
  afterEach(() => Promise.all(logs.splice(0).map((log) => log.close())));
  const openLog = () => {
    const log = new KafkaLog({ connection: { brokers: broker.isThere ? broker.bootstrap.split(",") : [] } });
    logs.push(log);
    return log;
  };

  /** A job that passes payments through, under names of its own, and has read "a" and "b". */
  async function stoppedBehindTwo(position: PositionOptions) {
    const name = `gaps-${randomUUID()}`;
    const log = openLog();
    const harness = await openHarness(memoryDisk(), log);
    const source = { ...payments, name: `${name}.payments` };
    const copies = { ...payments, name: `${name}.copies` };
    const job = defineJob({
      ...{ name, version: 1, commitEvery: "50 ms" },
      flow: (from) => void from(source, position).to(copies),
    });
    const subject = {
      ...{ name, log, harness, job },
      where: { topic: source.name, partition: 0 },
      make: () => harness.createTopic(source.name, 1),
      produce: async (...ids: readonly string[]) =>
        await harness.produce(
          source,
          ids.map((id) => payment(id, "ann", Date.now())),
        ),
      ids: async () => (await harness.read(copies)).map(({ value }) => value.id),
      gaps: () => harness.events.filter(({ kind }) => kind === "gap"),
      committed: async () => (await log.committedOffsets(name, [subject.where]))[0]!,
    };
    await subject.make();
    await subject.produce("a", "b");
    await harness.runUntilIdle([job]);
    return subject;
  }

  it("end the job with what was lost", async () => {
    const { where, harness, job, log, produce, ids, committed } = await stoppedBehindTwo({});
    await produce("c", "d", "e");
    await log.deleteRecords([{ ...where, offset: 4 }]);
    await expect(harness.runUntilIdle([job])).rejects.toMatchObject({
      code: "SOURCE_GAP",
      message: expect.stringContaining("the records from 2 to 3 (2 offsets) have been removed"),
    });
    expect(await ids()).toEqual(["a", "b"]);
    expect(await committed()).toMatchObject({ offset: 2 });
  });

  it.each([
    ["earliest", 4, ["a", "b", "e", "f"]],
    ["latest", 5, ["a", "b", "f"]],
  ] as const)("are left out with onGap %s: told, counted and committed", async (onGap, to, expected) => {
    const { where, harness, job, log, produce, ids, gaps } = await stoppedBehindTwo({ onGap });
    await produce("c", "d", "e");
    await log.deleteRecords([{ ...where, offset: 4 }]);
    const [status] = await harness.runUntilIdle([job]);
    expect(gaps()).toMatchObject([{ ...where, reason: "removed", from: 2, to, skipped: to - 2 }]);
    expect(status).toMatchObject({ gaps: 1, skipped: to - 2 });
    await produce("f");
    expect(await harness.runUntilIdle([job])).toMatchObject([{ gaps: 0 }]);
    expect(await ids()).toEqual(expected);
  });

  it("are noticed while the job runs, and what it had fetched is processed first", async () => {
    const { where, harness, job, log, produce, ids, gaps } = await stoppedBehindTwo({ onGap: "earliest" });
    const run = await harness.start([job]);
    await produce("c");
    await expect.poll(ids, { timeout: PATIENCE_MS }).toEqual(["a", "b", "c"]);
    // Of an open transaction nothing is fetched, so its records can go before the job sees them.
    const producer = await log.openTransactionalProducer(where.topic);
    await producer.begin();
    await producer.produce([batch(where.topic, 0, "d", "e")]);
    await log.deleteRecords([{ ...where, offset: 5 }]);
    await producer.commit();
    await produce("f");
    await expect.poll(gaps, { timeout: PATIENCE_MS }).toMatchObject([{ from: 3, to: 5, skipped: 2 }]);
    await run.untilIdle();
    expect(await ids()).toEqual(["a", "b", "c", "f"]);
    await run.stop();
  });

  it("are not seen where a tool has set the offset", async () => {
    const { name, where, harness, job, log, ids, committed } = await stoppedBehindTwo({});
    await setOffset(log, name, { ...where, offset: 1, metadata: "" });
    await harness.runUntilIdle([job]);
    expect(await ids()).toEqual(["a", "b", "b"]);
    expect(JSON.parse((await committed()).metadata)).toMatchObject({ incarnation: expect.any(String) });
  });

  it("are told of a position past the end", async () => {
    const { name, where, harness, job, log } = await stoppedBehindTwo({});
    await setOffset(log, name, { ...where, offset: 9, metadata: "" });
    await expect(harness.runUntilIdle([job])).rejects.toMatchObject({
      code: "SOURCE_GAP",
      message: expect.stringContaining("the partition ends at 2"),
    });
  });

  it("are seen in a topic that was made again, though the old offset would fit", async () => {
    const { name, where, harness, job, log, make, produce, ids, gaps, committed } = await stoppedBehindTwo({});
    const old = await committed();
    await log.deleteTopic(where.topic);
    await make();
    await produce("x", "y", "z");
    // Brokers forget offsets with their topic; a member that still runs commits them into the new one.
    await setOffset(log, name, old);
    await expect(harness.runUntilIdle([job])).rejects.toMatchObject({
      code: "SOURCE_GAP",
      message: expect.stringContaining("is another one"),
    });
    const source = { ...payments, name: where.topic };
    const copies = { ...payments, name: `${name}.copies` };
    const forgiving = defineJob({
      ...{ name, version: 2, commitEvery: "50 ms" },
      flow: (from) => void from(source, { onGap: "earliest" }).to(copies),
    });
    await harness.runUntilIdle([forgiving]);
    expect(gaps()).toMatchObject([{ reason: "replaced", from: old.offset, to: 0 }]);
    expect(await ids()).toEqual(["a", "b", "x", "y", "z"]);
  });

  it("are seen when a topic is made again while it is read", async () => {
    const { where, harness, job, log, make, produce, ids, gaps } = await stoppedBehindTwo({ onGap: "earliest" });
    const polls = pausable(log, where);
    const run = await harness.start([job]);
    await run.untilIdle();
    const other = openLog();
    await polls.pauseWhile(async () => {
      await other.deleteTopic(where.topic);
      await make();
      await produce("x", "y");
    });
    await expect.poll(gaps, { timeout: PATIENCE_MS }).toMatchObject([{ reason: "replaced", to: 0 }]);
    await run.untilIdle();
    expect(await ids()).toEqual(["a", "b", "x", "y"]);
    await run.stop();
  });
});

/** Keeps the members of a group from fetching while something happens to the log. */
function pausable(log: KafkaLog, where: { readonly topic: string; readonly partition: number }) {
  let held: { readonly parked: PromiseWithResolvers<void>; readonly released: PromiseWithResolvers<void> } | undefined;
  const joinGroup = log.joinGroup.bind(log);
  Object.assign(log, {
    joinGroup: async (options: Parameters<typeof joinGroup>[0]) => {
      const consumer = await joinGroup(options);
      const poll = consumer.poll.bind(consumer);
      return Object.assign(consumer, {
        poll: async (waitMaxMs: number) => {
          const now = held;
          if (now !== undefined) {
            consumer.pause([where]);
            now.parked.resolve();
            await now.released.promise;
            consumer.resume([where]);
          }
          return await poll(waitMaxMs);
        },
      });
    },
  });
  return {
    async pauseWhile(meanwhile: () => Promise<void>) {
      held = { parked: Promise.withResolvers(), released: Promise.withResolvers() };
      await held.parked.promise;
      await meanwhile();
      held.released.resolve();
      held = undefined;
    },
  };
}

/** As a tool does, while the group has no members. */
async function setOffset(
  log: KafkaLog,
  groupId: string,
  offset: { readonly topic: string; readonly partition: number; readonly offset: number; readonly metadata: string },
): Promise<void> {
  const assigned = Promise.withResolvers<void>();
  const consumer = await log.joinGroup({
    groupId,
    clientId: "tool",
    topics: [offset.topic],
    assignor: { name: "tool", assign: () => new Map() },
    listener: {
      userData: () => new Uint8Array(),
      onRebalance: async () => undefined,
      onAssigned: async () => assigned.resolve(),
      onLost: () => undefined,
    },
  });
  while ((await Promise.race([assigned.promise.then(() => "in"), consumer.poll(100)])) !== "in");
  await consumer.commit([offset]);
  await consumer.close();
}
