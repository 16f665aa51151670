import { count, Decimal, defineJob, mapStore, session, sum, tumbling, valueStore, when } from "mulgil";
import { describe, expect, it } from "vitest";
import { customers, paymentSchema, payments, totals } from "../dsl/payments.fixture.ts";
import { TestDriver } from "./test-driver.ts";

const payment = (id: string, customerId: string, amount: string, paidAt: number) => ({
  id,
  customerId,
  amount: Decimal.of(amount),
  points: 1,
  paidAt,
});
const HOUR_MS = 3_600_000;

const hourly = defineJob({
  name: "hourly",
  version: 1,
  flow(from) {
    from(payments)
      .window(tumbling("1 hour", { grace: "none" }))
      .aggregate("hourly", { count: count(), total: sum((one) => one.amount, { scale: 2 }) })
      .to(totals);
  },
});

describe("TestDriver", () => {
  it("runs a windowed aggregate and reads results, stores and late records", async () => {
    const driver = await TestDriver.open(hourly);
    await driver.pipe(payments, payment("1", "ann", "1.10", 0));
    await driver.pipe(payments, payment("2", "ann", "2.20", 1));
    expect(await driver.read(totals)).toEqual([
      { key: "ann", value: { count: 1, total: Decimal.of("1.10") }, timestampMs: 0 },
      { key: "ann", value: { count: 2, total: Decimal.of("3.30") }, timestampMs: 1 },
    ]);
    expect(await driver.store("hourly")).toEqual([
      { key: "ann", windowStartMs: 0, value: { count: 2, total: Decimal.of("3.30") } },
    ]);
    await driver.pipe(payments, payment("3", "bob", "5.00", HOUR_MS));
    await driver.pipe(payments, payment("4", "ann", "9.00", 2));
    expect(driver.late).toBe(1);
    expect(await driver.read(totals)).toHaveLength(1);
  });

  it("shows the latest value once per commit when commits are by hand", async () => {
    const driver = await TestDriver.open(hourly, { commitAfter: "manual" });
    for (let n = 0; n < 10; n++) await driver.pipe(payments, payment(String(n), "ann", "1.00", n));
    expect(await driver.read(totals)).toEqual([]);
    await driver.commit();
    expect((await driver.read(totals)).map(({ value }) => value.count)).toEqual([10]);
  });

  it("carries records through a repartition topic", async () => {
    const job = defineJob({
      name: "byId",
      version: 1,
      flow(from) {
        from(payments)
          .keyBy((one) => one.id)
          .aggregate("byId", {
            count: count(),
            total: sum((one) => one.amount, { scale: 2 }),
            big: when((one) => one.points > 5, { count: count() }),
          })
          .to(totals);
      },
    });
    const driver = await TestDriver.open(job);
    await driver.pipe(payments, payment("x", "ann", "1.00", 0));
    expect(await driver.read(totals)).toEqual([
      { key: "x", value: { count: 1, total: Decimal.of("1.00") }, timestampMs: 0 },
    ]);
  });

  it("joins with a table, and forgets what a tombstone deletes", async () => {
    const named: string[] = [];
    const job = defineJob({
      name: "joined",
      version: 1,
      flow(from) {
        const table = from.table("customers", customers);
        from(payments)
          .join("named", table, (one, customer) => `${one.id} ${customer.name}`)
          .peek((text) => void named.push(text));
      },
    });
    const driver = await TestDriver.open(job);
    await driver.pipe(payments, payment("1", "ann", "1.00", 0));
    await driver.pipe(customers, { customerId: "ann", name: "Ann" });
    await driver.pipe(payments, payment("2", "ann", "1.00", 0));
    await driver.pipe(customers, null, { key: "ann" });
    await driver.pipe(payments, payment("3", "ann", "1.00", 0));
    expect(named).toEqual(["2 Ann"]);
  });

  it("fires timers: in stream time when a record is piped, on the wall when the clock is moved", async () => {
    const job = defineJob({
      name: "timers",
      version: 1,
      flow(from) {
        from(payments)
          .process("remind", {
            stores: { last: valueStore(paymentSchema), byId: mapStore("string", paymentSchema) },
            timers: { stream: "stream-time", wall: "wall-time" },
            output: totals.value,
            onRecord(one, context) {
              context.stores.last.set(one);
              context.stores.byId.set(one.id, one);
              context.timers.stream.set(one.paidAt + HOUR_MS);
              context.timers.wall.set(context.wallClockMs + 1_000);
            },
            onTimer({ name, atMs }, context) {
              context.emit(
                { count: name === "wall" ? 1 : 2, total: context.stores.last.get()!.amount },
                { timestampMs: atMs },
              );
            },
          })
          .to(totals);
      },
    });
    const driver = await TestDriver.open(job, { startMs: 0 });
    await driver.pipe(payments, payment("1", "ann", "1.00", 0));
    await driver.advanceTo(999);
    expect(await driver.read(totals)).toEqual([]);
    await driver.advanceTo(1_000);
    expect((await driver.read(totals)).map(({ value }) => value.count)).toEqual([1]);
    await driver.pipe(payments, payment("2", "bob", "2.00", HOUR_MS));
    expect((await driver.read(totals)).map(({ key, value }) => [key, value.count])).toEqual([["ann", 2]]);
    expect(await driver.store("remind.byId")).toMatchObject([
      { key: "ann", entryKey: "1" },
      { key: "bob", entryKey: "2" },
    ]);
  });

  it("files what a user's function throws on as a dead letter, byte for byte, and goes on", async () => {
    const job = defineJob({
      name: "throwing",
      version: 1,
      flow(from) {
        from(payments)
          .filter((one) => {
            if (one.id === "bad") throw new TypeError("no such thing");
            return true;
          })
          .map((one) => ({ count: 1, total: one.amount }))
          .to(totals);
      },
    });
    const driver = await TestDriver.open(job);
    await driver.pipe(payments, payment("bad", "ann", "1.00", 0));
    await driver.pipe(payments, payment("good", "ann", "1.00", 0));
    expect(await driver.read(totals)).toHaveLength(1);
    expect(driver.deadLetters()).toMatchObject([
      { code: "RECORD_FAILED", message: "no such thing", step: "shop.payments>filter", key: Buffer.from("ann") },
    ]);
  });

  it("does not blame the record that a timer happened to fire with", async () => {
    const job = defineJob({
      name: "timer-throws",
      version: 1,
      flow(from) {
        from(payments).process("throw", {
          timers: { due: "stream-time" },
          onRecord(one, context) {
            context.timers.due.set(one.paidAt + 10);
          },
          onTimer() {
            throw new Error("nobody is here");
          },
        });
      },
    });
    const driver = await TestDriver.open(job);
    await driver.pipe(payments, payment("1", "ann", "1.00", 0));
    await driver.pipe(payments, payment("2", "bob", "1.00", 100));
    expect(driver.deadLetters()).toMatchObject([
      { step: "throw", key: null, value: Buffer.from('{"key":"ann","value":null}') },
    ]);
  });

  it("withdraws what a join has made of merged sessions", async () => {
    const job = defineJob({
      name: "sessions",
      version: 1,
      flow(from) {
        const table = from.table("customers", customers);
        from(payments)
          .window(session("10 ms", { grace: "1 hour" }))
          .aggregate("visits", { count: count(), total: sum((one) => one.amount, { scale: 2 }) })
          .join("named", table, ({ count: howMany, total }) => ({ count: howMany, total }))
          .to(totals);
      },
    });
    const driver = await TestDriver.open(job);
    await driver.pipe(customers, { customerId: "ann", name: "Ann" });
    for (const at of [0, 20, 10]) await driver.pipe(payments, payment(String(at), "ann", "1.00", at));
    expect((await driver.read(totals)).map(({ value }) => value?.count ?? null)).toEqual([1, 1, null, null, 3]);
  });

  it("says which topics and stores there are when asked for another", async () => {
    const driver = await TestDriver.open(hourly);
    await expect(driver.pipe(customers, { customerId: "x", name: "" })).rejects.toThrow(
      'does not read "shop.customers"',
    );
    await expect(driver.store("daily")).rejects.toThrow("the job has hourly");
  });
});
