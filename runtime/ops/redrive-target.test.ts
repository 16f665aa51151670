import { describe, expect, it } from "vitest";
import type { Plan, PlannedTopic } from "../plan/plan.ts";
import { deadLetterOf } from "./dead-letters.ts";
import { type RedriveRules, redriveTarget } from "./redrive-target.ts";

const topic = (name: string, role: PlannedTopic["role"], cleanupPolicy: PlannedTopic["cleanupPolicy"] = "delete") => ({
  ...{ topic: name, role, cleanupPolicy, partitions: 3, retentionMs: -1 },
});
const plan = {
  job: "books",
  topics: [
    topic("orders", "source"),
    topic("prices", "source", "compact"),
    topic("books.total.repartition", "repartition"),
    topic("books.fetch.retry.10s", "retry"),
    topic("books.orders.audit", "sink"),
  ],
  subTopologies: [{ sources: ["orders", "prices"] }, { sources: ["books.total.repartition", "books.fetch.retry.10s"] }],
} as unknown as Plan;
const rules: RedriveRules = {
  ...{ plan, to: "replay", attemptsMax: 3 },
  partitionCounts: new Map(plan.topics.map((each) => [each.topic, 3])),
};

function letter(from: { readonly topic: string; readonly partition?: number } | undefined, redrives = 0) {
  const source = from && {
    "mulgil.dlq.topic": from.topic,
    "mulgil.dlq.partition": String(from.partition ?? 1),
    "mulgil.dlq.offset": "7",
    "mulgil.dlq.timestamp": "1000",
  };
  const headers = { ...source, ...(redrives > 0 && { "mulgil.redrive.count": String(redrives) }) };
  return deadLetterOf({
    ...{ topic: "books.dlq", partition: 0, offset: 0, timestampMs: 0, key: null, value: null },
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  });
}

describe("where a dead letter goes back to", () => {
  it.each([
    ["orders", "books.orders.replay"],
    ["books.total.repartition", "books.books.total.repartition.replay"],
    ["books.orders.replay", "books.orders.replay"],
  ])("from %s: to %s, in its partition", (from, to) => {
    expect(redriveTarget(letter({ topic: from }), rules)).toEqual({ kind: "to", to: { topic: to, partition: 1 } });
  });

  it("is the topic itself where that is asked for", () => {
    for (const name of ["orders", "prices"])
      expect(redriveTarget(letter({ topic: name }), { ...rules, to: "source" })).toEqual({
        kind: "to",
        to: { topic: name, partition: 1 },
      });
  });

  it.each([
    ["no record", letter(undefined), "derived"],
    ["a retry tier", letter({ topic: "books.fetch.retry.10s" }), "tier"],
    ["a topic that the job does not read", letter({ topic: "books.orders.audit" }), "unread"],
    ["a table", letter({ topic: "prices" }), "table"],
    ["a partition that is gone", letter({ topic: "orders", partition: 3 }), "partition"],
    ["where it was redriven three times", letter({ topic: "orders" }, 3), "attempts"],
  ])("is nowhere for one from %s", (_what, from, why) => {
    expect(redriveTarget(from, rules)).toEqual({ kind: "refused", why });
  });

  it("is still there for one that was redriven twice", () => {
    expect(redriveTarget(letter({ topic: "orders" }, 2), rules).kind).toBe("to");
  });
});
