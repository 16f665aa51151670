import { describe, expect, it } from "vitest";
import { count } from "../dsl/aggregators.ts";
import { defineJob, type JobDefinition } from "../dsl/define-job.ts";
import { payments } from "../dsl/payments.fixture.ts";
import { tumbling } from "../dsl/windows.ts";
import { compile } from "./compile.ts";
import { diffPlans } from "./diff-plans.ts";

const plan = (flow: JobDefinition["flow"], more: Partial<JobDefinition> = {}) =>
  compile(defineJob({ name: "shop", version: 1, flow, ...more }));
const daily = (step: string, size: string, grace = "1 hour") =>
  plan((from) => void from(payments).window(tumbling(size, { grace })).aggregate(step, { n: count() }));

const diff = (...plans: Parameters<typeof diffPlans>) =>
  diffPlans(...plans).map(({ what, name, change, before, after }) =>
    [change, what, name, before, after].filter((text) => text !== undefined).join(" | "),
  );

describe("diffPlans", () => {
  it("finds everything new where there was nothing, and nothing in equal plans", () => {
    expect(diff(undefined, daily("daily", "1 day")).map((line) => line.split(" | ").slice(0, 3).join(" "))).toEqual([
      ...["added step shop.payments", "added step daily", "added store daily"],
      ...["added topic shop.payments", "added topic shop.daily.changelog", "added topic shop.dlq"],
    ]);
    expect(diff(daily("daily", "1 day"), daily("daily", "1 day"))).toEqual([]);
  });

  it("tells a changed window from a longer grace: the layout of the store stays with that", () => {
    const [step, store, ...rest] = diff(daily("daily", "1 day"), daily("daily", "2 days"));
    expect(step).toMatch(
      /^changed \| step \| daily \| aggregate \(tumbling 1 day, .* \| aggregate \(tumbling 2 days, /,
    );
    expect(store).toMatch(/^changed \| store \| daily \| .* layout ([0-9a-f]{8}) \| .* layout (?!\1)[0-9a-f]{8}$/);
    expect(rest).toMatchObject([expect.stringMatching(/^changed \| topic \| shop.daily.changelog \| .*kept 8 days/)]);
    const longer = diff(daily("daily", "1 day"), daily("daily", "1 day", "5 days"));
    expect(longer[1]).toMatch(/layout ([0-9a-f]{8}) \| .* layout \1$/);
  });

  it("tells a renamed step as one that went and one that came", () => {
    expect(
      diff(daily("daily", "1 day"), daily("by-day", "1 day")).map((line) => line.split(" | ").slice(0, 3).join(" ")),
    ).toEqual([
      ...["added step by-day", "removed step daily", "added store by-day", "removed store daily"],
      ...["added topic shop.by-day.changelog", "removed topic shop.daily.changelog"],
    ]);
  });

  it("tells settings of the job", () => {
    const flow: JobDefinition["flow"] = (from) => void from(payments).aggregate("ever", { n: count() });
    expect(diff(plan(flow), plan(flow, { delivery: "at-least-once", standbys: 1, commitEvery: "5 s" }))).toEqual([
      "changed | setting | delivery | exactly-once | at-least-once",
      "changed | setting | commitEvery | 1 second | 5 seconds",
      "changed | setting | standbys | 0 | 1",
    ]);
  });
});
