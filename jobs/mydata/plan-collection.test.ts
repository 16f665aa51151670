import { TestDriver } from "mulgil/testing";
import { describe, expect, it } from "vitest";
import { type CollectionRequest, collectionRequests } from "../../schemas/types/mydata/collection-request.ts";
import { type Completion, completions } from "../../schemas/types/mydata/completion.ts";
import { consents } from "../../schemas/types/mydata/consent.ts";
import { consentEvents } from "../../schemas/types/mydata/consent-event.ts";
import { erasures } from "../../schemas/types/mydata/erasure.ts";
import { userEvents } from "../../schemas/types/mydata/user-event.ts";
import {
  click,
  completionOf,
  consentOf,
  DAY_MS,
  grant,
  institutions,
  MINUTE_MS,
  START_MS,
  WEEK_MS,
} from "./mydata.fixture.ts";
import { planCollection } from "./plan-collection.ts";
import { closedUntilMs, nextSlotMs } from "./schedule.ts";

class Planner {
  readonly driver: TestDriver;

  constructor(driver: TestDriver) {
    this.driver = driver;
  }

  static async open(): Promise<Planner> {
    return new Planner(await TestDriver.open(planCollection(institutions), { startMs: START_MS }));
  }

  /** A customer with these grants, whose lists have been collected, and everything of these assets. */
  static async collected(assets: Readonly<Record<string, readonly string[]>> = { "bank-01": ["a1"] }) {
    const planner = await Planner.open();
    await planner.driver.pipe(consents, consentOf(Object.keys(assets).map((institution) => grant(institution))));
    for (const list of await planner.requests())
      await planner.complete(list, { assetIds: [...(assets[list.institution] ?? [])] });
    for (const request of await planner.requests()) await planner.complete(request);
    return planner;
  }

  get nowMs(): number {
    return this.driver.nowMs;
  }

  async requests(): Promise<CollectionRequest[]> {
    return (await this.driver.read(collectionRequests)).map(({ value }) => value);
  }

  async asked(): Promise<string[]> {
    return (await this.requests()).map(({ institution, resource, assetId }) =>
      [institution, resource, assetId ?? []].flat().join(" "),
    );
  }

  async complete(request: CollectionRequest, change: Partial<Completion> = {}): Promise<void> {
    await this.driver.pipe(completions, completionOf(request, { completedAt: this.nowMs, ...change }));
  }

  async click(page: string, action: string, change: Parameters<typeof click>[3] = {}): Promise<void> {
    await this.driver.pipe(userEvents, click(page, action, this.nowMs, change));
  }

  async later(ms: number): Promise<void> {
    await this.driver.advanceTo(this.nowMs + ms);
  }
}

describe("a consent", () => {
  it("requests the lists at once, and what they list when they are there", async () => {
    const planner = await Planner.open();
    await planner.driver.pipe(consents, consentOf([grant("bank-01"), grant("card-01")]));
    const lists = await planner.requests();
    expect(lists.map(({ institution, resource }) => `${institution} ${resource}`)).toEqual([
      "bank-01 accounts",
      "card-01 cards",
    ]);
    expect(lists[0]).toMatchObject({ kind: "collect", apiType: "userConsent", forced: true, authorizationCode: "ann" });
    expect(lists[0]!.consentedAt).toBe(grant("bank-01").grantedAt);
    await planner.complete(lists[0]!, { assetIds: ["a1", "a2"] });
    const followed = await planner.requests();
    expect(followed.map(({ resource, assetId }) => `${resource} ${assetId}`).sort()).toEqual([
      "balances a1",
      "balances a2",
      "transactions a1",
      "transactions a2",
    ]);
    expect(followed.find(({ resource }) => resource === "transactions")).toMatchObject({
      apiType: "userConsent",
      fromDate: "2025-10-10",
      toDate: "2026-01-07",
    });
  });

  it("covers what it names, and nothing else", async () => {
    const planner = await Planner.open();
    const narrow = grant("bank-01", { resources: ["accounts", "transactions"] });
    await planner.driver.pipe(consents, consentOf([narrow]));
    const [list] = await planner.requests();
    await planner.complete(list!, { assetIds: ["a1"] });
    expect(await planner.asked()).toEqual(["bank-01 transactions a1"]);
  });

  it("that has expired, or is older than what is known, causes nothing", async () => {
    const planner = await Planner.open();
    await planner.driver.pipe(consents, consentOf([grant("bank-01", { expiresAt: START_MS })]));
    await planner.driver.pipe(consents, consentOf([grant("card-01")], START_MS - 1));
    expect(await planner.asked()).toEqual([]);
  });

  it("from before all were taken back causes nothing, although it comes behind", async () => {
    const planner = await Planner.open();
    await planner.driver.pipe(consents, consentOf([]));
    await planner.driver.pipe(consents, consentOf([grant("bank-01")], START_MS - 1));
    expect(await planner.asked()).toEqual([]);
  });

  it("that came twice requests once, and beside the click of the same name too", async () => {
    const planner = await Planner.open();
    const consent = consentOf([grant("bank-01")]);
    await planner.driver.pipe(consents, consent);
    await planner.driver.pipe(consents, consent);
    await planner.driver.pipe(userEvents, click("authentication", "consent", START_MS - 1));
    expect(await planner.asked()).toEqual(["bank-01 accounts"]);
  });
});

describe("the time policy", () => {
  it("suppresses what was collected less than T ago, resource by resource", async () => {
    const planner = await Planner.collected();
    await planner.later(4 * MINUTE_MS);
    await planner.click("member", "logIn");
    expect(await planner.asked()).toEqual([]);
    await planner.later(MINUTE_MS);
    await planner.click("member", "logIn");
    expect(await planner.asked()).toEqual(["bank-01 balances a1"]);
    await planner.later(5 * MINUTE_MS);
    await planner.click("member", "logIn");
    expect(await planner.asked()).toEqual(["bank-01 transactions a1"]);
    await planner.later(50 * MINUTE_MS);
    await planner.click("member", "logIn");
    expect(await planner.asked()).toEqual(["bank-01 accounts"]);
  });

  it("counts an unchanged answer as fresh, and a failed one not", async () => {
    const planner = await Planner.collected();
    await planner.later(20 * MINUTE_MS);
    await planner.click("spending", "home");
    const [request] = await planner.requests();
    await planner.complete(request!, { outcome: "unchanged" });
    await planner.click("spending", "home");
    expect(await planner.asked()).toEqual([]);
    await planner.later(20 * MINUTE_MS);
    await planner.click("spending", "home");
    const [again] = await planner.requests();
    await planner.complete(again!, { outcome: "failed", code: "50001" });
    await planner.click("spending", "home");
    expect(await planner.asked()).toEqual(["bank-01 transactions a1"]);
  });
});

describe("the action policy", () => {
  it("collects what a page shows", async () => {
    const planner = await Planner.collected({ "bank-01": ["a1"], "card-01": ["c1"] });
    await planner.later(2 * 60 * MINUTE_MS);
    await planner.click("spending", "home");
    expect(await planner.asked()).toEqual(["bank-01 transactions a1", "card-01 approvals c1"]);
    await planner.click("assets", "detail", { institutions: ["bank-01"] });
    expect(await planner.asked()).toEqual(["bank-01 accounts", "bank-01 balances a1"]);
  });

  it("of refresh forces what is fresh and what is under way, and says so to the institution", async () => {
    const planner = await Planner.collected();
    await planner.later(1_000);
    await planner.click("assets", "refresh");
    const first = await planner.requests();
    expect(first).toHaveLength(3);
    expect(first[0]).toMatchObject({ apiType: "userRefresh", forced: true, why: "assets refresh" });
    await planner.later(1_000);
    await planner.click("assets", "refresh");
    expect(await planner.requests()).toHaveLength(3);
  });

  it("does not double what is under way without force", async () => {
    const planner = await Planner.collected();
    await planner.later(2 * 60 * MINUTE_MS);
    await planner.click("member", "logIn");
    expect(await planner.requests()).toHaveLength(3);
    await planner.click("member", "logIn");
    await planner.click("spending", "home");
    expect(await planner.asked()).toEqual([]);
  });

  it("makes a dead letter of a click that the event map does not know, and goes on", async () => {
    const planner = await Planner.collected();
    await planner.later(2 * 60 * MINUTE_MS);
    await planner.click("spending", "dance");
    await planner.click("spending", "home");
    expect(planner.driver.deadLetters()).toMatchObject([
      { code: "MYDATA_UNKNOWN_ACTION", message: expect.stringContaining('"dance"') },
    ]);
    expect(await planner.asked()).toEqual(["bank-01 transactions a1"]);
  });
});

describe("clicks that come twice or late", () => {
  it("are handled once", async () => {
    const planner = await Planner.collected();
    await planner.later(1_000);
    const refresh = click("assets", "refresh", planner.nowMs);
    await planner.driver.pipe(userEvents, refresh);
    expect(await planner.requests()).toHaveLength(3);
    await planner.later(1_000);
    await planner.driver.pipe(userEvents, { ...refresh, occurredAt: planner.nowMs });
    expect(await planner.asked()).toEqual([]);
  });

  it("do not force what was requested behind them", async () => {
    const planner = await Planner.collected();
    await planner.click("assets", "refresh", { occurredAt: START_MS - 1 });
    expect(await planner.asked()).toEqual([]);
  });
});

describe("times of requests", () => {
  it("rise with every request of a customer, however many there are in a millisecond", async () => {
    const planner = await Planner.collected({ "bank-01": ["a1", "a2", "a3"], "card-01": ["c1"] });
    await planner.later(1_000);
    await planner.click("assets", "refresh");
    const times = (await planner.requests()).map(({ requestedAt }) => requestedAt);
    expect(new Set(times).size).toBe(times.length);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

describe("a range of days", () => {
  it("begins where the last success ended, with an overlap", async () => {
    const planner = await Planner.collected();
    await planner.later(5 * DAY_MS);
    await planner.requests();
    await planner.later(1_000);
    await planner.click("spending", "refresh");
    const movements = (await planner.requests()).find(({ resource }) => resource === "transactions");
    expect(movements).toMatchObject({
      fromDate: "2026-01-04",
      toDate: "2026-01-12",
      searchTimestamp: "20260107100000",
    });
  });

  it("of a scheduled call is 31 days at most; the rest comes with the next, and is not hidden by a search timestamp", async () => {
    const planner = await Planner.collected();
    await planner.later(5 * 60 * MINUTE_MS);
    const asked = async () => {
      for (let week = 0; week < 3; week++) {
        await planner.later(WEEK_MS);
        const request = (await planner.requests()).find(({ resource }) => resource === "transactions");
        if (request !== undefined) return request;
      }
      throw new Error("nothing was scheduled");
    };
    const outage = await asked();
    await planner.later(50 * DAY_MS);
    await planner.requests();
    await planner.complete(outage, { outcome: "failed" });
    const first = await asked();
    expect(first).toMatchObject({ apiType: "scheduled", fromDate: "2026-01-04", toDate: "2026-02-03" });
    await planner.complete(first);
    expect(await asked()).toMatchObject({ fromDate: "2026-01-31", toDate: "2026-03-02", searchTimestamp: null });
  });
});

describe("the schedule", () => {
  it("collects everything once a week, in the institution's windows, without a click", async () => {
    const planner = await Planner.collected({ "bank-01": ["a1"], "card-01": ["c1"] });
    const seen: { week: number; request: CollectionRequest }[] = [];
    // An hour at a time: the clock on the wall does not jump over timers.
    for (let hour = 0; hour < 4 * 7 * 24; hour++) {
      await planner.later(60 * MINUTE_MS);
      for (const request of await planner.requests()) {
        seen.push({ week: Math.floor(hour / (7 * 24)), request });
        await planner.complete(request, request.assetId === null ? { assetIds: [assetOf(request)] } : {});
      }
    }
    expect(seen.every(({ request }) => request.apiType === "scheduled" && request.why === "schedule")).toBe(true);
    for (const [week, ofWeek] of Object.entries(Object.groupBy(seen.slice(0, -1), ({ week }) => week)))
      if (Number(week) > 0 && Number(week) < 3)
        expect(ofWeek!.map(({ request }) => request.resource).sort()).toEqual([
          ...["accounts", "approvals", "balances", "cards", "transactions"],
        ]);
    const { windows } = institutions.get("card-01")!;
    for (const { request } of seen.filter(({ request }) => request.institution === "card-01"))
      expect(closedUntilMs(windows, request.requestedAt - (request.requestedAt % (60 * MINUTE_MS)))).toBeUndefined();
  });

  const assetOf = ({ institution }: CollectionRequest) => (institution === "bank-01" ? "a1" : "c1");

  it("asks once in a week, also when no worker was there for it in the week before", async () => {
    const planner = await Planner.collected();
    const monday = Date.parse("2026-01-19T00:30:00+09:00");
    const slot = nextSlotMs("ann bank-01", institutions.get("bank-01")!.windows, monday);
    expect(slot - monday).toBeGreaterThan(DAY_MS);
    await planner.driver.advanceTo(monday);
    for (const request of await planner.requests()) await planner.complete(request, { assetIds: ["a1"] });
    expect(await planner.requests()).toEqual([]);
    await planner.driver.advanceTo(slot + 1);
    expect(await planner.requests()).toEqual([]);
    await planner.driver.advanceTo(slot + WEEK_MS + 1);
    expect(await planner.requests()).toHaveLength(3);
  });

  it("does not ask for what is still under way, nor for what is a day old at most", async () => {
    const planner = await Planner.collected();
    await planner.later(2 * 60 * MINUTE_MS);
    await planner.click("spending", "home");
    const underWay = await planner.requests();
    expect(underWay).toHaveLength(1);
    for (let day = 0; day < 8; day++) {
      await planner.later(DAY_MS);
      for (const request of await planner.requests()) {
        expect(request.resource).not.toBe("transactions");
        expect(planner.nowMs - START_MS).toBeGreaterThanOrEqual(DAY_MS);
      }
    }
  });
});

describe("a refused consent", () => {
  const refusal = (request: CollectionRequest, code: string) => ({
    ...{ customerId: "ann", institution: request.institution, resource: request.resource, assetId: request.assetId },
    ...{ code, reason: "over", requestedAt: request.requestedAt, occurredAt: START_MS },
  });

  it("ends the collection from this institution, until there is a new one", async () => {
    const planner = await Planner.open();
    await planner.driver.pipe(consents, consentOf([grant("bank-01"), grant("card-01")]));
    const [bank] = await planner.requests();
    await planner.driver.pipe(consentEvents, refusal(bank!, "40106"));
    await planner.complete(bank!, { outcome: "failed", code: "40106" });
    await planner.later(1_000);
    await planner.click("assets", "refresh");
    expect(await planner.asked()).toEqual(["card-01 cards"]);
    const anew = grant("bank-01", { grantedAt: planner.nowMs });
    await planner.driver.pipe(consents, consentOf([anew, grant("card-01")], planner.nowMs));
    expect(await planner.asked()).toEqual(["bank-01 accounts"]);
    await planner.driver.pipe(consentEvents, refusal(bank!, "40106"));
    await planner.later(1_000);
    await planner.click("assets", "refresh");
    expect(await planner.asked()).toContain("bank-01 accounts");
  });

  it("of one asset ends the collection of this asset", async () => {
    const planner = await Planner.collected({ "bank-01": ["a1", "a2"] });
    await planner.later(1_000);
    await planner.click("spending", "refresh");
    const refused = (await planner.requests()).find((one) => one.resource === "transactions" && one.assetId === "a1");
    await planner.driver.pipe(consentEvents, refusal(refused!, "40301"));
    await planner.later(1_000);
    await planner.click("spending", "refresh");
    expect(await planner.asked()).toEqual([
      ...["bank-01 accounts", "bank-01 balances a1"],
      ...["bank-01 balances a2", "bank-01 transactions a2"],
    ]);
  });
});

describe("forgetting", () => {
  const orders = async (planner: Planner) => (await planner.driver.read(erasures)).map(({ value }) => value);

  it("of one institution orders it in the way of the requests and to the other jobs, and goes on with the rest", async () => {
    const planner = await Planner.collected({ "bank-01": ["a1"], "card-01": ["c1"] });
    await planner.later(1_000);
    await planner.click("authentication", "withdraw", { institutions: ["bank-01"] });
    const [request, ...others] = await planner.requests();
    expect(others).toEqual([]);
    expect(request).toMatchObject({ kind: "erase", institution: "bank-01", customerId: "ann" });
    const [order] = await orders(planner);
    expect(order).toMatchObject({ scope: "institutions", institutions: ["bank-01"], reason: "withdrawn" });
    expect(order!.orderedAt).toBe(request!.requestedAt);
    await planner.later(1_000);
    await planner.click("assets", "refresh");
    expect(await planner.asked()).toEqual(["card-01 cards", "card-01 approvals c1"]);
  });

  it("of the customer leaves no state but the times of the order", async () => {
    const planner = await Planner.collected({ "bank-01": ["a1"], "card-01": ["c1"] });
    await planner.click("assets", "refresh", { occurredAt: planner.nowMs });
    await planner.requests();
    await planner.later(1_000);
    await planner.click("member", "leave");
    expect((await planner.requests()).map(({ kind, institution }) => `${kind} ${institution}`)).toEqual([
      "erase bank-01",
      "erase card-01",
    ]);
    expect(await orders(planner)).toMatchObject([{ scope: "customer", institutions: ["bank-01", "card-01"] }]);
    expect(await planner.driver.store("plan.planning")).toEqual([]);
    await planner.later(10 * WEEK_MS);
    expect(await planner.requests()).toEqual([]);
  });

  it("drops what is still under way from before, and what was clicked or consented to before", async () => {
    const planner = await Planner.open();
    await planner.driver.pipe(consents, consentOf([grant("bank-01")]));
    const [list] = await planner.requests();
    await planner.later(1_000);
    await planner.click("member", "leave");
    await planner.requests();
    await planner.complete(list!, { assetIds: ["a1"] });
    await planner.driver.pipe(userEvents, click("assets", "refresh", START_MS + 999));
    await planner.driver.pipe(consents, consentOf([grant("bank-01")], START_MS + 500));
    expect(await planner.asked()).toEqual([]);
    expect(await planner.driver.store("plan.planning")).toEqual([]);
    // The consent lies in its topic, behind the tombstone: it needs another one.
    const [order, again] = await orders(planner);
    expect(again).toMatchObject({ scope: "customer", orderedAt: order!.orderedAt, keepsConsent: false });
  });

  it("is ordered once, however often it is clicked or delivered", async () => {
    const planner = await Planner.collected();
    await planner.later(1_000);
    const leave = click("member", "leave", planner.nowMs);
    const withdraw = click("authentication", "withdraw", planner.nowMs, { institutions: ["bank-01"] });
    for (const event of [withdraw, withdraw, leave, leave, withdraw]) await planner.driver.pipe(userEvents, event);
    expect((await orders(planner)).map(({ scope }) => scope)).toEqual(["institutions", "customer"]);
  });

  it("lets a customer come back: a new consent works, with times behind the order", async () => {
    const planner = await Planner.collected();
    await planner.later(1_000);
    await planner.click("member", "leave");
    const [order] = await orders(planner);
    await planner.requests();
    await planner.driver.pipe(
      consents,
      consentOf([grant("bank-01", { grantedAt: planner.nowMs + 1 })], planner.nowMs + 1),
    );
    const [list] = await planner.requests();
    expect(list).toMatchObject({ kind: "collect", resource: "accounts" });
    expect(list!.requestedAt).toBeGreaterThan(order!.orderedAt);
    await planner.complete({ ...list!, requestedAt: order!.orderedAt }, { assetIds: ["a1"] });
    expect(await planner.asked()).toEqual([]);
    await planner.complete(list!, { assetIds: ["a9"] });
    expect(await planner.asked()).toEqual(["bank-01 balances a9", "bank-01 transactions a9"]);
  });

  it("keeps a consent that was given behind the click, and collects anew for it", async () => {
    const planner = await Planner.collected();
    await planner.later(1_000);
    const anew = grant("bank-01", { grantedAt: planner.nowMs });
    await planner.driver.pipe(consents, consentOf([anew], planner.nowMs));
    await planner.requests();
    await planner.click("authentication", "withdraw", { occurredAt: planner.nowMs - 500 });
    const [erase, list] = await planner.requests();
    expect([erase!.kind, list!.kind, list!.resource]).toEqual(["erase", "collect", "accounts"]);
    expect(list!.requestedAt).toBeGreaterThan(erase!.requestedAt);
    await planner.click("member", "leave", { occurredAt: planner.nowMs - 400 });
    expect(await orders(planner)).toMatchObject([{ scope: "institutions" }, { scope: "customer", keepsConsent: true }]);
  });
});
