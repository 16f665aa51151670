import fc from "fast-check";
import { TestDriver } from "mulgil/testing";
import { describe, expect, it } from "vitest";
import { type CollectionRequest, collectionRequests } from "../../schemas/types/mydata/collection-request.ts";
import { type Completion, type CompletionOutcome, completions } from "../../schemas/types/mydata/completion.ts";
import { type Consent, consents } from "../../schemas/types/mydata/consent.ts";
import { type ConsentEvent, consentEvents } from "../../schemas/types/mydata/consent-event.ts";
import { type Erasure, erasures } from "../../schemas/types/mydata/erasure.ts";
import { type Profile, profiles } from "../../schemas/types/mydata/profile.ts";
import type { ProfileState } from "../../schemas/types/mydata/profile-state.ts";
import { request } from "./institution.fixture.ts";
import { completionOf, consentOf, DAY_MS, grant, START_MS } from "./mydata.fixture.ts";
import job from "./profile.ts";

const asked = (at: number, change: Partial<CollectionRequest> = {}) =>
  request({ requestId: `r${at}`, requestedAt: at, ...change });

const ended = (of: CollectionRequest, outcome: CompletionOutcome = "succeeded", change: Partial<Completion> = {}) =>
  completionOf(of, { outcome, ...(outcome === "failed" && { code: "50001", reason: "down" }), ...change });

const order = (orderedAt: number, institutions: readonly string[] = []): Erasure => ({
  ...{ orderId: `o${orderedAt}`, customerId: "ann", orderedAt, clickedAt: START_MS, keepsConsent: false },
  institutions: [...institutions],
  scope: institutions.length === 0 ? "customer" : "institutions",
  reason: "left",
});

class Profiler {
  readonly driver: TestDriver;
  #latest: Profile | null = null;

  constructor(driver: TestDriver) {
    this.driver = driver;
  }

  static open = async () => new Profiler(await TestDriver.open(job, { startMs: START_MS }));

  async ask(...requests: readonly CollectionRequest[]) {
    for (const one of requests) await this.driver.pipe(collectionRequests, one);
  }

  async end(...all: readonly Completion[]) {
    for (const one of all) await this.driver.pipe(completions, one);
  }

  async latest(): Promise<Profile | null> {
    await this.driver.advanceTo(this.driver.nowMs + 1_000);
    for (const { value } of await this.driver.read(profiles)) this.#latest = value as Profile | null;
    return this.#latest;
  }

  consent = (consent: Consent) => this.driver.pipe(consents, consent);
  refuse = (refusal: ConsentEvent) => this.driver.pipe(consentEvents, refusal);
  erase = (erasure: Erasure) => this.driver.pipe(erasures, erasure);
}

describe("a profile", () => {
  it("says what is outstanding, complete and fresh", async () => {
    const profiler = await Profiler.open();
    const [first, second] = [asked(10), asked(20, { assetId: "a2" })];
    await profiler.consent(consentOf([grant("bank-01"), grant("card-01")]));
    await profiler.ask(first, second);
    await profiler.end(ended(first));
    expect(await profiler.latest()).toMatchObject({
      ...{ completeInstitutions: 0, outstanding: 1, freshAsOf: null },
      institutions: [
        {
          ...{ institution: "bank-01", consent: "granted", complete: false, outstanding: 1, freshAsOf: null },
          resources: [
            { assetId: "a1", complete: true, completeSince: 10, collectedAt: 10, outstandingSince: null },
            { assetId: "a2", complete: false, completeSince: null, collectedAt: null, outstandingSince: 20 },
          ],
        },
        { institution: "card-01", consent: "granted", complete: false, resources: [] },
      ],
    });
    await profiler.end(ended(second, "unchanged"));
    expect((await profiler.latest())!.institutions[0]).toMatchObject({
      ...{ complete: true, completeSince: 20, freshAsOf: 10, outstanding: 0 },
    });
  });

  it("says since when it is complete, and why it is not", async () => {
    const profiler = await Profiler.open();
    const requests = [10, 20, 30, 40].map((at) => asked(at));
    await profiler.ask(...requests);
    const resource = async () => (await profiler.latest())!.institutions[0]!.resources[0]!;
    await profiler.end(ended(requests[0]!));
    expect(await resource()).toMatchObject({ complete: true, completeSince: 10, collectedAt: 10 });
    await profiler.end(ended(requests[1]!));
    expect(await resource()).toMatchObject({ complete: true, completeSince: 10, collectedAt: 20 });
    await profiler.end(ended(requests[2]!, "failed"));
    expect(await resource()).toMatchObject({ complete: false, completeSince: null, lastFailure: "50001: down" });
    await profiler.end(ended(requests[3]!));
    expect(await resource()).toMatchObject({ complete: true, completeSince: 40, lastFailure: null });
  });

  it("does not take a superseded request for a success or a failure", async () => {
    const profiler = await Profiler.open();
    await profiler.ask(asked(10), asked(20));
    await profiler.end(ended(asked(20)), ended(asked(10), "superseded"));
    expect((await profiler.latest())!.institutions[0]!.resources).toMatchObject([
      { complete: true, collectedAt: 20, outstandingSince: null },
    ]);
  });

  it("says nothing any more of an asset that is not in the list", async () => {
    const profiler = await Profiler.open();
    const [one, list] = [asked(10), asked(20, { resource: "accounts", assetId: null })];
    await profiler.ask(one, list);
    await profiler.end(ended(one), ended(list, "succeeded", { assetIds: ["a7"] }));
    expect((await profiler.latest())!.institutions[0]!.resources).toMatchObject([{ resource: "accounts" }]);
  });

  it("says whose consent is over: expired, refused, and granted anew", async () => {
    const profiler = await Profiler.open();
    const short = grant("card-01", { expiresAt: START_MS + DAY_MS });
    await profiler.consent(consentOf([grant("bank-01"), short]));
    const consentOver = { customerId: "ann", institution: "bank-01", resource: "transactions", reason: "over" };
    await profiler.refuse({
      ...consentOver,
      assetId: "a1",
      code: "40301",
      requestedAt: START_MS,
      occurredAt: START_MS,
    });
    const statuses = async () => (await profiler.latest())!.institutions.map(({ consent }) => consent);
    expect(await statuses()).toEqual(["granted", "granted"]);
    await profiler.refuse({
      ...consentOver,
      assetId: "a1",
      code: "40106",
      requestedAt: START_MS,
      occurredAt: START_MS,
    });
    expect(await statuses()).toEqual(["expired", "granted"]);
    await profiler.driver.advanceTo(START_MS + 2 * DAY_MS);
    const anew = grant("bank-01", { grantedAt: START_MS + 1 });
    await profiler.consent(consentOf([anew, short], START_MS + 1));
    expect(await statuses()).toEqual(["granted", "expired"]);
  });

  it("does not take an older consent for one that came behind it", async () => {
    const profiler = await Profiler.open();
    await profiler.consent(consentOf([]));
    await profiler.consent(consentOf([grant("bank-01")], START_MS - 1));
    expect((await profiler.latest())!.institutions).toEqual([]);
  });

  it("is published once for what happens within half a second", async () => {
    const profiler = await Profiler.open();
    await profiler.ask(asked(10), asked(20, { assetId: "a2" }), asked(30, { assetId: "a3" }));
    await profiler.driver.advanceTo(START_MS + 500);
    expect(await profiler.driver.read(profiles)).toHaveLength(1);
  });
});

describe("an order to forget", () => {
  it("of a customer leaves a tombstone and nothing in state, and stragglers change nothing", async () => {
    const profiler = await Profiler.open();
    await profiler.consent(consentOf([grant("bank-01")]));
    await profiler.ask(asked(10));
    expect(await profiler.latest()).not.toBeNull();
    await profiler.erase(order(20));
    await profiler.end(ended(asked(10)));
    await profiler.ask(asked(15));
    await profiler.consent(consentOf([grant("bank-01")], START_MS + 1));
    expect(await profiler.latest()).toBeNull();
    expect(await profiler.driver.store("profile.state")).toEqual([]);
  });

  it("of an institution leaves the others", async () => {
    const profiler = await Profiler.open();
    await profiler.consent(consentOf([grant("bank-01"), grant("card-01")]));
    await profiler.ask(asked(10), asked(11, { institution: "card-01", resource: "approvals" }));
    await profiler.erase(order(20, ["bank-01"]));
    expect((await profiler.latest())!.institutions.map(({ institution }) => institution)).toEqual(["card-01"]);
  });
});

describe("against the naive profile of all that happened", () => {
  const outcome = fc.constantFrom("succeeded", "unchanged", "superseded", "failed", "none" as const);
  const history = fc.array(fc.tuple(fc.constantFrom("a1", "a2"), fc.constantFrom("bank-01", "card-01"), outcome), {
    maxLength: 15,
  });

  it("comes to the same in whatever order requests, their ends and orders are read", async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.infiniteStream(fc.nat(9)), fc.option(fc.nat(15)), async (given, dice, orderedAt) => {
        const requests = given.map(([assetId, institution], n) => asked(n + 1, { assetId, institution }));
        const ends = given.flatMap(([, , how], n) => (how === "none" ? [] : [ended(requests[n]!, how)]));
        const profiler = await Profiler.open();
        const queues = [
          requests.map((one) => () => profiler.ask(one)),
          ends.map((one) => () => profiler.end(one)),
          orderedAt === null ? [] : [() => profiler.erase(order(orderedAt, ["bank-01"]))],
        ];
        while (queues.some((queue) => queue.length > 0)) {
          const left = queues.filter((queue) => queue.length > 0);
          await left[dice.next().value! % left.length]!.shift()!();
        }
        const found = (await profiler.latest())?.institutions.flatMap(({ institution, resources }) =>
          resources.map((one) => ({ institution, ...one })),
        );
        expect((found ?? []).map(({ completeSince, resource, ...rest }) => rest)).toEqual(
          expectedResources(requests, ends, orderedAt ?? 0),
        );
        const [kept] = await profiler.driver.store("profile.state");
        const { items } = (kept?.value ?? { items: [] }) as ProfileState;
        expect(items.flatMap((item) => item.ended)).toEqual([]);
        for (const { completeSince, complete, collectedAt } of found ?? [])
          expect(complete ? completeSince! <= collectedAt! : completeSince === null).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  /** Asset by asset, from the whole story at once. */
  function expectedResources(requests: readonly CollectionRequest[], ends: readonly Completion[], orderedAt: number) {
    const isLeft = (one: CollectionRequest) => one.institution !== "bank-01" || one.requestedAt > orderedAt;
    const places = ["bank-01", "card-01"].flatMap((institution) =>
      ["a1", "a2"].map((asset) => ({ institution, asset })),
    );
    return places.flatMap(({ institution, asset }) => {
      const own = requests.filter((one) => one.institution === institution && one.assetId === asset && isLeft(one));
      const outcomeOf = (one: CollectionRequest) => ends.find((end) => end.requestId === one.requestId)?.outcome;
      const lastOf = (...outcomes: readonly (CompletionOutcome | undefined)[]) =>
        own.filter((one) => outcomes.includes(outcomeOf(one))).at(-1)?.requestedAt ?? null;
      const [success, failure, open] = [lastOf("succeeded", "unchanged"), lastOf("failed"), lastOf(undefined)];
      if (own.length === 0) return [];
      const hasFailed = (failure ?? 0) > (success ?? 0);
      return [
        {
          ...{ institution, assetId: asset, complete: success !== null && !hasFailed, collectedAt: success },
          ...{ outstandingSince: open, lastFailure: hasFailed ? "50001: down" : null },
        },
      ];
    });
  }
});
