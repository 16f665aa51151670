import { MemoryLevel } from "memory-level";
import { beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../testing/manual-clock.ts";
import type { Assignor, GroupConsumer, GroupListener } from "../port.ts";
import type { EmbeddedLog } from "./embedded-log.ts";
import { memoryLog } from "./memory-log.ts";
import { openEmbeddedLog } from "./open-embedded-log.ts";

const where = { topic: "t", partition: 0 };
const toTheFirst: Assignor = {
  name: "first",
  assign: (members) => new Map([[members[0]!.memberId, { partitions: [where], userData: new Uint8Array() }]]),
};
const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 0 } as const;
const commitOf = (metadata: string) => [{ ...where, offset: 0, metadata }];

let clock: ManualClock;
let log: EmbeddedLog;
beforeEach(async () => {
  clock = new ManualClock();
  log = await memoryLog({ clock, random: () => 0.3 });
  await log.ensureTopics([{ topic: "t", partitions: 1, config }]);
});

async function join(listener: Partial<GroupListener> = {}, assignor = toTheFirst) {
  const events: string[] = [];
  const consumer: GroupConsumer = await log.joinGroup({
    ...{ groupId: "g", clientId: "c", topics: ["t"], assignor, sessionTimeoutMs: 1000, rebalanceTimeoutMs: 3000 },
    listener: {
      userData: () => new Uint8Array(),
      async onRebalance() {
        events.push("rebalance");
        await listener.onRebalance?.();
      },
      async onAssigned(assignment, generation) {
        events.push(`assigned ${assignment.partitions.length}`);
        await listener.onAssigned?.(assignment, generation);
      },
      onLost() {
        events.push("lost");
        listener.onLost?.();
      },
    },
  });
  return { consumer, events };
}

describe("a group consumer", () => {
  it("has no id before its first poll, and a readable one then", async () => {
    const { consumer } = await join();
    expect([consumer.memberId, consumer.generation]).toEqual(["", 0]);
    await consumer.poll(0);
    expect([consumer.memberId, consumer.generation]).toEqual(["c-1-4ccccccccccc", 1]);
  });

  it("may not commit before it has joined", async () => {
    const { consumer } = await join();
    await expect(consumer.commit(commitOf(""))).rejects.toMatchObject({ code: "LOG_FENCED" });
  });

  it("may not commit after it has rejoined and the others went on", async () => {
    const first = await join();
    const second = await join();
    await first.consumer.poll(0);
    await second.consumer.poll(0);
    await first.consumer.poll(0);
    expect(first.events).toEqual(["assigned 1", "rebalance", "assigned 1"]);
    const third = await join();
    await third.consumer.poll(0);
    await second.consumer.poll(0);
    clock.advance(1000);
    for (let i = 0; i < 3; i++) await Promise.all([second.consumer.poll(0), third.consumer.poll(0)]);
    await expect(first.consumer.commit(commitOf("zombie"))).rejects.toMatchObject({ name: "TaskMigratedError" });
    expect(await log.committedOffsets("g", [where])).toEqual([]);
  });

  it("may commit until the next generation begins, and not before it knows of that", async () => {
    const [first, second, third] = [await join(), await join(), await join()];
    for (const { consumer } of [first, second, first, second, third, first]) await consumer.poll(0);
    expect(first.events.at(-1)).toBe("rebalance");
    await first.consumer.commit(commitOf("while it waits"));
    await second.consumer.poll(0);
    await expect(first.consumer.commit(commitOf("too late"))).rejects.toMatchObject({ code: "LOG_FENCED" });
    await first.consumer.poll(0);
    expect(first.events.at(-1)).toBe("assigned 1");
    expect(await log.committedOffsets("g", [where])).toMatchObject([{ metadata: "while it waits" }]);
    await first.consumer.commit(commitOf("again"));
  });

  it("is not asked to commit what it has handed over, or was never told of", async () => {
    const [first, second, third, fourth] = [await join(), await join(), await join(), await join()];
    for (const { consumer } of [first, second, first, second, third, first]) await consumer.poll(0);
    await second.consumer.close();
    for (const { consumer } of [fourth, first, third, first]) await consumer.poll(0);
    expect(first.events).toEqual(["assigned 1", "rebalance", "assigned 1", "rebalance", "assigned 1"]);
    expect(first.consumer.generation).toBe(4);
  });

  it("is lost when its callback takes longer than its session, unless it sends heartbeats", async () => {
    const slow = await join({
      async onRebalance() {
        clock.advance(1000);
      },
    });
    await slow.consumer.poll(0);
    const other = await join();
    await other.consumer.poll(0);
    await Promise.all([slow.consumer.poll(0), other.consumer.poll(0)]);
    expect(slow.events.slice(0, 3)).toEqual(["assigned 1", "rebalance", "lost"]);

    let careful: GroupConsumer | undefined;
    const second = await join({
      async onAssigned() {
        for (let i = 0; i < 5; i++) {
          clock.advance(500);
          await careful?.heartbeat();
        }
      },
    });
    careful = second.consumer;
    await slow.consumer.close();
    await other.consumer.close();
    for (let i = 0; i < 3; i++) await second.consumer.poll(0);
    expect(second.events).toEqual(["assigned 1"]);
  });

  it("hands the error of its assignor to the caller of poll", async () => {
    const broken: Assignor = {
      name: "broken",
      assign() {
        throw new Error("no idea");
      },
    };
    const { consumer } = await join({}, broken);
    await expect(consumer.poll(0)).rejects.toThrow("no idea");
  });

  it("may call the log within its callbacks", async () => {
    const { consumer } = await join({
      async onAssigned() {
        await log.produce([{ ...where, records: [{ key: null, value: Buffer.from("v"), timestampMs: 0 }] }]);
        await consumer.commit(commitOf("within"));
        consumer.seek([{ ...where, offset: 0 }]);
      },
    });
    expect(await consumer.poll(0)).toHaveLength(1);
    expect(await log.committedOffsets("g", [where])).toMatchObject([{ metadata: "within" }]);
  });

  it("does not return records of a partition that was paused while they were read", async () => {
    const database = new MemoryLevel<Buffer, Buffer>({ keyEncoding: "buffer", valueEncoding: "buffer" });
    log = await openEmbeddedLog({ database, clock, tailCacheBytesMax: 0 });
    await log.ensureTopics([{ topic: "t", partitions: 1, config }]);
    const { consumer } = await join();
    await consumer.poll(0);
    await log.produce([{ ...where, records: [{ key: null, value: Buffer.from("v"), timestampMs: 0 }] }]);
    consumer.seek([{ ...where, offset: 0 }]);
    let reads = 0;
    const snapshot = database.snapshot.bind(database);
    database.snapshot = (options) => {
      reads += 1;
      return snapshot(options);
    };
    const isReading = () => reads % 2 === 1;
    for (const meanwhile of [() => consumer.pause([where]), () => consumer.seek([{ ...where, offset: 1 }])]) {
      const polled = consumer.poll(0);
      while (!isReading()) await Promise.resolve();
      meanwhile();
      expect(await polled).toEqual([]);
      consumer.resume([where]);
      consumer.seek([{ ...where, offset: 0 }]);
      expect(await consumer.poll(0)).toHaveLength(1);
      consumer.seek([{ ...where, offset: 0 }]);
    }
  });

  it("lets the committed offsets be read only after commits that are on their way", async () => {
    const { consumer } = await join();
    await consumer.poll(0);
    const committing = consumer.commit(commitOf("on its way"));
    expect(await log.committedOffsets("g", [where])).toMatchObject([{ metadata: "on its way" }]);
    await committing;
  });

  it("tells which partition it may not seek", async () => {
    const { consumer } = await join();
    expect(() => consumer.seek([{ ...where, offset: 0 }])).toThrow(
      expect.objectContaining({ code: "LOG_NOT_ASSIGNED", context: where }),
    );
  });

  it("says so when its topic is deleted", async () => {
    const { consumer } = await join();
    await consumer.poll(0);
    consumer.seek([{ ...where, offset: 0 }]);
    await log.deleteTopic("t");
    await expect(consumer.poll(0)).rejects.toMatchObject({ code: "LOG_UNKNOWN_TOPIC" });
  });

  it("wakes up with nothing when the log closes", async () => {
    const { consumer } = await join();
    await consumer.poll(0);
    const polled = consumer.poll(60_000);
    await log.close();
    expect(await polled).toEqual([]);
    await expect(consumer.poll(0)).rejects.toMatchObject({ code: "LOG_CLOSED" });
    expect(clock.nextMs).toBe(Number.POSITIVE_INFINITY);
  });
});
