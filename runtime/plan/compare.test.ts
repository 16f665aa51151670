import { describe, expect, it } from "vitest";
import { count, sum } from "../dsl/aggregators.ts";
import { defineJob, type JobDefinition } from "../dsl/define-job.ts";
import { payments } from "../dsl/payments.fixture.ts";
import { tumbling } from "../dsl/windows.ts";
import { comparePlans } from "./compare.ts";
import { compile } from "./compile.ts";

const plan = (flow: JobDefinition["flow"]) => compile(defineJob({ name: "shop", version: 1, flow }));
const daily = (grace: string, size = "1 day") =>
  plan((from) => void from(payments).window(tumbling(size, { grace })).aggregate("daily", { n: count() }));
const codes = (...plans: Parameters<typeof comparePlans>) => comparePlans(...plans).map(({ code }) => code);

describe("comparePlans", () => {
  it("accepts the same plan, a longer grace, and a new store", () => {
    expect(codes(daily("1 hour"), daily("1 hour"))).toEqual([]);
    expect(codes(daily("1 hour"), daily("2 hours"))).toEqual([]);
    const more = plan((from) => {
      const stream = from(payments);
      stream.window(tumbling("1 day", { grace: "1 hour" })).aggregate("daily", { n: count() });
      stream.aggregate("ever", { n: count() });
    });
    expect(codes(daily("1 hour"), more)).toEqual([]);
  });

  it("refuses another window and other quantities under the same name", () => {
    expect(codes(daily("1 hour"), daily("1 hour", "2 days"))).toEqual(["PLAN_STORE_CHANGED"]);
    const points = plan(
      (from) =>
        void from(payments)
          .window(tumbling("1 day", { grace: "1 hour" }))
          .aggregate("daily", { n: sum((payment) => payment.points) }),
    );
    expect(codes(daily("1 hour"), points)).toEqual(["PLAN_STORE_CHANGED"]);
  });

  it("refuses a renamed step", () => {
    const renamed = plan(
      (from) =>
        void from(payments)
          .window(tumbling("1 day", { grace: "1 hour" }))
          .aggregate("days", { n: count() }),
    );
    expect(codes(daily("1 hour"), renamed)).toEqual(["PLAN_STORE_REMOVED"]);
  });

  it("refuses a store that would move behind a repartition", () => {
    const direct = plan((from) => void from(payments).aggregate("ever", { n: count() }));
    const moved = plan(
      (from) =>
        void from(payments)
          .keyBy((payment) => payment.id)
          .aggregate("ever", { n: count() }),
    );
    expect(codes(direct, moved)).toEqual(["PLAN_STORE_MOVED"]);
  });
});
