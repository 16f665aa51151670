import { describe, expect, it } from "vitest";
import { count } from "../dsl/aggregators.ts";
import type { CallOptions } from "../dsl/call.ts";
import { defineJob, type JobDefinition } from "../dsl/define-job.ts";
import { done } from "../dsl/outcome.ts";
import { type Payment, paymentSchema, payments } from "../dsl/payments.fixture.ts";
import { tumbling } from "../dsl/windows.ts";
import { validate } from "./validate.ts";

const job = (flow: JobDefinition["flow"]) => defineJob({ name: "shop", version: 1, flow });
const fetch = (options: object = {}): CallOptions<string, Payment, Payment> => ({
  resource: () => "bank",
  handler: (value: Payment) => done(value),
  output: paymentSchema,
  ...options,
});
const issuesOf = (flow: JobDefinition["flow"]) =>
  validate(job(flow)).map(({ code, at, message }) => [code, at, message]);
const issuesWith = (options: object) => issuesOf((from) => void from(payments).call("fetch", fetch(options)));

describe("what is wrong with a call", () => {
  it("is nothing where everything is left to its default", () => {
    expect(issuesWith({})).toEqual([]);
  });

  it.each<[string, object, string, string]>([
    ["no tiers", { tiers: [] }, "JOB_CALL_TIERS", `has 0 tiers: name 1 to 10 delays, like ["10 seconds", "1 minute"]`],
    [
      "more tiers than anybody needs",
      { tiers: Array.from({ length: 11 }, (_, index) => `${index + 1} minutes`) },
      "JOB_CALL_TIERS",
      `has 11 tiers: name 1 to 10 delays, like ["10 seconds", "1 minute"]`,
    ],
    [
      "tiers that are no delays",
      { tiers: ["soon", "0 seconds", "1 minute"] },
      "JOB_CALL_TIERS",
      `tiers "soon", "0 seconds" are no delays: write them like "10 seconds"`,
    ],
    [
      "tiers that do not ascend",
      { tiers: ["1 minute", "10 seconds"] },
      "JOB_CALL_TIERS",
      "tiers 1 minute, 10 seconds must ascend, and no two be equal",
    ],
    [
      "the same tier in other words",
      { tiers: ["60 seconds", "1 minute"] },
      "JOB_CALL_TIERS",
      "tiers 60 seconds, 1 minute must ascend, and no two be equal",
    ],
    [
      "tiers whose topics would have one name",
      { tiers: ["1.5 minutes", "15 minutes"] },
      "JOB_CALL_TIERS",
      `tiers 1.5 minutes, 15 minutes have topics of the same name: write them in whole numbers, "90 seconds"`,
    ],
    ["no calls at once", { concurrency: 0 }, "JOB_CALL_LIMIT", "concurrency is 0: give a whole number from 1 on"],
    ["half a call", { concurrency: 1.5 }, "JOB_CALL_LIMIT", "concurrency is 1.5: give a whole number from 1 on"],
    ["nothing held", { heldMax: -1 }, "JOB_CALL_LIMIT", "heldMax is -1: give a whole number from 1 on"],
    [
      "everything held",
      { heldMax: Number.POSITIVE_INFINITY },
      "JOB_CALL_LIMIT",
      "heldMax is Infinity: give a whole number from 1 on",
    ],
    [
      "an order that there is not",
      { orderKey: () => "k", order: "first" },
      "JOB_CALL_ORDER",
      `order "first" is unknown: use "strict" or "lastSuccessWins"`,
    ],
    [
      "a last success of nothing",
      { order: "lastSuccessWins" },
      "JOB_CALL_ORDER",
      `"lastSuccessWins" needs an orderKey: it says which records replace each other`,
    ],
    [
      "a version that nobody asks for",
      { orderKey: () => "k", version: () => 1 },
      "JOB_CALL_ORDER",
      `version has a meaning with order "lastSuccessWins" only: remove it, or change the order`,
    ],
  ])("is %s", (_what, options, code, message) => {
    expect(issuesWith(options)).toEqual([[code, "fetch", message]]);
  });

  it("is a policy that cannot be read, each of its fields", () => {
    const found = issuesWith({ policy: { timeout: "soon", retry: { attemptsMax: 0 } } });
    expect(found.map(([code, at]) => [code, at])).toEqual([
      ["JOB_CALL_POLICY", "fetch.policy.timeout"],
      ["JOB_CALL_POLICY", "fetch.policy.retry.attemptsMax"],
    ]);
  });

  it("is found together, not one after the other", () => {
    const codes = issuesWith({ tiers: [], concurrency: 0, order: "first" }).map(([code]) => code);
    expect(codes).toEqual(["JOB_CALL_TIERS", "JOB_CALL_LIMIT", "JOB_CALL_ORDER"]);
  });

  it("is a merge with what was not called for", () => {
    const found = issuesOf((from) => {
      const other = from({ ...payments, name: "shop.others" });
      from(payments)
        .call("fetch", fetch())
        .merge(other)
        .to({ ...payments, name: "shop.all" });
    });
    expect(found).toEqual([
      [
        "JOB_CALL_MERGED",
        "fetch",
        expect.stringContaining(`the results of "fetch" are merged with records from elsewhere`),
      ],
    ]);
  });
});

describe("a window behind a call", () => {
  const behind = (grace: string, options: object = {}, isLateRead = false) =>
    issuesOf((from) => {
      const spending = from(payments)
        .call("fetch", fetch(options))
        .filter(() => true)
        .keyBy(({ id }) => id)
        .window(tumbling("1 day", { grace: grace as "1 day" }))
        .aggregate("spending", { count: count() });
      if (isLateRead) spending.late.peek(() => undefined);
    });

  it("needs a grace as long as records are tried", () => {
    expect(behind("10 minutes")).toEqual([
      ["JOB_CALL_WINDOW", "spending", expect.stringContaining(`records that "fetch" tried again can be 7 days old`)],
    ]);
    expect(behind("7 days")).toEqual([]);
    expect(behind("1 hour", { policy: { retry: { ageMax: "1 hour" } } })).toEqual([]);
    expect(behind("59 minutes", { policy: { retry: { ageMax: "1 hour" } } })).toHaveLength(1);
  });

  it("is taken to be tried as long as by default where each institution has a policy of its own", () => {
    expect(behind("6 days", { policy: () => ({ retry: { ageMax: "1 hour" } }) })).toHaveLength(1);
  });

  it("is right where somebody reads what is late", () => {
    expect(behind("10 minutes", {}, true)).toEqual([]);
  });
});
