import {
  type AggregatorTree,
  ConfigError,
  count,
  defineJob,
  type JobDefinition,
  max,
  sum,
  TerminalError,
  tumbling,
} from "mulgil";
import { describe, expect, it } from "vitest";
import type { Payment } from "../../runtime/dsl/payments.fixture.ts";
import { openHarness } from "./harness.ts";
import { customers, HOUR_MS, hourlyTotals, payment, payments, totals, totalsById } from "./jobs.ts";

const codesOf = async (attempt: Promise<unknown>) =>
  await attempt.then(
    () => [],
    (error: unknown) => (error instanceof ConfigError ? error.issues.map(({ code }) => code) : Promise.reject(error)),
  );

describe.each(["exactly-once", "at-least-once"] as const)("jobs that run %s", (delivery) => {
  it("aggregate over partitions and workers, and go on after a stop where they were", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 4);
    const values = Array.from({ length: 200 }, (_, n) => payment(`p${n % 10}`, `c${n % 20}`, n));
    await harness.produce(payments, values.slice(0, 120));
    const job = totalsById({ delivery });
    await harness.runUntilIdle([job], { workers: 2 });
    await harness.produce(payments, values.slice(120));
    const [status] = await harness.runUntilIdle([job], { workers: 3 });
    expect(status).toMatchObject({ lag: 0, deadLetters: 0, late: 0, restoring: undefined });
    const last = new Map((await harness.read(totals)).map(({ key, value }) => [key, value.count]));
    expect(last).toEqual(new Map(Array.from({ length: 10 }, (_, n) => [`p${n}`, 20])));
  });
});

describe("a run of jobs", () => {
  it("refuses to start when a source is missing, and names all that are", async () => {
    const harness = await openHarness();
    expect(await codesOf(harness.start([hourlyTotals(), totalsById()]))).toEqual(["TOPIC_MISSING", "TOPIC_MISSING"]);
  });

  it("lets a job read what another one of the same run writes", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 2);
    await harness.produce(payments, [payment("1", "ann", 0)]);
    const seen: number[] = [];
    const reader = defineJob({
      name: "reader",
      version: 1,
      commitEvery: "20 ms",
      flow: (from) => void from(totals).peek((total) => void seen.push(total.count)),
    });
    await harness.runUntilIdle([reader, hourlyTotals()]);
    expect(seen).toEqual([1]);
  });

  it("refuses inputs of a join with different numbers of partitions", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 2);
    await harness.createTopic(customers.name, 3);
    const joined = defineJob({
      name: "joined",
      version: 1,
      flow: (from) =>
        void from(payments)
          .join("j", from.table("customers", customers), (one) => one)
          .peek(() => undefined),
    });
    expect(await codesOf(harness.start([joined]))).toEqual(["TOPIC_COPARTITION"]);
  });

  it("refuses a changelog that has another number of partitions than its source", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 2);
    await harness.createTopic("hourly.hourly.changelog", 3);
    expect(await codesOf(harness.start([hourlyTotals()]))).toEqual(["TOPIC_PARTITIONS"]);
  });

  it("refuses a version that would misread the state of the one before", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 2);
    await harness.runUntilIdle([hourlyTotals()]);
    const renamed: JobDefinition["flow"] = (from) => void from(payments).aggregate("other", { n: { kind: "count" } });
    const next = defineJob({ name: "hourly", version: 2, flow: renamed });
    expect(await codesOf(harness.start([next]))).toEqual(["PLAN_STORE_REMOVED"]);
    await harness.runUntilIdle([next], { droppedStores: ["hourly"] });
  });

  it("starts a dropped store empty when a later version takes its name again, and leaves one alone that fits", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 2);
    await harness.produce(payments, [payment("1", "ann", 0)]);
    const perCustomer = (version: number, quantities: AggregatorTree<Payment>) =>
      defineJob({ name: "v", version, flow: (from) => void from(payments).aggregate("kept", quantities) });
    await harness.runUntilIdle([perCustomer(1, { n: count() })]);
    const changed = perCustomer(2, { largest: max((one) => one.id) });
    expect(await codesOf(harness.start([changed]))).toEqual(["PLAN_STORE_CHANGED"]);
    await harness.runUntilIdle([changed], { droppedStores: ["kept"] });
    await harness.produce(payments, [payment("2", "ann", 0)]);
    await harness.runUntilIdle([changed], { droppedStores: ["kept"] });
    await harness.runUntilIdle([changed]);
    expect((await harness.readRaw("v.kept.changelog")).filter(({ key }) => key![0] === 1)).toHaveLength(1);
  });

  it("raises the retention of a changelog when the grace becomes longer", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    const retention = async () =>
      (await harness.log.describeTopics()).find(({ topic }) => topic === "hourly.hourly.changelog")!.config.retentionMs;
    await harness.runUntilIdle([hourlyTotals()]);
    const before = await retention();
    await harness.runUntilIdle([
      defineJob({
        name: "hourly",
        version: 2,
        flow: (from) => {
          from(payments)
            .window(tumbling("1 hour", { grace: "30 days" }))
            .aggregate("hourly", { count: count(), total: sum((one) => one.amount, { scale: 2 }) })
            .to(totals);
        },
      }),
    ]);
    expect((await retention()) - before).toBe(30 * 24 * HOUR_MS);
  });

  it("gives streams that are repartitioned to be read together the same number of partitions", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 2);
    await harness.createTopic(customers.name, 8);
    const seen: string[] = [];
    const job = defineJob({
      name: "both",
      version: 1,
      commitEvery: "20 ms",
      flow(from) {
        const names = from(customers)
          .keyBy((customer) => customer.name)
          .aggregate("names", { n: count() })
          .asTable();
        from(payments)
          .keyBy((one) => one.id)
          .leftJoin("joined", names, (one, name) => `${one.id} ${name?.n ?? 0}`)
          .peek((text) => void seen.push(text));
      },
    });
    await harness.produce(customers, [{ customerId: "c", name: "ann" }]);
    await harness.runUntilIdle([job]);
    await harness.produce(payments, [payment("ann", "x", 0), payment("bob", "x", 0)]);
    await harness.runUntilIdle([job]);
    expect(seen.sort()).toEqual(["ann 1", "bob 0"]);
  });

  it("takes events from before 1970 and between two milliseconds, and refuses them only at a sink", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    const early = { ...payments, eventTime: (one: Payment) => (one.id === "early" ? -HOUR_MS : 1.5) };
    await harness.produce(payments, [payment("early", "ann", 0), payment("half", "ann", 0)]);
    const job = defineJob({
      name: "early",
      version: 1,
      commitEvery: "20 ms",
      flow(from) {
        from(early)
          .keyBy((one) => one.id)
          .aggregate("n", { count: count(), total: sum((one) => one.amount, { scale: 2 }) })
          .to(totals);
      },
    });
    await harness.runUntilIdle([job]);
    expect((await harness.read(totals)).map(({ key, timestampMs }) => [key, timestampMs])).toEqual([["half", 1]]);
    expect((await harness.readRaw("early.dlq")).map(({ headers }) => headers!["mulgil.dlq.code"]!.toString())).toEqual([
      "TIMESTAMP_EARLY",
    ]);
  });

  it("takes a job's own error for what it is, whatever its code", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    await harness.produce(payments, [payment("1", "ann", 0)]);
    const job = defineJob({
      name: "own",
      version: 1,
      flow: (from) =>
        void from(payments).peek(() => {
          throw new TerminalError("closed", { code: "STATE_CLOSED" });
        }),
    });
    const [status] = await harness.runUntilIdle([job]);
    expect(status!.deadLetters).toBe(1);
  });

  it("counts the tasks of a job whose name begins another one's", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 2);
    const flow: JobDefinition["flow"] = (from) => void from(payments).peek(() => undefined);
    const jobs = [defineJob({ name: "shop", version: 1, flow }), defineJob({ name: "shop-2", version: 1, flow })];
    expect((await harness.runUntilIdle(jobs)).map(({ tasks }) => tasks)).toEqual([2, 2]);
  });

  it("refuses two jobs of one name, and a run of none", async () => {
    const harness = await openHarness();
    expect(await codesOf(harness.start([hourlyTotals(), hourlyTotals()]))).toEqual(["JOBS_DUPLICATE"]);
    expect(await codesOf(harness.start([]))).toEqual(["JOBS_NONE"]);
  });

  it("sends what cannot be decoded to the DLQ, byte for byte with where it came from, and goes on", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    const poison = Buffer.from("not Avro at all");
    await harness.produceRaw(payments.name, {
      key: Buffer.from("ann"),
      value: poison,
      timestampMs: 5,
      headers: { trace: Buffer.from("t1") },
    });
    await harness.produceRaw(payments.name, {
      key: Buffer.from("ann"),
      value: Buffer.from([0, 0, 0, 99, 99, 1]),
      timestampMs: 6,
    });
    await harness.produce(payments, [payment("1", "ann", 7)]);
    await harness.runUntilIdle([hourlyTotals()]);
    expect(await harness.read(totals)).toHaveLength(1);
    const [first, second] = await harness.readRaw("hourly.dlq");
    expect(first!.value).toEqual(poison);
    expect(first!.key).toEqual(Buffer.from("ann"));
    const header = (name: string) => first!.headers![name]!.toString();
    expect([
      header("mulgil.dlq.code"),
      header("mulgil.dlq.topic"),
      header("mulgil.dlq.partition"),
      header("mulgil.dlq.offset"),
      header("trace"),
    ]).toEqual(["VALUE_NOT_FRAMED", payments.name, "0", "0", "t1"]);
    expect(second!.headers!["mulgil.dlq.code"]!.toString()).toBe("SCHEMA_UNKNOWN_ID");
  });

  it("keeps the time of writing as timestamp of changelog records", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    await harness.produce(payments, [payment("1", "ann", 12_345)], { timestampMs: 12_345 });
    const beforeMs = Date.now();
    await harness.runUntilIdle([hourlyTotals()]);
    const changes = await harness.readRaw("hourly.hourly.changelog");
    expect(changes.length).toBeGreaterThan(0);
    for (const { timestampMs } of changes) expect(timestampMs).toBeGreaterThanOrEqual(beforeMs);
    const data = changes.find(({ key }) => key![0] === 1)!;
    expect(data.value!.readDoubleBE(0)).toBe(12_345);
  });

  it("carries event times that lie ahead of the clock through a repartition, and refuses them at a sink", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    const tomorrowMs = Date.now() + 24 * HOUR_MS;
    const longAgoMs = Date.UTC(1996, 0, 1);
    await harness.produce(payments, [payment("1", "ann", longAgoMs), payment("2", "ann", tomorrowMs)]);
    await harness.runUntilIdle([totalsById()]);
    expect((await harness.read(totals)).map(({ key, timestampMs }) => [key, timestampMs])).toEqual([["1", longAgoMs]]);
    expect((await harness.readRaw("byId.dlq")).map(({ headers }) => headers!["mulgil.dlq.code"]!.toString())).toEqual([
      "TIMESTAMP_AHEAD",
    ]);
  });

  it("purges repartition topics of what is committed", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    await harness.produce(payments, [payment("1", "ann", 0), payment("2", "ann", 0)]);
    await harness.runUntilIdle([totalsById()]);
    await harness.runUntilIdle([totalsById()]);
    expect(await harness.readRaw("byId.byId.repartition")).toEqual([]);
  });

  it("waits for an asynchronous function only in the task that runs it", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 4);
    const release = Promise.withResolvers<void>();
    const job = defineJob({
      name: "slow",
      version: 1,
      commitEvery: "20 ms",
      flow(from) {
        from(payments)
          .process("wait", {
            output: totals.value,
            async onRecord(one, context) {
              if (one.id === "slow") await release.promise;
              context.emit({ count: 1, total: one.amount });
            },
          })
          .to(totals);
      },
    });
    await harness.produce(payments, [payment("slow", "c0", 0), payment("after", "c0", 1), payment("other", "c1", 2)]);
    const run = await harness.start([job]);
    await expect.poll(async () => (await harness.read(totals)).map(({ key }) => key)).toEqual(["c1"]);
    release.resolve();
    await run.untilIdle();
    await run.stop();
    expect((await harness.read(totals)).map(({ key }) => key).sort()).toEqual(["c0", "c0", "c1"]);
  });

  it("dies with the error of the worker that died, and stops the others", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 2);
    await harness.produce(payments, [payment("1", "ann", 0)]);
    const run = await harness.start([hourlyTotals()], {
      workers: 2,
      environment: { commit: () => Promise.reject(new Error("the disk is on fire")) } as never,
    });
    await expect(run.finished).rejects.toThrow("the disk is on fire");
    await expect(run.untilIdle()).rejects.toThrow("the disk is on fire");
  });
});
