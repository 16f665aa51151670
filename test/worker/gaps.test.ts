import { defineJob, type JobDefinition, type JobEvent, type PositionOptions } from "mulgil";
import { describe, expect, it } from "vitest";
import { memoryDisk } from "../../state/memory-disk.ts";
import { openHarness } from "./harness.ts";
import { payment, payments, totals, totalsById } from "./jobs.ts";

const where = { topic: payments.name, partition: 0 };
const copies = { ...payments, name: "shop.copies" } as const;

/** Passes payments through from one partition, so that what was read can be told. */
const copy = (position: PositionOptions, rest: Partial<JobDefinition> = {}) =>
  defineJob({
    name: "copy",
    version: 1,
    commitEvery: "20 ms",
    ...rest,
    flow: (from) => void from(payments, position).to(copies),
  });

type Harness = Awaited<ReturnType<typeof openHarness>>;

const idsOf = async (harness: Harness) => (await harness.read(copies)).map(({ value }) => value.id);
const gapsOf = (events: readonly JobEvent[]) => events.filter(({ kind }) => kind === "gap");
const errorOf = (attempt: Promise<unknown>): Promise<Error & { code?: string }> =>
  attempt.then(
    () => Promise.reject(new Error("it did not fail")),
    (error) => error as Error,
  );

async function producePayments(harness: Harness, ...ids: readonly string[]): Promise<void> {
  await harness.produce(
    payments,
    ids.map((id) => payment(id, "ann", 0)),
  );
}

/** A job that has read "a" and "b", and stopped. */
async function stoppedBehindTwo(position: PositionOptions, delivery?: JobDefinition["delivery"]) {
  const harness = await openHarness();
  const job = copy(position, { ...(delivery !== undefined && { delivery }) });
  await harness.createTopic(payments.name, 1);
  await producePayments(harness, "a", "b");
  await harness.runUntilIdle([job]);
  return { harness, job };
}

async function setOffset(harness: Harness, offset: number, metadata: string): Promise<void> {
  const consumer = await harness.log.joinGroup({
    groupId: "copy",
    clientId: "tool",
    topics: [payments.name],
    assignor: {
      name: "tool",
      assign: ([first]) => new Map([[first!.memberId, { partitions: [where], userData: new Uint8Array() }]]),
    },
    listener: {
      userData: () => new Uint8Array(),
      onRebalance: async () => undefined,
      onAssigned: async () => undefined,
      onLost: () => undefined,
    },
  });
  await consumer.poll(0);
  await consumer.commit([{ ...where, offset, metadata }]);
  await consumer.close();
}

/** Lets things happen between two polls of the members of a group. */
function pollsOf({ log }: Harness) {
  let held: { readonly parked: PromiseWithResolvers<void>; readonly released: PromiseWithResolvers<void> } | undefined;
  const joinGroup = log.joinGroup.bind(log);
  Object.assign(log, {
    joinGroup: async (options: Parameters<typeof joinGroup>[0]) => {
      const consumer = await joinGroup(options);
      const poll = consumer.poll.bind(consumer);
      return Object.assign(consumer, {
        poll: async (waitMaxMs: number) => {
          held?.parked.resolve();
          await held?.released.promise;
          return await poll(waitMaxMs);
        },
      });
    },
  });
  return {
    async hold(meanwhile: () => Promise<void>) {
      held = { parked: Promise.withResolvers(), released: Promise.withResolvers() };
      await held.parked.promise;
      await meanwhile();
      held.released.resolve();
      held = undefined;
    },
  };
}

describe("records that are removed before a job has read them", () => {
  it("end the job with what was lost, at every start anew", async () => {
    const { harness, job } = await stoppedBehindTwo({});
    await producePayments(harness, "c", "d", "e");
    await harness.log.deleteRecords([{ ...where, offset: 4 }]);
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await errorOf(harness.runUntilIdle([job]));
      expect(error).toMatchObject({ code: "SOURCE_GAP", context: { ...where, offset: 2 } });
      expect(error.message).toContain("the records from 2 to 3 (2 offsets) have been removed");
    }
    expect(await idsOf(harness)).toEqual(["a", "b"]);
    expect(await harness.log.committedOffsets("copy", [where])).toMatchObject([{ offset: 2 }]);
  });

  it.each([
    ["earliest", "exactly-once", 4, ["a", "b", "e", "f"]],
    ["earliest", "at-least-once", 4, ["a", "b", "e", "f"]],
    ["latest", "exactly-once", 5, ["a", "b", "f"]],
    ["latest", "at-least-once", 5, ["a", "b", "f"]],
  ] as const)("are left out with onGap %s, %s: told, counted and committed", async (onGap, delivery, to, ids) => {
    const { harness, job } = await stoppedBehindTwo({ onGap }, delivery);
    await producePayments(harness, "c", "d", "e");
    await harness.log.deleteRecords([{ ...where, offset: 4 }]);
    const [status] = await harness.runUntilIdle([job]);
    expect(gapsOf(harness.events)).toEqual([
      { kind: "gap", job: "copy", task: "shop.payments_0", ...where, reason: "removed", from: 2, to, skipped: to - 2 },
    ]);
    expect(status).toMatchObject({ gaps: 1, skipped: to - 2, lag: 0 });
    const [committed] = await harness.log.committedOffsets("copy", [where]);
    expect(committed!.offset).toBeGreaterThanOrEqual(to);
    await producePayments(harness, "f");
    expect(await harness.runUntilIdle([job])).toMatchObject([{ gaps: 0, skipped: 0 }]);
    expect(await idsOf(harness)).toEqual(ids);
  });

  it("commits where it goes on even if nothing more comes", async () => {
    const { harness, job } = await stoppedBehindTwo({ onGap: "earliest" });
    await producePayments(harness, "c", "d");
    await harness.log.deleteRecords([{ ...where, offset: 4 }]);
    await harness.runUntilIdle([job]);
    expect(await harness.log.committedOffsets("copy", [where])).toMatchObject([{ offset: 4 }]);
  });

  it("are noticed in a partition that had no records when the job ran", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    await harness.runUntilIdle([copy({})]);
    await producePayments(harness, "a", "b");
    await harness.log.deleteRecords([{ ...where, offset: 1 }]);
    expect(await errorOf(harness.runUntilIdle([copy({})]))).toMatchObject({ code: "SOURCE_GAP" });
  });

  it("are no gap at the first start of a job", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    await producePayments(harness, "a", "b");
    await harness.log.deleteRecords([{ ...where, offset: 1 }]);
    await harness.runUntilIdle([copy({})]);
    expect(await idsOf(harness)).toEqual(["b"]);
  });

  it("are noticed while the job runs, behind what it had fetched", async () => {
    const { harness, job } = await stoppedBehindTwo({ onGap: "earliest" });
    await producePayments(harness, "c");
    const polls = pollsOf(harness);
    const run = await harness.start([job]);
    await expect.poll(() => idsOf(harness), { timeout: 60_000 }).toEqual(["a", "b", "c"]);
    await polls.hold(async () => {
      await producePayments(harness, "d", "e", "f");
      await harness.log.deleteRecords([{ ...where, offset: 5 }]);
    });
    await run.untilIdle();
    expect(gapsOf(harness.events)).toMatchObject([{ reason: "removed", from: 3, to: 5, skipped: 2 }]);
    expect(await idsOf(harness)).toEqual(["a", "b", "c", "f"]);
    expect((await run.status())[0]).toMatchObject({ gaps: 1, skipped: 2 });
    await run.stop();
  });

  it("do not take with them what a slow job has fetched and not processed", async () => {
    const harness = await openHarness();
    const gate = Promise.withResolvers<void>();
    await harness.createTopic(payments.name, 1);
    await producePayments(harness, "slow", "b");
    const slow = defineJob({
      name: "copy",
      version: 1,
      commitEvery: "20 ms",
      flow: (from) =>
        void from(payments, { onGap: "earliest" })
          .process("wait", {
            output: payments.value,
            async onRecord(one, context) {
              if (one.id === "slow") await gate.promise;
              context.emit(one);
            },
          })
          .to(copies),
    });
    const polls = pollsOf(harness);
    const run = await harness.start([slow]);
    await expect.poll(() => harness.events.some(({ kind }) => kind === "running"), { timeout: 60_000 }).toBe(true);
    await polls.hold(async () => undefined);
    await polls.hold(async () => {
      await producePayments(harness, "c", "d");
      await harness.log.deleteRecords([{ ...where, offset: 3 }]);
    });
    await polls.hold(async () => undefined);
    expect(gapsOf(harness.events)).toEqual([]);
    gate.resolve();
    await run.untilIdle();
    expect(gapsOf(harness.events)).toMatchObject([{ from: 2, to: 3, skipped: 1 }]);
    expect(await idsOf(harness)).toEqual(["slow", "b", "d"]);
    await run.stop();
  });

  it("end a job that runs, after it has committed what it had fetched", async () => {
    const { harness, job } = await stoppedBehindTwo({});
    await producePayments(harness, "c");
    const polls = pollsOf(harness);
    const run = await harness.start([job]);
    await expect.poll(() => idsOf(harness), { timeout: 60_000 }).toEqual(["a", "b", "c"]);
    await polls.hold(async () => {
      await producePayments(harness, "d", "e", "f");
      await harness.log.deleteRecords([{ ...where, offset: 5 }]);
    });
    const error = await errorOf(run.untilIdle());
    expect(error).toMatchObject({ code: "SOURCE_GAP", context: { ...where, offset: 3 } });
    expect(error.message).toContain("the records from 3 to 4 (2 offsets)");
    expect(await harness.log.committedOffsets("copy", [where])).toMatchObject([{ offset: 3 }]);
  });
});

describe("a position that the topic does not have", () => {
  it("ends the job if it lies past the end", async () => {
    const { harness, job } = await stoppedBehindTwo({});
    await setOffset(harness, 7, "");
    const error = await errorOf(harness.runUntilIdle([job]));
    expect(error).toMatchObject({ code: "SOURCE_GAP", context: { ...where, offset: 7 } });
    expect(error.message).toMatch(/offset 7 .*, but the partition ends at \d+: its end was cut off/);
  });

  it("is followed to the beginning if the source says so, and skips nothing", async () => {
    const { harness, job } = await stoppedBehindTwo({ onGap: "earliest" });
    await setOffset(harness, 7, "");
    await harness.runUntilIdle([job]);
    expect(gapsOf(harness.events)).toMatchObject([{ reason: "truncated", from: 7, to: 0, skipped: 0 }]);
    expect(await idsOf(harness)).toEqual(["a", "b", "a", "b"]);
  });

  it("is taken as it is if a tool has set it", async () => {
    const { harness, job } = await stoppedBehindTwo({});
    await setOffset(harness, 1, "");
    await harness.runUntilIdle([job]);
    expect(await idsOf(harness)).toEqual(["a", "b", "b"]);
    expect(gapsOf(harness.events)).toEqual([]);
  });

  it("is recognised in a topic that was made again, though its offsets would fit", async () => {
    const { harness, job } = await stoppedBehindTwo({});
    const [old] = await harness.log.committedOffsets("copy", [where]);
    await harness.log.deleteTopic(payments.name);
    await harness.createTopic(payments.name, 1);
    await producePayments(harness, "x", "y", "z");
    // Brokers forget the offsets of a topic with it; what a member commits afterwards comes into the new one.
    await setOffset(harness, old!.offset, old!.metadata);
    expect(await errorOf(harness.runUntilIdle([job]))).toMatchObject({ code: "SOURCE_GAP" });
    expect(await errorOf(harness.runUntilIdle([job]))).toMatchObject({
      message: expect.stringContaining("is another one, and the position means nothing in it"),
    });
    await harness.runUntilIdle([copy({ onGap: "earliest" })]);
    expect(await idsOf(harness)).toEqual(["a", "b", "x", "y", "z"]);
    expect(gapsOf(harness.events)).toMatchObject([{ reason: "replaced", from: old!.offset, to: 0, skipped: 0 }]);
    await harness.runUntilIdle([job]);
    expect(await idsOf(harness)).toHaveLength(5);
  });

  it.each([
    ["earliest", ["a", "b", "x", "y"]],
    ["latest", ["a", "b", "y"]],
  ] as const)("is given up with onGap %s when the topic is made again while it is read", async (onGap, ids) => {
    const { harness, job } = await stoppedBehindTwo({ onGap });
    const polls = pollsOf(harness);
    const run = await harness.start([job]);
    await run.untilIdle();
    await polls.hold(async () => {
      await harness.log.deleteTopic(payments.name);
      await harness.createTopic(payments.name, 1);
      await producePayments(harness, "x");
    });
    await expect.poll(() => gapsOf(harness.events), { timeout: 60_000 }).toMatchObject([{ reason: "replaced" }]);
    await producePayments(harness, "y");
    await run.untilIdle();
    expect(await idsOf(harness)).toEqual(ids);
    await run.stop();
  });

  it("ends a job whose topic is made again while it is read", async () => {
    const { harness, job } = await stoppedBehindTwo({});
    const polls = pollsOf(harness);
    const run = await harness.start([job]);
    await run.untilIdle();
    await polls.hold(async () => {
      await harness.log.deleteTopic(payments.name);
      await harness.createTopic(payments.name, 1);
    });
    expect(await errorOf(run.finished)).toMatchObject({ code: "SOURCE_GAP" });
  });
});

describe("a topic that the job makes for itself", () => {
  it("ends the job if records are gone from between its steps, whatever its sources say", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    const job = totalsById();
    const repartition = { topic: "byId.byId.repartition", partition: 0 };
    await producePayments(harness, "a", "b");
    await harness.runUntilIdle([job]);
    const [committed] = await harness.log.committedOffsets("byId", [repartition]);
    await harness.log.produce([
      { ...repartition, records: [{ key: Buffer.from("a"), value: Buffer.from("?"), timestampMs: 0 }] },
    ]);
    await harness.log.deleteRecords([{ ...repartition, offset: committed!.offset + 1 }]);
    expect(await errorOf(harness.runUntilIdle([job]))).toMatchObject({ code: "REPARTITION_GAP", context: repartition });
  });
});

describe("a changelog", () => {
  const changelog = { topic: "byId.byId.changelog", partition: 0 };
  const totalsOf = async (harness: Harness) =>
    new Map((await harness.read(totals)).map(({ key, value }) => [key, value.count]));

  async function stoppedWithState() {
    const disk = memoryDisk();
    const harness = await openHarness(disk);
    await harness.createTopic(payments.name, 1);
    await producePayments(harness, "a", "b");
    await harness.runUntilIdle([totalsById()]);
    return harness;
  }

  it("that lacks its beginning is not taken for all the state there is", async () => {
    const harness = await stoppedWithState();
    await harness.log.deleteRecords([{ ...changelog, offset: 1 }]);
    const environment = { ...harness.environment, disk: memoryDisk() };
    const error = await errorOf(harness.runUntilIdle([totalsById()], { environment }));
    expect(error).toMatchObject({
      code: "STATE_CHANGELOG_TRUNCATED",
      context: { ...changelog, store: "byId" },
    });
    expect(error.message).toContain("has only the records from 1 to");
  });

  it("that lacks its beginning is not needed where the disk has the state", async () => {
    const harness = await stoppedWithState();
    await harness.log.deleteRecords([{ ...changelog, offset: 1 }]);
    await producePayments(harness, "a");
    await harness.runUntilIdle([totalsById()]);
    expect(await totalsOf(harness)).toEqual(
      new Map([
        ["a", 2],
        ["b", 1],
      ]),
    );
  });

  it("that lacks its end does not undo what the disk has", async () => {
    const harness = await stoppedWithState();
    const [end] = await harness.log.listOffsets([changelog], "latest", "read_committed");
    const shorter = Object.assign(Object.create(null), {
      listOffsets: async (...args: Parameters<typeof harness.log.listOffsets>) =>
        (await harness.log.listOffsets(...args)).map((each) =>
          each.topic === changelog.topic && each.offset === end!.offset ? { ...each, offset: each.offset - 2 } : each,
        ),
    });
    const log = new Proxy(harness.log, {
      get: (target, name) => {
        const found = shorter[name] ?? target[name as keyof typeof target];
        return typeof found === "function" ? found.bind(target) : found;
      },
    });
    const error = await errorOf(harness.runUntilIdle([totalsById()], { environment: { ...harness.environment, log } }));
    expect(error).toMatchObject({ code: "STATE_CHANGELOG_TRUNCATED", context: { ...changelog, store: "byId" } });
    expect(error.message).toContain(`to ${end!.offset - 2}: others`);
  });

  it("that was deleted stops the start, until its state is given up by name", async () => {
    const harness = await stoppedWithState();
    await harness.log.deleteTopic(changelog.topic);
    expect(await errorOf(harness.runUntilIdle([totalsById()]))).toMatchObject({ code: "PLAN_STORE_LOST" });
    await producePayments(harness, "a");
    await harness.runUntilIdle([totalsById()], { droppedStores: ["byId"] });
    expect((await totalsOf(harness)).get("a")).toBe(1);
  });

  it("and its start are refused likewise where a repartition topic was deleted", async () => {
    const harness = await stoppedWithState();
    await harness.log.deleteTopic("byId.byId.repartition");
    expect(await errorOf(harness.runUntilIdle([totalsById()]))).toMatchObject({ code: "PLAN_TOPIC_LOST" });
  });
});

describe("a source that starts from latest", () => {
  it("reads what is written after the first start, and goes on there after a stop", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    await producePayments(harness, "a", "b");
    const job = copy({ startFrom: "latest" });
    await harness.runUntilIdle([job]);
    await producePayments(harness, "c");
    await harness.runUntilIdle([job]);
    expect(await idsOf(harness)).toEqual(["c"]);
  });
});
