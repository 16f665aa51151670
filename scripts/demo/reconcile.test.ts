import { Decimal } from "mulgil";
import { describe, expect, it } from "vitest";
import { type AnalysisFacts, countAnalyses } from "./check-analyses.ts";
import { checkDeadLetters } from "./check-dead-letters.ts";
import { checkDeliveries } from "./check-deliveries.ts";
import { checkOutage } from "./check-outage.ts";
import { checkProfiles } from "./check-profiles.ts";
import { checkRequests } from "./check-requests.ts";
import { reconciliationText } from "./reconcile.ts";
import type { RequestEnd, SentRequest } from "./request-facts.ts";

const request = (requestId: string, change: Partial<SentRequest> = {}): SentRequest => ({
  ...{ requestId, kind: "collect", customerId: "ann", institution: "bank-03", requestedAt: 10_000 },
  ...change,
});
const end = (requestId: string, change: Partial<RequestEnd> = {}): RequestEnd => ({
  ...{ requestId, outcome: "succeeded", completedAt: 30_000 },
  ...change,
});
const OUTAGE = { institution: "bank-03", fromMs: 5_000, untilMs: 20_000 };
const deliveries = (change: object = {}) =>
  new Map([["bank-03", { deliveries: { completions: 1, unchanged: 0, repeated: 0, forgotten: 0, ...change } }]]);

const requestProblems = (requests: readonly SentRequest[], ends: readonly RequestEnd[]) =>
  checkRequests({ requests, ends }).flatMap(({ problems }) => problems);
const outageProblems = (requests: readonly SentRequest[], ends: readonly RequestEnd[]) =>
  checkOutage({ requests, ends }, OUTAGE).problems;

describe("the check of requests", () => {
  it("is content with one end each, or an order to forget behind it", () => {
    const erase = request("e", { kind: "erase", requestedAt: 11_000 });
    expect(requestProblems([request("a"), request("b"), erase], [end("a")])).toEqual([]);
  });

  it("finds what is lost, also behind an order to forget", () => {
    const erase = request("e", { kind: "erase", requestedAt: 9_000 });
    const problems = requestProblems([erase, request("a"), request("b")], [end("a")]);
    expect(problems).toEqual(["2 sent, but 1 ended", "1 requests have no end: b"]);
  });

  it("finds what ended twice, and ends of nothing", () => {
    expect(requestProblems([request("a")], [end("a"), end("a")])).toContain("1 requests ended more than once: a");
    expect(requestProblems([request("a")], [end("a"), end("z")])).toContain("1 ends are of no request: z");
    expect(requestProblems([request("a"), request("a")], [end("a")])).toContain("the same request was sent twice");
  });
});

describe("the check of the outage", () => {
  it("is content with successes behind its end, and tells the longest wait", () => {
    const check = checkOutage({ requests: [request("a")], ends: [end("a", { completedAt: 21_500 })] }, OUTAGE);
    expect(check).toMatchObject({ problems: [], found: expect.stringContaining("1 of 1 requests") });
    expect(check.found).toContain("11.5 s");
  });

  it("finds what failed, has no end, or ended before the institution was up again", () => {
    expect(outageProblems([request("a")], [end("a", { outcome: "failed" })])).toEqual([
      "1 of its requests did not succeed: a",
    ]);
    expect(outageProblems([request("a")], [])).toEqual(["1 of its requests did not succeed: a"]);
    expect(outageProblems([request("a")], [end("a", { completedAt: 19_999 })])).toEqual([
      "1 of its requests ended before it was up again: a",
    ]);
  });

  it("is not content with an outage that nobody noticed", () => {
    expect(outageProblems([request("a", { institution: "bank-01" })], [end("a")])).toHaveLength(1);
  });
});

describe("the check of deliveries", () => {
  const facts = { requests: [request("a")], ends: [end("a")] };

  it("is content with one for each success, and with those that were overtaken", () => {
    expect(checkDeliveries(facts, deliveries()).problems).toEqual([]);
    const overtaken = { requests: [request("a"), request("b")], ends: [end("a"), end("b", { outcome: "superseded" })] };
    expect(checkDeliveries(overtaken, deliveries({ completions: 2 })).problems).toEqual([]);
  });

  it.each([{ repeated: 1 }, { forgotten: 1 }, { completions: 0 }, { completions: 2 }])("finds %j", (change) => {
    expect(checkDeliveries(facts, deliveries(change)).problems).toHaveLength(1);
  });
});

describe("the check of dead letters", () => {
  it.each([
    [{ A: 3 }, []],
    [{ A: 2 }, ["2 A instead of 3"]],
    [{}, ["0 A instead of 3"]],
    [{ A: 3, B: 1 }, ["1 B instead of 0"]],
  ])("of %j finds %j", (found, problems) => {
    const counted = new Map(Object.entries(found) as [string, number][]);
    expect(checkDeadLetters(counted, new Map([["A", 3]])).problems).toEqual(problems);
  });
});

describe("the check of profiles", () => {
  const consents = new Map([["ann", { grants: [{ institution: "bank-01" }] as never }]]);
  const institution = (change: object = {}) => ({ institution: "bank-01", complete: true, ...change }) as never;
  const problemsWith = (profile: { institutions: never[]; outstanding: number } | null) =>
    checkProfiles({ consents, profiles: new Map([["ann", profile]]) }, new Set()).problems;

  it("is content with what is complete for all that is consented to", () => {
    expect(problemsWith({ institutions: [institution()], outstanding: 0 })).toEqual([]);
  });

  it("needs none of who has withdrawn from all", () => {
    const withdrawn = { consents: new Map([["ann", { grants: [] }]]), profiles: new Map([["ann", null]]) };
    expect(checkProfiles(withdrawn, new Set()).problems).toEqual([]);
  });

  it.each([
    ["none", null],
    ["an incomplete one", { institutions: [institution({ complete: false })], outstanding: 0 }],
    ["one with something outstanding", { institutions: [institution()], outstanding: 1 }],
    ["one that misses an institution", { institutions: [], outstanding: 0 }],
    ["one that knows too much", { institutions: [institution(), institution({ institution: "x" })], outstanding: 0 }],
  ])("finds %s", (_, profile) => {
    expect(problemsWith(profile)).toEqual(["1 profiles are not complete: ann"]);
  });

  it("finds who left and is not forgotten, and who was forgotten and did not leave", () => {
    const profiles = new Map([["ann", { institutions: [institution()], outstanding: 0 }]]);
    expect(checkProfiles({ consents, profiles }, new Set(["ann"])).problems).toEqual([
      "1 customers who left are not forgotten: ann",
    ]);
    expect(checkProfiles({ consents: new Map([["ann", null]]), profiles: new Map() }, new Set()).problems).toEqual([
      "1 customers who did not leave are forgotten: ann",
    ]);
  });
});

describe("the check of analyses", () => {
  const transaction = (change: object = {}) => ({
    ...{ transactionId: "t1", assetId: "a1", occurredAt: Date.parse("2026-01-31T23:30:00+09:00") },
    ...{ direction: "out", amount: Decimal.of("10.50"), currency: "KRW", text: "HANGANG COFFEE 12" },
    ...{ balanceAfter: null, cancelled: false, ...change },
  });
  const collected = (requestedAt: number, change: object = {}) =>
    ({ customerId: "ann", institution: "bank-01", requestedAt, transaction: transaction(change) }) as never;
  const month = (income: string, spending: string) =>
    ({ months: [{ month: "2026-01", income: Decimal.of(income), spending: Decimal.of(spending) }] }) as never;
  const wrong = (facts: Partial<AnalysisFacts>) =>
    countAnalyses({ collected: [], orders: [], analyses: new Map(), ...facts }).wrong;

  it("sums the newest of what was said of each transaction, but transfers and what was cancelled", () => {
    const all = [
      collected(2, { amount: Decimal.of("20.00") }),
      collected(1),
      collected(1, { transactionId: "t2", direction: "in", text: "SALARY", amount: Decimal.of("5.00") }),
      collected(1, { transactionId: "t3", text: "TRANSFER TO SAVINGS" }),
      collected(1, { transactionId: "t4", cancelled: true }),
    ];
    expect(wrong({ collected: all, analyses: new Map([["ann", month("5.00", "20.00")]]) })).toEqual([]);
  });

  it("leaves out what was ordered to be forgotten", () => {
    const order = { customerId: "ann", scope: "institutions", institutions: ["bank-01"], orderedAt: 1 } as never;
    expect(wrong({ collected: [collected(1)], orders: [order], analyses: new Map([["ann", null]]) })).toEqual([]);
    expect(wrong({ collected: [collected(2)], orders: [order], analyses: new Map([["ann", null]]) })).toHaveLength(1);
  });

  it.each([
    ["another sum", month("0", "10.51")],
    ["another income", month("1", "10.50")],
    ["no month", { months: [] } as never],
    ["nothing", null],
  ])("finds %s", (_, analysis) => {
    expect(wrong({ collected: [collected(1)], analyses: new Map([["ann", analysis]]) })).toEqual(["ann 2026-01"]);
  });

  it("finds a month that nothing was collected for", () => {
    expect(wrong({ analyses: new Map([["ann", month("0", "1")]]) })).toEqual(["ann 2026-01"]);
  });
});

describe("the reconciliation", () => {
  it("says that everything adds up, or what does not", () => {
    expect(reconciliationText([{ what: "requests", found: "3", problems: [] }])).toContain("everything adds up");
    const text = reconciliationText([{ what: "requests", found: "3", problems: ["1 is lost: a"] }]);
    expect(text).toMatch(/it does not add up:.*\n {2}requests: 1 is lost: a$/);
    expect(text).not.toContain("everything adds up");
  });
});
