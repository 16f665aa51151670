import { compile } from "mulgil";
import { TestDriver } from "mulgil/testing";
import { describe, expect, it } from "vitest";
import { consents } from "../../schemas/types/mydata/consent.ts";
import { type Erasure, erasures } from "../../schemas/types/mydata/erasure.ts";
import { erasureReceipts } from "../../schemas/types/mydata/erasure-receipt.ts";
import analyse from "./analyse.ts";
import classify from "./classify.ts";
import collect, { collect as makeCollect } from "./collect.ts";
import { institutions, START_MS } from "./mydata.fixture.ts";
import { planCollection } from "./plan-collection.ts";
import profile from "./profile.ts";
import terminateJob, { terminate } from "./terminate.ts";
import { topicAges, topicAgesWith } from "./topic-ages.ts";

const HOUR_MS = 3_600_000;

const order = (change: Partial<Erasure> = {}): Erasure => ({
  ...{ orderId: "o1", customerId: "ann", scope: "customer", institutions: ["bank-01"], reason: "left" },
  ...{ clickedAt: START_MS - 1, orderedAt: START_MS, keepsConsent: false },
  ...change,
});

describe("an order to forget", () => {
  it("has a receipt that says by when each topic has forgotten", async () => {
    const driver = await TestDriver.open(
      terminate([
        { topic: "events", policy: "delete", retentionMs: 10 * HOUR_MS, segmentMs: HOUR_MS },
        { topic: "profiles", policy: "compact", compactionLagMs: 2 * HOUR_MS, deleteRetentionMs: 24 * HOUR_MS },
      ]),
    );
    await driver.pipe(erasures, order());
    expect((await driver.read(erasureReceipts)).map(({ key, value }) => ({ key, value }))).toEqual([
      {
        key: "ann",
        value: {
          ...{ orderId: "o1", customerId: "ann", orderedAt: START_MS },
          topics: [
            {
              ...{ topic: "events", goneBy: START_MS + 12 * HOUR_MS },
              rule: "kept for 0.42 days, deleted by segments of 0.04 days",
            },
            {
              ...{ topic: "profiles", goneBy: START_MS + 29 * HOUR_MS },
              rule: "compacted within 0.08 days, the tombstone 1 day later",
            },
          ],
          goneBy: START_MS + 29 * HOUR_MS,
        },
      },
    ]);
  });

  it("of a customer deletes his consents", async () => {
    const driver = await TestDriver.open(terminateJob);
    await driver.pipe(erasures, order());
    expect(await driver.read(consents)).toMatchObject([{ key: "ann", value: null }]);
  });

  it.each([
    ["of an institution", order({ scope: "institutions" })],
    ["of a customer who has consented anew", order({ keepsConsent: true })],
  ])("%s leaves the consents alone", async (_name, given) => {
    const driver = await TestDriver.open(terminateJob);
    await driver.pipe(erasures, given);
    expect(await driver.read(consents)).toEqual([]);
    expect(await driver.read(erasureReceipts)).toHaveLength(1);
  });
});

describe("the table of ages", () => {
  it("has every topic of the jobs that holds data of customers", () => {
    const jobs = [planCollection(institutions), collect, classify, analyse, profile, terminateJob];
    const known = new Set(topicAges.map(({ topic }) => topic));
    for (const job of jobs)
      for (const { topic } of compile(job).topics)
        if (!isProof(topic)) expect(known, `${job.name} has the topic ${topic}`).toContain(topic);
  });

  it("knows the tiers of whoever has others", () => {
    const tiers = ["1 second", "90 seconds"];
    const job = makeCollect({ institutions, tiers, fetch, newTransactionId: () => "", now: () => START_MS });
    const known = topicAgesWith(tiers).map(({ topic }) => topic);
    const planned = compile(job).topics.flatMap(({ topic }) => (topic.includes(".retry.") ? [topic] : []));
    expect(planned).toHaveLength(2);
    expect(known.filter((topic) => topic.includes(".retry."))).toEqual(planned);
  });

  /** Orders, receipts, and the memory of orders: times, and the customer's id. Circuits are about institutions. */
  const isProof = (topic: string) => /erasure|erased|circuits/.test(topic);
});
