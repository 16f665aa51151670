import fc from "fast-check";
import { Decimal } from "mulgil";
import { TestDriver } from "mulgil/testing";
import { describe, expect, it } from "vitest";
import { type Analysis, analyses } from "../../schemas/types/mydata/analysis.ts";
import {
  type ClassifiedTransaction,
  classifiedTransactions,
} from "../../schemas/types/mydata/classified-transaction.ts";
import { type Erasure, erasures } from "../../schemas/types/mydata/erasure.ts";
import analyse from "./analyse.ts";
import { DAY_MS, START_MS } from "./mydata.fixture.ts";
import { expectedAnalysis, plain } from "./naive-analysis.fixture.ts";

const paid = (change: Partial<ClassifiedTransaction> = {}): ClassifiedTransaction => ({
  ...{ customerId: "ann", institution: "bank-01", assetId: "a1", transactionId: "t1" },
  ...{ requestedAt: 10, occurredAt: Date.parse("2025-12-20T12:00:00+09:00"), direction: "out" },
  ...{ amount: Decimal.of("10.00"), currency: "KRW", balanceAfter: null, cancelled: false },
  ...{ category: "coffee", payee: "CAFE" },
  ...change,
});

const order = (orderedAt: number, institutions: readonly string[] = []): Erasure => ({
  ...{ orderId: `o${orderedAt}`, customerId: "ann", orderedAt, clickedAt: orderedAt, keepsConsent: false },
  institutions: [...institutions],
  scope: institutions.length === 0 ? "customer" : "institutions",
  reason: institutions.length === 0 ? "left" : "withdrawn",
});

const stores = ["erasures", "index", "assetMonths", "summaries", "months"].map((name) => `ledger.${name}`);

class Analyst {
  readonly driver: TestDriver;
  #latest: Analysis | null = null;

  constructor(driver: TestDriver) {
    this.driver = driver;
  }

  static open = async () => new Analyst(await TestDriver.open(analyse, { startMs: START_MS }));

  async take(...inputs: readonly (ClassifiedTransaction | Erasure)[]) {
    for (const input of inputs)
      if ("orderId" in input) await this.driver.pipe(erasures, input);
      else await this.driver.pipe(classifiedTransactions, input);
  }

  /** Since they were read last; a tombstone is null. */
  async results(): Promise<(Analysis | null)[]> {
    const values = (await this.driver.read(analyses)).map(({ value }) => value as Analysis | null);
    if (values.length > 0) this.#latest = values.at(-1)!;
    return values;
  }

  /** What a reader of the compacted topic sees when everything has been published; null: nothing. */
  async latest() {
    await this.driver.advanceTo(this.driver.nowMs + 2_000);
    await this.results();
    return this.#latest === null ? null : plain(this.#latest);
  }

  /** Entries of the customer in any store but the memory of orders. */
  async kept(): Promise<number> {
    const counts = await Promise.all(stores.slice(1).map(async (name) => (await this.driver.store(name)).length));
    return counts.reduce((sum, count) => sum + count, 0);
  }
}

describe("an analysis", () => {
  it("says what a month comes to, by category, in Seoul", async () => {
    const analyst = await Analyst.open();
    const newYear = Date.parse("2026-01-01T00:00:00+09:00");
    await analyst.take(
      paid({ transactionId: "t1", occurredAt: newYear - 1 }),
      paid({ transactionId: "t2", occurredAt: newYear, amount: Decimal.of("1.25") }),
      paid({ transactionId: "t3", occurredAt: newYear, category: "other", amount: Decimal.of("2.50") }),
      paid({ transactionId: "t4", occurredAt: newYear, direction: "in", category: "income" }),
      paid({ transactionId: "t5", occurredAt: newYear, category: "transfer" }),
    );
    expect(await analyst.latest()).toMatchObject({
      months: [
        { month: "2025-12", income: "0.00", spending: "10.00", categories: [["coffee", 1, "10.00"]] },
        {
          ...{ month: "2026-01", income: "10.00", spending: "3.75" },
          categories: [
            ["coffee", 1, "1.25"],
            ["other", 1, "2.50"],
          ],
        },
      ],
    });
  });

  it("finds what is paid every month", async () => {
    const analyst = await Analyst.open();
    const months = ["2025-08", "2025-09", "2025-11", "2025-12", "2026-01"];
    await analyst.take(
      ...months.map((month) =>
        paid({ transactionId: month, payee: "RENT", occurredAt: Date.parse(`${month}-05T00:00:00+09:00`) }),
      ),
    );
    expect((await analyst.latest())!.recurring).toEqual([["RENT", "10.00", "2025-11", "2026-01", 3]]);
  });

  it("follows balances from month to month, over all accounts", async () => {
    const analyst = await Analyst.open();
    const at = (day: string) => Date.parse(`${day}T00:00:00+09:00`);
    const balance = (text: string) => Decimal.of(text).withScale(2);
    await analyst.take(
      paid({ transactionId: "1", occurredAt: at("2025-11-20"), balanceAfter: balance("7") }),
      paid({ transactionId: "2", occurredAt: at("2025-11-21"), balanceAfter: balance("5") }),
      paid({ transactionId: "3", occurredAt: at("2025-12-21"), assetId: "a2", balanceAfter: balance("100") }),
      paid({ transactionId: "4", occurredAt: at("2026-01-02"), balanceAfter: balance("-1") }),
    );
    expect((await analyst.latest())!.balances).toEqual([
      ["2025-11", "5.00"],
      ["2025-12", "105.00"],
      ["2026-01", "99.00"],
    ]);
  });

  it("is published once for all that comes within a second", async () => {
    const analyst = await Analyst.open();
    await analyst.take(paid(), paid({ transactionId: "t2" }), paid({ transactionId: "t3" }));
    expect(await analyst.results()).toEqual([]);
    await analyst.driver.advanceTo(START_MS + 1_000);
    expect(await analyst.results()).toHaveLength(1);
  });
});

describe("transactions", () => {
  it("count once, however often they were collected, and as they were collected last", async () => {
    const analyst = await Analyst.open();
    await analyst.take(
      paid(),
      paid(),
      paid({ requestedAt: 20, amount: Decimal.of("7.00") }),
      paid({ requestedAt: 15 }),
    );
    expect((await analyst.latest())!.months).toMatchObject([{ spending: "7.00", categories: [["coffee", 1, "7.00"]] }]);
    await analyst.take(paid({ requestedAt: 30, cancelled: true }));
    expect((await analyst.latest())!.months).toMatchObject([{ spending: "0.00", categories: [] }]);
  });

  it("move to another month when the institution corrects the day", async () => {
    const analyst = await Analyst.open();
    await analyst.take(paid(), paid({ requestedAt: 20, occurredAt: Date.parse("2026-01-02T00:00:00+09:00") }));
    expect((await analyst.latest())!.months).toMatchObject([{ month: "2026-01", spending: "10.00" }]);
  });

  it("count where they belong, when an outage has delayed them by days", async () => {
    const analyst = await Analyst.open();
    await analyst.take(paid({ occurredAt: START_MS }));
    await analyst.driver.advanceTo(START_MS + 40 * DAY_MS);
    await analyst.take(paid({ transactionId: "late", occurredAt: START_MS - 60 * DAY_MS }));
    expect((await analyst.latest())!.months).toMatchObject([{ month: "2025-11" }, { month: "2026-01" }]);
  });

  it("of impossible times are dead letters; of other currencies, left out", async () => {
    const analyst = await Analyst.open();
    await analyst.take(paid({ occurredAt: START_MS + 2 * DAY_MS }), paid({ occurredAt: 0 }), paid({ currency: "USD" }));
    expect(analyst.driver.deadLetters().map(({ code }) => code)).toEqual([
      "MYDATA_IMPLAUSIBLE_TIME",
      "MYDATA_IMPLAUSIBLE_TIME",
    ]);
    expect(await analyst.kept()).toBe(0);
  });
});

describe("an order to forget", () => {
  it("of a customer leaves a tombstone, and nothing in any store but the order", async () => {
    const analyst = await Analyst.open();
    await analyst.take(paid(), paid({ institution: "card-01", transactionId: "t2" }));
    expect(await analyst.latest()).not.toBeNull();
    await analyst.take(order(20));
    expect(await analyst.results()).toEqual([null]);
    expect(await analyst.kept()).toBe(0);
    await analyst.take(paid({ transactionId: "straggler" }));
    expect(await analyst.latest()).toBeNull();
    expect(await analyst.kept()).toBe(0);
  });

  it("takes back what was about to be published", async () => {
    const analyst = await Analyst.open();
    await analyst.take(paid(), order(20));
    await analyst.driver.advanceTo(START_MS + 5_000);
    expect(await analyst.results()).toEqual([null]);
  });

  it("of an institution leaves the others, and what was requested behind it", async () => {
    const analyst = await Analyst.open();
    await analyst.take(paid(), paid({ transactionId: "t2", requestedAt: 30 }), paid({ institution: "card-01" }));
    await analyst.take(order(20, ["bank-01"]), paid({ transactionId: "t3", requestedAt: 20 }));
    expect((await analyst.latest())!.months).toMatchObject([{ spending: "20.00" }]);
  });
});

describe("against the naive analysis of all that was collected", () => {
  const occurredAt = fc.integer({ min: 0, max: 150 }).map((days) => START_MS - days * DAY_MS);
  const collected = fc
    .record({
      institution: fc.constantFrom("bank-01", "card-01"),
      assetId: fc.constantFrom("a1", "a2"),
      transactionId: fc.constantFrom("1", "2", "3", "4", "5", "6"),
      requestedAt: fc.integer({ min: 1, max: 40 }),
      occurredAt,
      amount: fc.constantFrom("1.00", "2.50"),
      direction: fc.constantFrom("in" as const, "out" as const, "out" as const),
      category: fc.constantFrom("coffee", "other", "transfer"),
      payee: fc.constantFrom("A", "B"),
      balance: fc.option(fc.integer({ min: -5, max: 5 })),
      cancelled: fc.boolean(),
    })
    .map(({ amount, balance, ...rest }) =>
      paid({
        ...rest,
        amount: Decimal.of(amount),
        balanceAfter: balance === null ? null : Decimal.ofUnscaled(balance * 100, 2),
      }),
    );
  const orders = fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.constantFrom([], ["bank-01"], ["card-01"]))
    .map(([at, institutions]) => order(at, institutions));

  it("comes to the same over duplicates, any order of arrival, and erasures in between", async () => {
    const inputs = fc.array(fc.oneof({ weight: 9, arbitrary: collected }, { weight: 1, arbitrary: orders }), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(inputs, fc.array(fc.nat()), fc.nat({ max: 40 }), async (generated, repeats, pause) => {
        // Two answers to one request say the same of a transaction.
        const said = new Map<string, ClassifiedTransaction>();
        const given = generated.map((input) => {
          if ("orderId" in input) return input;
          const { institution, assetId, transactionId, requestedAt } = input;
          const key = `${institution} ${assetId} ${transactionId} ${requestedAt}`;
          if (!said.has(key)) said.set(key, input);
          return said.get(key)!;
        });
        const again = given.length === 0 ? [] : repeats.map((n) => given[n % given.length]!);
        const analyst = await Analyst.open();
        await analyst.take(...given.slice(0, pause));
        await analyst.latest();
        await analyst.take(...given.slice(pause), ...again);
        const expected = expectedAnalysis(given);
        expect(await analyst.latest()).toEqual(expected);
        if (expected === null) expect(await analyst.kept()).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});
