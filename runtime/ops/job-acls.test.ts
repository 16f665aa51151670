import { describe, expect, it } from "vitest";
import { count } from "../dsl/aggregators.ts";
import { defineJob, type JobDefinition } from "../dsl/define-job.ts";
import { done } from "../dsl/outcome.ts";
import { payments, totals } from "../dsl/payments.fixture.ts";
import { tumbling } from "../dsl/windows.ts";
import { compile } from "../plan/compile.ts";
import { type AclOptions, aclsOf } from "./job-acls.ts";

const flow: JobDefinition["flow"] = (from) => {
  const stream = from(payments);
  stream
    .keyBy((payment) => payment.id)
    .window(tumbling("1 day", { grace: "1 hour" }))
    .aggregate("daily", { count: count() });
  stream
    .aggregate("ever", { count: count() })
    .map(({ count }) => ({ count }) as never, totals.value)
    .to(totals);
};

const rights = (options: Partial<AclOptions> = {}, definition: Partial<JobDefinition> = {}) => {
  const plan = compile(defineJob({ name: "shop", version: 1, flow, ...definition }));
  return Object.fromEntries(
    aclsOf(plan, { topics: "ensure", onlyDeployed: false, ...options }).map(
      ({ resource, name, pattern, operations }) => [
        `${resource} ${name}${pattern === "prefixed" ? "*" : ""}`,
        operations.join(" "),
      ],
    ),
  );
};

describe("aclsOf", () => {
  it("has what each topic of a job is used for, its group, and its transactions", () => {
    expect(rights()).toEqual({
      "topic shop.payments": "Read DescribeConfigs",
      "topic shop.totals": "Write DescribeConfigs Create",
      "topic shop.daily.repartition": "Read Write Delete DescribeConfigs Create",
      "topic shop.daily.changelog": "Read Write AlterConfigs Create",
      "topic shop.ever.changelog": "Read Write DescribeConfigs Create",
      "topic shop.dlq": "Write DescribeConfigs Create",
      "topic shop.shop.payments.replay": "Read Delete DescribeConfigs",
      "topic shop.shop.daily.repartition.replay": "Read Delete DescribeConfigs",
      "topic mulgil.control": "Read Write DescribeConfigs Create",
      "topic mulgil.plans": "Read Write DescribeConfigs Create",
      "topic mulgil.audit": "Write DescribeConfigs Create",
      "group shop": "Read",
      "transactional-id shop/*": "Write",
    });
  });

  it("lets nobody make or change topics who only verifies them", () => {
    const verified = Object.values(rights({ topics: "verify" })).join(" ");
    expect(verified).not.toMatch(/Create|AlterConfigs/);
    expect(rights({ topics: "verify" })["topic shop.daily.changelog"]).toBe("Read Write DescribeConfigs");
  });

  it("reads the deployments only for a start that looks at them, and has no transactions without exactly-once", () => {
    expect(rights({ onlyDeployed: true })["topic mulgil.deployments"]).toBe("Read DescribeConfigs");
    expect(Object.keys(rights({}, { delivery: "at-least-once" })).join()).not.toContain("transactional-id");
  });

  it("writes the audit trail only for who has state that can be revealed", () => {
    const stateless = rights({}, { flow: (from) => from(payments).to({ ...payments, name: "copies" }) });
    expect(Object.keys(stateless)).not.toContain("topic mulgil.audit");
  });

  it("has the tiers and the circuits of a call", () => {
    const calls = rights(
      {},
      {
        flow: (from) =>
          void from(payments)
            .call("ask", { resource: () => "bank", tiers: ["1 second"], handler: () => done() })
            .map(() => ({ count: 1 }) as never, totals.value)
            .to(totals),
      },
    );
    expect(calls).toMatchObject({
      "topic shop.ask.retry.1second": "Read Write Delete DescribeConfigs Create",
      "topic shop.circuits": "Read Write DescribeConfigs Create",
      "topic shop.ask.inputs.changelog": "Read Write DescribeConfigs Create",
    });
  });
});
