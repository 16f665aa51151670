import { describe, expect, it } from "vitest";
import { count, sum } from "../dsl/aggregators.ts";
import { defineJob, type JobDefinition } from "../dsl/define-job.ts";
import { customers, paymentSchema, payments, totals } from "../dsl/payments.fixture.ts";
import { valueStore } from "../dsl/process.ts";
import { session, tumbling } from "../dsl/windows.ts";
import { DefinitionError } from "../errors/errors.ts";
import { compile } from "./compile.ts";
import { describe as describePlan } from "./describe.ts";
import { validate } from "./validate.ts";

const job = (flow: JobDefinition["flow"], rest: Partial<JobDefinition> = {}) =>
  defineJob({ name: "shop", version: 1, ...rest, flow });

const spending = job((from) => {
  from(payments)
    .filter((payment) => payment.points > 0)
    .keyBy((payment) => payment.id)
    .window(tumbling("1 day", { grace: "10 minutes" }))
    .aggregate("spending", { count: count(), total: sum((payment) => payment.amount, { scale: 2 }) })
    .to(totals);
});

describe("compile", () => {
  it("cuts at repartition topics and names each part after what it reads", () => {
    expect(compile(spending).subTopologies.map(({ name, sources }) => ({ name, sources }))).toEqual([
      { name: "shop.payments", sources: ["shop.payments"] },
      { name: "spending", sources: ["shop.spending.repartition"] },
    ]);
  });

  it("keeps the name of a part when a step is inserted", () => {
    const more = job((from) => {
      from(payments)
        .peek(() => undefined)
        .process("seen", {
          stores: { seen: valueStore(paymentSchema) },
          output: paymentSchema,
          onRecord: (value, context) => context.emit(value),
        })
        .keyBy((payment) => payment.id)
        .window(tumbling("1 day", { grace: "10 minutes" }))
        .aggregate("spending", { count: count() });
    });
    expect(compile(more).subTopologies.map(({ name }) => name)).toEqual(["shop.payments", "spending"]);
  });

  it("plans topics with the configuration that keeps them from losing anything", () => {
    const topics = new Map(compile(spending).topics.map((topic) => [topic.role, topic]));
    const day = 86_400_000;
    expect(topics.get("repartition")).toMatchObject({
      topic: "shop.spending.repartition",
      retentionMs: -1,
      partitions: { like: ["shop.payments"] },
    });
    expect(topics.get("changelog")).toMatchObject({
      topic: "shop.spending.changelog",
      cleanupPolicy: "compact,delete",
      retentionMs: day + 600_000 + 7 * day,
    });
    expect(topics.get("sink")).toMatchObject({ topic: "shop.totals", retentionMs: -1, cleanupPolicy: "delete" });
    expect(topics.get("dlq")).toMatchObject({ topic: "shop.dlq", retentionMs: -1 });
  });

  it("puts a join and its table into one part", () => {
    const joined = job(
      (from) =>
        void from(payments)
          .join("named", from.table("customers", customers), (payment) => payment)
          .peek(() => undefined),
    );
    expect(compile(joined).subTopologies).toHaveLength(1);
    expect(compile(joined).subTopologies[0]!.sources).toEqual(["shop.payments", "shop.customers"]);
  });

  it("gives a repartition beside a table as many partitions as the table has", () => {
    const joined = job((from) => {
      const table = from.table("customers", customers);
      from(payments)
        .keyBy((payment) => payment.id)
        .join("named", table, (payment) => payment)
        .peek(() => undefined);
    });
    expect(compile(joined).topics.find(({ role }) => role === "repartition")!.partitions).toEqual({
      like: ["shop.customers"],
    });
  });

  it("hashes what runs, not the version", () => {
    const flow: JobDefinition["flow"] = (from) => void from(payments).aggregate("all", { n: count() });
    expect(compile(job(flow, { version: 2 })).hash).toBe(compile(job(flow)).hash);
    expect(compile(job((from) => void from(payments).aggregate("other", { n: count() }))).hash).not.toBe(
      compile(job(flow)).hash,
    );
  });

  it("survives being written as JSON", () => {
    const plan = compile(spending);
    expect(JSON.parse(describePlan(plan, "json"))).toEqual(plan);
  });
});

describe("validate", () => {
  it("accepts a job without mistakes", () => expect(validate(spending)).toEqual([]));

  it("reports every mistake at once, each with a code, a place and a remedy", () => {
    const wrong = job(
      (from) => {
        const stream = from(payments);
        stream.filter(() => true);
        stream.window(tumbling("1 month", { grace: "soon" })).aggregate("months", {});
        stream.window(session("5 minutes", { grace: "none" })).aggregate("visits", {
          initial: () => ({ count: 0, total: null as never }),
          add: (total) => total,
          schema: totals.value,
        });
        stream.aggregate("months", { n: count() }, { emit: "on-close" });
        stream.map((payment) => payment.id).reduce("ids", (left) => left);
        stream.process("timed", { timers: { later: "stream-time" }, onRecord: () => undefined });
      },
      { name: "not a name", version: 0, commitEvery: "sometimes" },
    );
    const issues = validate(wrong);
    expect(issues.map(({ code }) => code).sort()).toEqual(
      [
        "JOB_NAME",
        "JOB_VERSION",
        "JOB_COMMIT_EVERY",
        "JOB_STEP_DUPLICATE",
        "JOB_DEAD_END",
        "JOB_WINDOW_DURATION",
        "JOB_WINDOW_ZONE",
        "JOB_AGGREGATOR",
        "JOB_MERGE_MISSING",
        "JOB_EMIT",
        "JOB_SCHEMA_MISSING",
        "JOB_TIMER_HANDLER",
      ].sort(),
    );
    expect(issues.every(({ at, message }) => at !== "" && message.length > 20)).toBe(true);
    expect(() => compile(wrong)).toThrow(DefinitionError);
  });

  it.each<[string, JobDefinition["flow"], string]>([
    [
      "state over records without a key",
      (from) => void from({ ...payments, key: undefined } as never as typeof payments).aggregate("n", { n: count() }),
      "JOB_KEY_MISSING",
    ],
    [
      "a key that is no field",
      (from) => void from({ ...payments, key: "nobody" } as never as typeof payments).peek(() => undefined),
      "TOPIC_KEY_FIELD",
    ],
    [
      "a key that is no string or number",
      (from) => void from({ ...payments, key: "amount" } as never as typeof payments).peek(() => undefined),
      "TOPIC_KEY_FIELD",
    ],
    [
      "an event time that is no time",
      (from) => void from({ ...payments, eventTime: "points" }).peek(() => undefined),
      "JOB_EVENT_TIME",
    ],
    [
      "a topic opened twice",
      (from) => {
        from(payments).peek(() => undefined);
        from(payments).peek(() => undefined);
      },
      "JOB_SOURCE_DUPLICATE",
    ],
    ["a job that reads what it writes", (from) => from(payments).to(payments), "JOB_TOPIC_LOOP"],
    [
      "a topic defined in two ways",
      (from) => {
        from(payments).to(totals as never);
        from({ ...totals, name: "x" }).to({ ...payments, name: "shop.totals" } as never);
      },
      "JOB_TOPIC_CONFLICT",
    ],
    [
      "a field that does not exist",
      (from) => void from(payments, { fields: ["nobody" as "id"] }).peek(() => undefined),
      "JOB_SOURCE_FIELDS",
    ],
    [
      "a repartition of records without a schema",
      (from) =>
        void from(payments)
          .map((payment) => payment.id)
          .keyBy((id) => id)
          .aggregate("n", { n: count() }),
      "JOB_SCHEMA_MISSING",
    ],
    [
      "a join with another type of key",
      (from) =>
        void from(payments)
          .keyBy((payment) => payment.points, "long")
          .join("j", from.table("customers", customers) as never, (payment) => payment)
          .peek(() => undefined),
      "JOB_JOIN_KEY",
    ],
    [
      "a topic that the job makes for itself",
      (from) => from(payments).to({ ...payments, name: "shop.dlq" }),
      "JOB_TOPIC_RESERVED",
    ],
    ["a flow that reads nothing", () => undefined, "JOB_EMPTY"],
    ["a bad topic name", (from) => void from({ ...payments, name: "a topic" }).peek(() => undefined), "JOB_TOPIC_NAME"],
    [
      "a schema that is none",
      (from) =>
        void from({
          ...payments,
          value: { avro: { type: "recrod" } },
          key: undefined,
          eventTime: undefined,
        } as never as typeof payments).peek(() => undefined),
      "JOB_SCHEMA_INVALID",
    ],
  ])("refuses %s", (_name, flow, code) => {
    expect(validate(job(flow)).map((issue) => issue.code)).toContain(code);
  });
});

describe("describe", () => {
  it("prints the plan as text", () => {
    const text = describePlan(compile(spending), "text");
    expect(text).toContain("job shop, version 1");
    expect(text).toContain("sub-topology spending: one task per partition of shop.spending.repartition");
    expect(text).toContain("tumbling 1 day, grace 10 minutes, emits on-commit");
    expect(text).toMatch(/changelog\s+shop\.spending\.changelog/);
  });

  it("prints the plan as a Mermaid flow chart with one subgraph a part", () => {
    const chart = describePlan(compile(spending), "mermaid");
    expect(chart.split("\n")[0]).toBe("flowchart LR");
    expect(chart.match(/subgraph/g)).toHaveLength(2);
    expect(chart).toContain("-->");
  });
});
