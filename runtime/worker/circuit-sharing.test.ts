import { describe, expect, it, onTestFinished } from "vitest";
import { done } from "../dsl/outcome.ts";
import { memoryLog } from "../log/embedded/memory-log.ts";
import type { LogAccess } from "../log/port.ts";
import { readPartition } from "../log/read-partition.ts";
import { orderOverride } from "../ops/order-override.ts";
import { circuitsTopicOf } from "../plan/internal-topics.ts";
import { openResources, START_MS } from "../resilience/guard.fixture.ts";
import type { Override } from "../resilience/resource-report.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { CircuitSharing } from "./circuit-sharing.ts";
import type { JobEvent } from "./job-event.ts";

const JOB = "collection";
const TOPIC = circuitsTopicOf(JOB);
const POLICY = { circuit: { callsMin: 4, openFor: "10 seconds", probes: 1 } };

async function openJob() {
  const clock = new ManualClock(START_MS);
  const log = await memoryLog({ clock, random: () => 0.5 });
  const config = { cleanupPolicy: "compact", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const;
  await log.ensureTopics([{ topic: TOPIC, partitions: 1, config }]);
  const events: JobEvent[] = [];
  const workers: Awaited<ReturnType<typeof startWorker>>[] = [];

  async function startWorker(worker: string, through: LogAccess = log) {
    const opened = openResources(POLICY, { worker, clock });
    const sharing = new CircuitSharing({
      ...{ job: JOB, worker, log: through, clock, resources: [opened.resources] },
      onEvent: (event) => void events.push(event),
    });
    await sharing.start();
    onTestFinished(() => sharing.close());
    return { ...opened, sharing };
  }

  return {
    ...{ clock, log, events },
    async start(worker: string, through?: LogAccess) {
      const started = await startWorker(worker, through);
      workers.push(started);
      return started;
    },
    /** A second goes by, in which everybody tells; and another, in which everybody hears. */
    async share(...those: readonly Awaited<ReturnType<typeof startWorker>>[]) {
      for (let round = 0; round < 2; round++) {
        clock.advance(1_000);
        for (const { sharing } of those) await sharing.tick(clock.now());
      }
    },
    order: (override: Pick<Override, "state" | "untilMs">) =>
      orderOverride(log, JOB, {
        ...{ steps: ["collect"], resource: "bank" },
        override: { ...override, atMs: clock.now(), by: "ana@box", why: "test" },
      }),
    /** What lies on the topic when it is compacted. */
    async records(): Promise<Record<string, unknown>> {
      const latest = new Map<string, unknown>();
      for (const { key, value } of await readPartition(log, { topic: TOPIC, partition: 0 }))
        latest.set(key!.toString(), value === null ? null : JSON.parse(value.toString()));
      return Object.fromEntries(latest);
    },
    count: async () => (await readPartition(log, { topic: TOPIC, partition: 0 })).length,
  };
}

describe("workers that share what they know", () => {
  it("open a circuit together, and close it together after the probe of one", async () => {
    const { start, share, clock } = await openJob();
    const [a, b] = [await start("a"), await start("b")];
    await a.fail(2);
    await b.fail(1);
    await share(a, b);
    expect([a.state(), b.state()]).toEqual(["closed", "closed"]);
    await b.fail(1);
    expect(b.state()).toBe("open");
    a.refusal();
    await share(a, b);
    expect(a.state()).toBe("open");
    clock.advance(8_000);
    a.refusal();
    b.refusal();
    await share(a, b);
    expect([a.state(), b.state()]).toEqual(["halfOpen", "open"]);
    await a.succeed(1);
    await share(a, b);
    expect([a.state(), b.state()]).toEqual(["closed", "closed"]);
  });

  it("tell what changes each second, counts every five, and nothing of an institution at rest", async () => {
    const { start, clock, count, records } = await openJob();
    const a = await start("a");
    const tick = async (ms: number) => {
      clock.advance(ms);
      await a.sharing.tick(clock.now());
      return await count();
    };
    expect(await tick(1_000)).toBe(0);
    await a.succeed(1);
    expect(await tick(999)).toBe(0);
    expect(await tick(1)).toBe(1);
    await a.succeed(1);
    expect([await tick(1_000), await tick(1_000), await tick(1_000), await tick(1_000)]).toEqual([1, 1, 1, 1]);
    expect(await tick(1_000)).toBe(2);
    await a.fail(1);
    expect(await tick(1_000)).toBe(3);
    const key = '["worker","collect","bank","a"]';
    expect((await records())[key]).toMatchObject({ worker: "a", atMs: clock.now(), calls: { done: 2, error: 1 } });
    // The window passes; once more to say so, then silence.
    expect(await tick(60_000)).toBe(4);
    expect((await records())[key]).toMatchObject({ calls: { done: 0, error: 0 } });
    expect([await tick(5_000), await tick(5_000)]).toEqual([4, 4]);
  });

  it("take back what they told when they stop, except of a circuit that is open", async () => {
    const { start, share, records } = await openJob();
    const [a, b] = [await start("a"), await start("b")];
    await a.succeed(1);
    await share(a, b);
    await a.sharing.close();
    expect(await records()).toEqual({ '["worker","collect","bank","a"]': null });
    await b.fail(4);
    await b.sharing.close();
    expect(await records()).toMatchObject({ '["worker","collect","bank","b"]': { circuit: { state: "open" } } });
  });

  it("find a circuit as it was when all of them have been restarted", async () => {
    const { start, clock, share } = await openJob();
    const a = await start("a");
    await a.fail(4);
    const untilMs = clock.now() + 10_000;
    await share(a);
    await a.sharing.close();
    for (const worker of ["a", "b"])
      expect((await start(worker)).refusal()).toEqual({ reason: "circuit-open", untilMs });
  });

  it("remove what a worker left that was killed, after a minute", async () => {
    const { start, share, records, clock } = await openJob();
    const [a, b] = [await start("a"), await start("b")];
    await a.succeed(1);
    await share(a, b);
    const key = '["worker","collect","bank","a"]';
    clock.advance(57_000);
    await share(b);
    expect((await records())[key]).not.toBeNull();
    clock.advance(10_000);
    await share(b);
    expect((await records())[key]).toBeNull();
    // It lives after all, and hears that it was taken for gone.
    await a.succeed(1);
    await share(a);
    expect((await records())[key]).toMatchObject({ calls: { done: 1 } });
  });

  it("tell again at once what somebody has removed", async () => {
    const { start, share, records, log, clock } = await openJob();
    const a = await start("a");
    await a.succeed(1);
    await share(a);
    const key = '["worker","collect","bank","a"]';
    const tombstone = { key: Buffer.from(key), value: null, timestampMs: clock.now() };
    await log.produce([{ topic: TOPIC, partition: 0, records: [tombstone] }]);
    await share(a);
    expect((await records())[key]).toMatchObject({ calls: { done: 1 } });
  });

  it("do not remove their own reports for those of a former life", async () => {
    const { start, share, log, clock } = await openJob();
    const killed = await start("a");
    await killed.succeed(1);
    await share(killed);
    const again = await start("a");
    for (let round = 0; round < 20; round++) {
      await again.succeed(1);
      clock.advance(5_000);
      await again.sharing.tick(clock.now());
    }
    const all = await readPartition(log, { topic: TOPIC, partition: 0 });
    expect(all.filter(({ value }) => value === null)).toEqual([]);
  });

  it("keep an open circuit of one who was killed, until it has changed since", async () => {
    const { start, share, records, clock } = await openJob();
    const a = await start("a");
    await a.fail(4);
    await share(a);
    const b = await start("b");
    clock.advance(120_000);
    await share(b);
    const key = '["worker","collect","bank","a"]';
    expect((await records())[key]).toMatchObject({ circuit: { state: "open" } });
    b.refusal();
    await b.succeed(1);
    await share(b);
    clock.advance(10_000);
    await share(b);
    expect((await records())[key]).toBeNull();
    expect((await start("c")).state()).toBe("closed");
  });

  it("pass over records that they cannot read", async () => {
    const { start, log, share, events } = await openJob();
    const record = (key: string, value: string) => ({
      ...{ key: Buffer.from(key), value: Buffer.from(value), timestampMs: START_MS },
    });
    const records = [
      record("no json", "{}"),
      record('["override","collect","bank"]', '{"state":"ajar"}'),
      record('["worker","collect","bank","z"]', '{"worker":"z"}'),
      record('["later version",1]', "[]"),
    ];
    await log.produce([{ topic: TOPIC, partition: 0, records }]);
    const a = await start("a");
    await share(a);
    expect([a.refusal(), events]).toEqual([undefined, []]);
  });
});

describe("orders by hand", () => {
  it("are obeyed by every worker that runs, and by every one that starts, until the reset", async () => {
    const { start, share, order } = await openJob();
    const [a, b] = [await start("a"), await start("b")];
    await order({ state: "open" });
    await share(a, b);
    const c = await start("c");
    for (const worker of [a, b, c]) expect(worker.refusal()).toMatchObject({ reason: "opened-by-hand" });
    await order({ state: "reset" });
    await share(a, b, c);
    for (const worker of [a, b, c, await start("d")]) expect(worker.refusal()).toBeUndefined();
  });

  it("are older than what opened after them, for one who starts", async () => {
    const { start, share, order } = await openJob();
    const a = await start("a");
    await order({ state: "reset" });
    await share(a);
    await a.fail(4);
    await share(a);
    expect((await start("b")).refusal()).toMatchObject({ reason: "circuit-open" });
  });

  it("reset a circuit that all have open, and what was counted, for good", async () => {
    const { start, share, order, clock } = await openJob();
    const [a, b] = [await start("a"), await start("b")];
    await a.fail(4);
    await share(a, b);
    expect([a.state(), b.state()]).toEqual(["open", "open"]);
    clock.advance(1_000);
    await order({ state: "reset" });
    await share(a, b);
    await share(a, b);
    expect([a.state(), b.state(), (await start("c")).state()]).toEqual(["closed", "closed", "closed"]);
    expect(a.report().calls.error).toBe(0);
  });
});

describe("a log that fails", () => {
  it("stops no call; it is told, tried again less and less often, and caught up with", async () => {
    const { start, log, clock, events, share, order } = await openJob();
    let isDown = false;
    let tries = 0;
    const failing = new Proxy(log, {
      get(target, name) {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== "function") return value;
        if (name !== "produce") return value.bind(target);
        return (...args: unknown[]) => {
          tries++;
          if (isDown) return Promise.reject(new Error("no broker"));
          return (value as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    });
    const [a, b] = [await start("a", failing), await start("b")];
    isDown = true;
    await a.fail(4);
    for (let second = 0; second < 15; second++) {
      clock.advance(1_000);
      await a.sharing.tick(clock.now());
    }
    // After 1, 2, 4 and 8 seconds.
    expect([tries, events.length]).toEqual([4, 4]);
    expect(events[0]).toMatchObject({ kind: "circuitsUnshared", job: JOB, worker: "a", error: new Error("no broker") });
    expect(await a.call(done())).toMatchObject({ called: true });
    expect(a.state()).toBe("closed");
    isDown = false;
    clock.advance(10_000);
    await order({ state: "open" });
    await share(a, b);
    expect(a.refusal()).toMatchObject({ reason: "opened-by-hand" });
  });

  it("is read again from its beginning when the topic was made anew", async () => {
    const { start, log, clock, share, order, events } = await openJob();
    const a = await start("a");
    await a.succeed(1);
    await share(a);
    await log.deleteTopic(TOPIC);
    clock.advance(1_000);
    await a.sharing.tick(clock.now());
    expect(events).toHaveLength(1);
    const config = { cleanupPolicy: "compact", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const;
    await log.ensureTopics([{ topic: TOPIC, partitions: 1, config }]);
    await order({ state: "open" });
    await share(a);
    expect(a.refusal()).toMatchObject({ reason: "opened-by-hand" });
  });
});
