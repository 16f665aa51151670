import { setImmediate as nextTurn } from "node:timers/promises";
import { count, defineJob, MulgilError, sum, tumbling } from "mulgil";
import { describe, expect, it } from "vitest";
import { IndefiniteTransactionError } from "../../runtime/log/log-errors.ts";
import type { FetchedBatch, GroupConsumer, Log } from "../../runtime/log/port.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { type Commit, commit } from "../../runtime/worker/commit.ts";
import type { JobEvent } from "../../runtime/worker/job-event.ts";
import type { WorkerEnvironment } from "../../runtime/worker/worker-environment.ts";
import type { Database, StateDisk } from "../../state/disk.ts";
import { memoryDisk } from "../../state/memory-disk.ts";
import { openHarness } from "./harness.ts";
import { customers, HOUR_MS, payment, payments, totals } from "./jobs.ts";

const never = new Promise<void>(() => undefined);

/** A job's run in which commit number `which` is made, and its answer lost. */
function losingAnswer(which: number): Partial<WorkerEnvironment> {
  let commits = 0;
  return {
    async commit(options: Commit) {
      await commit(options);
      if (++commits === which) throw new IndefiniteTransactionError("the answer was lost");
    },
  };
}

const counts = (name: string) =>
  defineJob({
    name,
    version: 1,
    commitEvery: "1 ms",
    flow: (from) =>
      void from(payments)
        .aggregate("n", { count: count(), total: sum((one) => one.amount, { scale: 2 }) })
        .to(totals),
  });

describe("a task that is started again", () => {
  it("goes on although it was not fetched for when it failed", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    await harness.produce(
      payments,
      Array.from({ length: 40_000 }, (_, n) => payment(String(n), "ann", n)),
    );
    await harness.runUntilIdle([counts("backlog")], { environment: losingAnswer(2) as WorkerEnvironment });
    expect((await harness.read(totals)).at(-1)!.value.count).toBe(40_000);
  });

  it("takes no records that were fetched for its predecessor", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    await harness.produce(payments, [payment("1", "ann", 1), payment("2", "ann", 2)]);
    const isRunning = Promise.withResolvers<void>();
    let restarted = false;
    const onEvent = (event: JobEvent) => {
      if (event.kind === "restarting") restarted = true;
      if (event.kind === "running" && restarted) isRunning.resolve();
    };
    // What is polled while the task restarts arrives only when it is up again.
    const delayed = async (batches: readonly FetchedBatch[]) => {
      if (restarted && batches.length > 0) await isRunning.promise;
      return batches;
    };
    const environment = {
      log: withPoll(harness.log, delayed),
      onEvent,
      async commit(options: Commit) {
        if (!restarted) throw new IndefiniteTransactionError("the request was lost");
        await commit(options);
      },
    };
    const run = await harness.start([counts("stale")], { environment: environment as unknown as WorkerEnvironment });
    await expect.poll(() => restarted).toBe(true);
    await harness.produce(payments, [payment("3", "ann", 3)]);
    await run.untilIdle();
    await run.stop();
    expect((await harness.read(totals)).at(-1)!.value.count).toBe(3);
  });

  it("is given new state if it could not read its own", async () => {
    const disk = memoryDisk();
    let isDamaged = false;
    const harness = await openHarness(
      withDatabases(
        disk,
        (database) => ({
          ...unchanged(database),
          getSync(key) {
            if (isDamaged && key[0] === 1)
              throw new MulgilError("a block of it is damaged", { code: "STATE_CORRUPTED", context: {} });
            return database.getSync(key);
          },
        }),
        () => {
          isDamaged = false;
        },
      ),
    );
    await harness.createTopic(payments.name, 1);
    await harness.produce(payments, [payment("1", "ann", 0)]);
    await harness.runUntilIdle([counts("damaged")]);
    isDamaged = true;
    await harness.produce(payments, [payment("2", "ann", 0)]);
    await harness.runUntilIdle([counts("damaged")]);
    expect(harness.events.filter(({ kind }) => kind === "quarantined")).toHaveLength(1);
    expect((await harness.read(totals)).map(({ value }) => value.count)).toEqual([1, 2]);
  });
});

describe("a function of a job that never ends", () => {
  const stuckJob = defineJob({
    name: "stuck",
    version: 1,
    commitEvery: "20 ms",
    flow(from) {
      from(payments)
        .process("wait", {
          output: totals.value,
          async onRecord(one, context) {
            if (one.id === "stuck") await never;
            context.emit({ count: 1, total: one.amount });
          },
        })
        .to(totals);
    },
  });

  it("holds up stop() no longer than the drain time-out, and the jobs end", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 4);
    await harness.produce(payments, [payment("stuck", "c0", 0), payment("other", "c1", 1)]);
    const run = await harness.start([stuckJob], { drainTimeoutMs: 200 });
    await expect.poll(async () => (await harness.read(totals)).length).toBe(1);
    await expect(run.stop()).rejects.toMatchObject({ code: "DRAIN_TIMEOUT" });
    await run.finished;
  });

  it("does not keep another worker from joining", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 4);
    await harness.produce(payments, [payment("stuck", "c0", 0)]);
    const options = { drainTimeoutMs: 100, sessionTimeoutMs: 1_500, rebalanceTimeoutMs: 1_500 };
    const first = await harness.start([stuckJob], options);
    await expect.poll(async () => (await first.status())[0]!.tasks).toBe(4);
    await nextTurn();
    const second = await harness.start([stuckJob], options);
    await expect.poll(async () => (await second.status())[0]!.tasks, { timeout: 5_000 }).toBe(2);
    await harness.produce(
      payments,
      Array.from({ length: 20 }, (_, n) => payment(String(n), `d${n}`, 1)),
    );
    await expect.poll(async () => (await harness.read(totals)).length, { timeout: 5_000 }).toBeGreaterThan(5);
    expect(harness.events.some(({ kind }) => kind === "lost")).toBe(false);
    await Promise.allSettled([first.stop(), second.stop()]);
  });

  it("holds up its task alone, also where it is a timer's on the wall, or stands behind an aggregate", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 4);
    const job = defineJob({
      name: "alone",
      version: 1,
      commitEvery: "20 ms",
      flow(from) {
        const stream = from(payments);
        stream.to(totalsOfPayments);
        stream.process("remind", {
          timers: { soon: "wall-time" },
          onRecord(one, context) {
            if (one.id === "timer") context.timers.soon.set(context.wallClockMs);
          },
          onTimer: () => never,
        });
        stream
          .filter((one) => one.id === "aggregate")
          .aggregate("n", { count: count() })
          .process("behind", { onRecord: () => never });
      },
    });
    await harness.produce(payments, [payment("timer", "c0", 0), payment("aggregate", "c1", 1)]);
    const run = await harness.start([job], { drainTimeoutMs: 100 });
    await expect.poll(() => harness.events.filter(({ kind }) => kind === "running").length).toBe(4);
    await systemClock.sleep(100);
    await harness.produce(
      payments,
      Array.from({ length: 40 }, (_, n) => payment(String(n), `d${n}`, 2)),
    );
    await expect.poll(async () => (await harness.read(totalsOfPayments)).length).toBeGreaterThanOrEqual(10);
    await expect(run.stop()).rejects.toMatchObject({ code: "DRAIN_TIMEOUT" });
  });
});

const totalsOfPayments = { ...payments, name: "shop.copies" } as const;

describe("times that brokers refuse", () => {
  const timed = (atMs: number) => ({ ...payments, eventTime: () => atMs }) as never as typeof payments;
  const run = async (atMs: number, behindRepartition: boolean) => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    await harness.produce(payments, [payment("1", "ann", 0)]);
    const job = defineJob({
      name: "timed",
      version: 1,
      commitEvery: "20 ms",
      flow(from) {
        const stream = from(timed(atMs));
        if (behindRepartition) {
          stream
            .keyBy((one) => one.id)
            .window(tumbling("1 hour", { grace: "none" }))
            .aggregate("byId", { count: count() })
            .peek((result) => void starts.push(result.windowStartMs));
        } else stream.map((one) => ({ count: 1, total: one.amount })).to(totals);
      },
    });
    const starts: number[] = [];
    await harness.runUntilIdle([job]);
    const codes = (await harness.readRaw("timed.dlq")).map(({ headers }) => headers!["mulgil.dlq.code"]!.toString());
    return { codes, starts, times: (await harness.readRaw(totals.name).catch(() => [])).map((one) => one.timestampMs) };
  };

  it.each([
    [-5, "TIMESTAMP_EARLY"],
    [4e15, "TIMESTAMP_AHEAD"],
    [1e300, "TIMESTAMP_AHEAD"],
  ])("%d is an error of the record at a sink", async (atMs, code) => {
    expect(await run(atMs, false)).toMatchObject({ codes: [code], times: [] });
  });

  it("fractions of a ms are cut off", async () => {
    expect(await run(1.75, false)).toMatchObject({ codes: [], times: [1] });
  });

  it("go through a repartition", async () => {
    expect(await run(-5, true)).toMatchObject({ codes: [], starts: [-HOUR_MS] });
  });
});

describe("memory", () => {
  it("holds only so many bytes of fetched records", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    const large = "x".repeat(512 * 1024);
    for (let n = 0; n < 64; n++) await harness.produce(payments, [payment(n === 0 ? "stuck" : large, "c0", n)]);
    let fetched = 0;
    const release = Promise.withResolvers<void>();
    const job = defineJob({
      name: "large",
      version: 1,
      flow: (from) =>
        void from(payments).process("wait", {
          async onRecord(one) {
            if (one.id === "stuck") await release.promise;
          },
        }),
    });
    const log = withPoll(harness.log, async (batches) => {
      for (const { records } of batches) fetched += records.length;
      return batches;
    });
    const run = await harness.start([job], { environment: { log } as WorkerEnvironment });
    await expect.poll(() => fetched).toBeGreaterThan(30);
    await systemClock.sleep(300);
    expect(fetched).toBeLessThan(40);
    release.resolve();
    await run.untilIdle();
    await run.stop();
    expect(fetched).toBe(64);
  });

  it("holds only so many bytes of outputs, however many a record makes", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    await harness.produce(
      payments,
      Array.from({ length: 15 }, (_, n) => payment(String(n), "c0", n)),
    );
    const text = "x".repeat(64 * 1024);
    let largest = 0;
    const job = defineJob({
      name: "exploding",
      version: 1,
      commitEvery: "2 seconds",
      flow: (from) =>
        void from(payments)
          .flatMap((one) => Array.from({ length: 100 }, () => ({ ...one, id: text })))
          .to(totalsOfPayments),
    });
    const measured = (options: Commit) => {
      largest = Math.max(
        largest,
        options.outputs.reduce((sum, { records }) => sum + records.length, 0),
      );
      return commit(options);
    };
    await harness.runUntilIdle([job], { environment: { commit: measured } as unknown as WorkerEnvironment });
    expect(largest * text.length).toBeLessThan(64 * 1024 * 1024);
  });
});

describe("names", () => {
  it("that lead two jobs to one internal topic are refused, also one after the other", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    const named = (name: string, step: string) =>
      defineJob({ name, version: 1, flow: (from) => void from(payments).aggregate(step, { n: count() }) });
    await harness.runUntilIdle([named("shop", "daily.sums")]);
    await expect(harness.start([named("shop.daily", "sums")])).rejects.toMatchObject({ code: "PLAN_TOPIC_TAKEN" });
    await expect(harness.start([named("a", "b.c"), named("a.b", "c")])).rejects.toMatchObject({
      code: "PLAN_TOPIC_TAKEN",
    });
    const writer = defineJob({
      name: "writer",
      version: 1,
      flow: (from) => void from(payments).to({ ...payments, name: "shop.daily.sums.changelog" }),
    });
    await expect(harness.start([writer])).rejects.toMatchObject({ code: "PLAN_TOPIC_TAKEN" });
  });

  it("of jobs and topics that look alike together do not make two tasks fence each other", async () => {
    const harness = await openHarness();
    const reading = (job: string, topic: string) =>
      defineJob({
        name: job,
        version: 1,
        commitEvery: "1 ms",
        flow: (from) => void from({ ...payments, name: topic }).peek(() => undefined),
      });
    for (const topic of ["payments", "shop.payments"]) {
      await harness.createTopic(topic, 1);
      await harness.produce({ ...payments, name: topic } as never as typeof payments, [payment("1", "ann", 0)]);
    }
    await harness.runUntilIdle([reading("a", "shop.payments"), reading("a.shop", "payments")]);
    expect(harness.events.filter(({ kind }) => kind === "assigned")).toHaveLength(2);
  });
});

it("repartitions what is read together into the same number of partitions", async () => {
  const harness = await openHarness();
  const others = { ...payments, name: "shop.others" } as never as typeof payments;
  await harness.createTopic(payments.name, 2);
  await harness.createTopic(others.name, 3);
  const seen: string[] = [];
  const job = defineJob({
    name: "together",
    version: 1,
    commitEvery: "20 ms",
    flow(from) {
      const table = from(payments)
        .keyBy((one) => one.id)
        .aggregate("perId", { n: count() })
        .asTable();
      from(others)
        .keyBy((one) => one.id)
        .leftJoin("joined", table, (one, found) => `${one.id} ${found?.n}`)
        .peek((text) => void seen.push(text));
    },
  });
  const values = Array.from({ length: 9 }, (_, n) => payment(`p${n}`, `c${n}`, n));
  await harness.produce(payments, values);
  await harness.runUntilIdle([job]);
  await harness.produce(others, values);
  await harness.runUntilIdle([job]);
  expect(seen.sort()).toEqual(values.map(({ id }) => `${id} 1`));
});

it("repartitions into a part of the job that feeds the one it comes from", async () => {
  const harness = await openHarness();
  await harness.createTopic(payments.name, 2);
  const seen: string[] = [];
  const job = defineJob({
    name: "circle",
    version: 1,
    commitEvery: "20 ms",
    flow(from) {
      const stream = from(payments);
      const table = stream.aggregate("perCustomer", { n: count() }).asTable();
      stream
        .keyBy((one) => one.id)
        .process("relay", { output: payments.value, onRecord: (one, { emit }) => emit(one) })
        .keyBy((one) => one.customerId)
        .join("joined", table, (one, { n }) => `${one.id} ${n}`)
        .peek((text) => void seen.push(text));
    },
  });
  await harness.produce(payments, [payment("1", "ann", 0), payment("2", "bob", 1)]);
  await harness.runUntilIdle([job]);
  expect(seen.sort()).toEqual(["1 1", "2 1"]);
});

it("repartitions from a part of the job into itself", async () => {
  const harness = await openHarness();
  await harness.createTopic(payments.name, 3);
  const seen: string[] = [];
  const job = defineJob({
    name: "loop",
    version: 1,
    commitEvery: "20 ms",
    flow(from) {
      const moved = from(payments)
        .keyBy((one) => one.id)
        .process("relay", { output: payments.value, onRecord: (one, { emit }) => emit(one) });
      const table = moved.aggregate("perId", { n: count() }).asTable();
      moved
        .keyBy((one) => one.customerId)
        .leftJoin("joined", table, (one, found) => `${one.id} ${found?.n}`)
        .peek((text) => void seen.push(text));
    },
  });
  await harness.produce(payments, [payment("ann", "ann", 0), payment("2", "bob", 1)]);
  await harness.runUntilIdle([job]);
  expect(seen.sort()).toEqual(["2 undefined", "ann 1"]);
});

it("waits for the records of a table before it joins, also those that have not been fetched yet", async () => {
  const harness = await openHarness();
  await harness.createTopic(payments.name, 1);
  await harness.createTopic(customers.name, 1);
  const name = "x".repeat(200 * 1024);
  for (let n = 0; n < 10; n++) await harness.produce(customers, [{ customerId: `c${n}`, name }], { timestampMs: 1 });
  await harness.produce(
    payments,
    Array.from({ length: 25_000 }, (_, n) => payment(String(n), `c${n % 10}`, 10)),
  );
  let missed = 0;
  const job = defineJob({
    name: "enriched",
    version: 1,
    commitEvery: "20 ms",
    flow(from) {
      const table = from.table("customers", customers);
      from(payments)
        .leftJoin("joined", table, (_one, customer) => customer)
        .peek((customer) => {
          if (customer === undefined) missed++;
        });
    },
  });
  // The table's records come some polls later, as they do where its broker is slower.
  const held: FetchedBatch[] = [];
  let polls = 0;
  const late = async (batches: readonly FetchedBatch[]) => {
    const isTable = ({ topic }: FetchedBatch) => topic === customers.name;
    held.push(...batches.filter(isTable));
    if (++polls < 10) return batches.filter((batch) => !isTable(batch));
    return [...held.splice(0), ...batches.filter((batch) => !isTable(batch))];
  };
  // An input is waited for within a bound, which a slow machine must not use up.
  const clock = { ...systemClock, now: () => Math.floor(systemClock.now() / 50) };
  await harness.runUntilIdle([job], { environment: { log: withPoll(harness.log, late), clock } as WorkerEnvironment });
  expect(missed).toBe(0);
});

/** A log whose groups' polls are looked at before they return. */
function withPoll(log: Log, look: (batches: readonly FetchedBatch[]) => Promise<readonly FetchedBatch[]>): Log {
  return new Proxy(log, {
    get(target, name: keyof Log) {
      if (name !== "joinGroup") return target[name].bind(target);
      return async (options: Parameters<Log["joinGroup"]>[0]) => {
        const consumer = await target.joinGroup(options);
        return new Proxy(consumer, {
          get(inner, method: keyof GroupConsumer) {
            const value: unknown = Reflect.get(inner, method, inner);
            if (method === "poll") return async (waitMs: number) => await look(await inner.poll(waitMs));
            return typeof value === "function" ? value.bind(inner) : value;
          },
        });
      };
    },
  });
}

function withDatabases(disk: StateDisk, wrap: (database: Database) => Database, quarantined: () => void): StateDisk {
  return {
    open: async (path) => wrap(await disk.open(path)),
    quarantine: (path, reason) => {
      quarantined();
      return disk.quarantine(path, reason);
    },
    remove: (path) => disk.remove(path),
    list: (path) => disk.list(path),
    sizeBytes: (path) => disk.sizeBytes(path),
  };
}

const unchanged = (database: Database): Database => ({
  path: database.path,
  getSync: (key) => database.getSync(key),
  write: (...changes) => database.write(...changes),
  clear: (range) => database.clear(range),
  iterate: (range) => database.iterate(range),
  close: () => database.close(),
});
