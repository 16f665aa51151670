import { describe, expect, it } from "vitest";
import { count } from "../dsl/aggregators.ts";
import type { CallOptions } from "../dsl/call.ts";
import { defineJob, type JobDefinition } from "../dsl/define-job.ts";
import { done } from "../dsl/outcome.ts";
import { type Payment, paymentSchema, payments } from "../dsl/payments.fixture.ts";
import { compile } from "./compile.ts";

const all = { ...payments, name: "shop.all" };
const plan = (flow: JobDefinition["flow"]) => compile(defineJob({ name: "shop", version: 1, flow }));
const fetch = (options: object = {}): CallOptions<string, Payment, Payment> => ({
  resource: () => "bank",
  handler: (value: Payment) => done(value),
  output: paymentSchema,
  tiers: ["10 seconds", "1 minute"],
  ...options,
});
const calling = (options: object = {}) => plan((from) => from(payments).call("fetch", fetch(options)).to(all));
const sourcesOf = ({ subTopologies }: ReturnType<typeof plan>) => subTopologies.map(({ sources }) => sources);

const TIERS = ["shop.fetch.retry.10seconds", "shop.fetch.retry.1minute"];

describe("the plan of a call", () => {
  it("has its tiers read by the task that reads its input", () => {
    const [part] = calling().subTopologies;
    expect(part).toMatchObject({
      name: "shop.payments",
      sources: ["shop.payments", ...TIERS],
      call: {
        node: "fetch",
        tiers: [
          { topic: TIERS[0], delayMs: 10_000 },
          { topic: TIERS[1], delayMs: 60_000 },
        ],
      },
    });
  });

  it("has tiers and changelogs with as many partitions as the input, which keep everything", () => {
    const topics = calling().topics.filter(({ role }) => role === "retry" || role === "changelog");
    expect(topics.map(({ topic, role }) => [topic, role])).toEqual([
      ...TIERS.map((topic) => [topic, "retry"]),
      ["shop.fetch.inputs.changelog", "changelog"],
    ]);
    for (const topic of topics)
      expect(topic).toMatchObject({ partitions: { like: ["shop.payments"] }, retentionMs: -1 });
    expect(topics.map(({ cleanupPolicy }) => cleanupPolicy)).toEqual(["delete", "delete", "compact"]);
  });

  it("has one topic for what its workers know of institutions, however many calls there are", () => {
    const circuits = (found: ReturnType<typeof plan>) => found.topics.filter(({ role }) => role === "circuits");
    const two = plan((from) => {
      from(payments).call("fetch", fetch()).to(all);
      from({ ...payments, name: "shop.others" })
        .call("again", fetch())
        .to({ ...payments, name: "shop.more" });
    });
    expect(circuits(two)).toEqual([
      { topic: expect.any(String), role: "circuits", partitions: 1, cleanupPolicy: "compact", retentionMs: -1 },
    ]);
    expect(circuits(plan((from) => from(payments).to(all)))).toEqual([]);
  });

  it.each<[string, object, readonly string[]]>([
    ["no order", {}, ["inputs"]],
    ["strict order", { orderKey: () => "k" }, ["inputs", "keys", "held"]],
    ["the last success", { orderKey: () => "k", order: "lastSuccessWins" }, ["inputs", "keys"]],
    ["somebody to forget", { erasure: { subject: () => "s", isOrder: () => false } }, ["inputs", "erased"]],
  ])("has the stores that it needs: %s", (_what, options, stores) => {
    const [part] = calling(options).subTopologies;
    expect(part!.stores.map(({ name }) => name)).toEqual(stores.map((store) => `fetch.${store}`));
  });
});

describe("a call behind steps", () => {
  it("reads with them where each record stays one record", () => {
    const found = plan((from) =>
      from(payments)
        .filter(() => true)
        .map((value) => value, paymentSchema)
        .peek(() => undefined)
        .call("fetch", fetch())
        .to(all),
    );
    expect(sourcesOf(found)).toEqual([["shop.payments", ...TIERS]]);
  });

  it.each<[string, JobDefinition["flow"], readonly string[]]>([
    [
      "one record becomes several",
      (from) =>
        from(payments)
          .flatMap((value) => [value, value], paymentSchema)
          .call("fetch", fetch())
          .to(all),
      ["shop.payments"],
    ],
    [
      "another step keeps state beside it",
      (from) => {
        const read = from(payments);
        read.aggregate("spending", { count: count() });
        read.call("fetch", fetch()).to(all);
      },
      ["shop.payments"],
    ],
    [
      "two streams flow together",
      (from) =>
        from(payments)
          .merge(from({ ...payments, name: "shop.others" }))
          .call("fetch", fetch())
          .to(all),
      ["shop.payments", "shop.others"],
    ],
    [
      "another call reads the same topic",
      (from) => {
        const read = from(payments);
        read.call("other", fetch({ tiers: ["1 hour"] })).to({ ...payments, name: "shop.more" });
        read.call("fetch", fetch()).to(all);
      },
      ["shop.payments"],
    ],
  ])("has a topic of its own where %s", (_what, flow, outside) => {
    const found = plan(flow);
    const own = found.subTopologies.find(({ call }) => call?.node === "fetch");
    expect(own!.sources).toEqual(["shop.fetch.repartition", ...TIERS]);
    expect(own!.name).toBe("fetch");
    const tiers = found.topics.filter(({ topic }) => TIERS.includes(topic));
    for (const { partitions } of tiers) expect(partitions).toEqual({ like: ["shop.fetch.repartition"] });
    const repartition = found.topics.find(({ topic }) => topic === "shop.fetch.repartition");
    expect(repartition?.partitions).toEqual({ like: outside });
  });

  it("keeps its names when a step is inserted", () => {
    const names = ({ subTopologies, topics }: ReturnType<typeof plan>) => [
      subTopologies.map(({ name, stores }) => [name, stores.map((store) => store.changelog)]),
      topics.map(({ topic }) => topic),
    ];
    const more = plan((from) =>
      from(payments)
        .filter(() => true)
        .call("fetch", fetch())
        .peek(() => undefined)
        .to(all),
    );
    expect(names(more)).toEqual(names(calling()));
  });
});
