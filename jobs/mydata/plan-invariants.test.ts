import fc from "fast-check";
import { TestDriver } from "mulgil/testing";
import { expect, it } from "vitest";
import { type CollectionRequest, collectionRequests } from "../../schemas/types/mydata/collection-request.ts";
import { completions } from "../../schemas/types/mydata/completion.ts";
import { consents } from "../../schemas/types/mydata/consent.ts";
import { erasures } from "../../schemas/types/mydata/erasure.ts";
import { userEvents } from "../../schemas/types/mydata/user-event.ts";
import { click, completionOf, consentOf, DAY_MS, grant, institutions, MINUTE_MS, START_MS } from "./mydata.fixture.ts";
import { planCollection } from "./plan-collection.ts";
import { type Industry, resourceOf } from "./resources.ts";

type Step =
  | { readonly kind: "wait"; readonly ms: number }
  | {
      readonly kind: "click";
      readonly page: string;
      readonly action: string;
      readonly agoMs: number;
      readonly bank: boolean;
    }
  | { readonly kind: "again" }
  | { readonly kind: "consent"; readonly to: readonly string[]; readonly agoMs: number }
  | { readonly kind: "end"; readonly which: number; readonly outcome: "succeeded" | "unchanged" | "failed" };

const agoMs = fc.constantFrom(0, 0, 1_000, 10 * MINUTE_MS);
const clicks = ["logIn", "home", "refresh", "withdraw", "leave"] as const;
const pages = { logIn: "member", home: "spending", refresh: "assets", withdraw: "authentication", leave: "member" };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(1, 2 * MINUTE_MS, 2 * 60 * MINUTE_MS, 3 * DAY_MS)
      .map((ms) => ({ kind: "wait" as const, ms })),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom(...clicks.slice(0, 3), ...clicks), agoMs, fc.boolean())
      .map(([action, ago, bank]) => ({ kind: "click" as const, page: pages[action], action, agoMs: ago, bank })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "again" as const }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.subarray(["bank-01", "card-01"]), agoMs)
      .map(([to, ago]) => ({ kind: "consent" as const, to, agoMs: ago })),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.nat(50), fc.constantFrom("succeeded", "succeeded", "unchanged", "failed" as const))
      .map(([which, outcome]) => ({ kind: "end" as const, which, outcome })),
  },
);

/** Everything that was asked for, and what has become of it, with nothing but lists. */
class Story {
  readonly asked: CollectionRequest[] = [];
  readonly ended = new Set<string>();
  readonly successes: { readonly place: string; readonly requestedAt: number; readonly atMs: number }[] = [];
  readonly orders: { readonly institutions: readonly string[] | "all"; readonly at: number }[] = [];
  lastTime = 0;

  isForgotten({ institution, requestedAt }: Pick<CollectionRequest, "institution" | "requestedAt">): boolean {
    return this.orders.some(
      (order) => requestedAt <= order.at && (order.institutions === "all" || order.institutions.includes(institution)),
    );
  }

  check(request: CollectionRequest, nowMs: number): void {
    // An order is one, to however many institutions it goes.
    const isSameOrder = request.kind === "erase" && this.orders.some(({ at }) => at === request.requestedAt);
    if (!isSameOrder) expect(request.requestedAt).toBeGreaterThan(this.lastTime);
    this.lastTime = Math.max(this.lastTime, request.requestedAt);
    if (request.kind === "erase") return;
    const { institution } = request;
    const resource = resourceOf(institution.slice(0, 4) as Industry, request.resource);
    expect(resource).toBeDefined();
    if (!request.forced) {
      const open = this.asked.filter(
        (one) => placeOf(one) === placeOf(request) && !this.ended.has(one.requestId) && !this.isForgotten(one),
      );
      expect(open).toEqual([]);
      const lastMs = this.successes
        .filter(
          (one) => one.place === placeOf(request) && !this.isForgotten({ institution, requestedAt: one.requestedAt }),
        )
        .sort((a, b) => a.requestedAt - b.requestedAt)
        .at(-1)?.atMs;
      if (lastMs !== undefined) expect(nowMs - lastMs).toBeGreaterThanOrEqual(resource!.freshForMs);
    }
    this.asked.push(request);
  }
}

const placeOf = ({ institution, resource, assetId }: CollectionRequest) => [institution, resource, assetId].join("/");

it("asks for nothing twice, nothing fresh, nothing without consent and nothing forgotten, whatever happens in whatever order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const driver = await TestDriver.open(planCollection(institutions), { startMs: START_MS });
      const story = new Story();
      let consented: readonly string[] = [];
      let consentedAt = 0;
      let refusedUntil = 0;
      let last = click("assets", "refresh", START_MS);
      const look = async () => {
        for (const { value: order } of await driver.read(erasures)) {
          const isWhole = order.scope === "customer";
          story.orders.push({ institutions: isWhole ? "all" : order.institutions, at: order.orderedAt });
          if (isWhole) refusedUntil = Math.max(refusedUntil, order.clickedAt);
        }
        for (const { value } of await driver.read(collectionRequests)) {
          story.check(value, driver.nowMs);
          if (value.kind === "collect") {
            expect(consented).toContain(value.institution);
            expect(value.consentedAt).toBeGreaterThan(refusedUntil);
          }
        }
      };
      for (const one of steps) {
        const { nowMs } = driver;
        switch (one.kind) {
          case "wait":
            await driver.advanceTo(nowMs + one.ms);
            break;
          case "click":
            last = click(one.page, one.action, nowMs - one.agoMs, { institutions: one.bank ? ["bank-01"] : [] });
            await driver.pipe(userEvents, last);
            break;
          case "again":
            await driver.pipe(userEvents, last);
            break;
          case "consent": {
            const changedAt = nowMs - one.agoMs;
            if (changedAt >= consentedAt) [consented, consentedAt] = [one.to, changedAt];
            const expiresAt = nowMs + 400 * DAY_MS;
            const grants = one.to.map((id) => grant(id, { grantedAt: changedAt, expiresAt }));
            await driver.pipe(consents, consentOf(grants, changedAt));
            break;
          }
          case "end": {
            const request = story.asked[one.which % Math.max(1, story.asked.length)];
            if (request === undefined || story.ended.has(request.requestId)) break;
            story.ended.add(request.requestId);
            const { requestedAt } = request;
            if (one.outcome !== "failed") story.successes.push({ place: placeOf(request), requestedAt, atMs: nowMs });
            const assetIds = request.assetId === null ? ["a1", "a2"] : [];
            await driver.pipe(
              completions,
              completionOf(request, { outcome: one.outcome, completedAt: nowMs, assetIds }),
            );
          }
        }
        await look();
      }
      expect(driver.deadLetters()).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
