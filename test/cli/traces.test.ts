import { describe, expect, it } from "vitest";
import { mulgil, objectsIn, temporaryFolder } from "./support/mulgil.ts";
import { collector, TRACED_PROJECT } from "./support/traced-project.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

async function project(env: Readonly<Record<string, string>>) {
  const cwd = temporaryFolder(TRACED_PROJECT);
  const rows = [
    { value: { orderId: 1 }, headers: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` } },
    { value: { orderId: 2 } },
  ];
  const run = (args: readonly string[], stdin = "") =>
    mulgil(args, { cwd, env: { MULGIL_DATA_DIR: "data", ...env }, stdin });
  const input = rows.map((row) => JSON.stringify(row)).join("\n");
  expect(await run(["write", "shop.orders", "-f", "-", "--envelope", "--schemas", "."], input)).toMatchObject({
    code: 0,
  });
  return run;
}

describe("mulgil run with OTEL_EXPORTER_OTLP_ENDPOINT", () => {
  it("sends the spans of sampled records, through a retry tier to the output, and names traces in its log", async () => {
    const collected = await collector();
    const run = await project({
      OTEL_EXPORTER_OTLP_ENDPOINT: collected.url,
      OTEL_SERVICE_NAME: "shop",
      OTEL_TRACES_SAMPLER: "parentbased_always_off",
    });
    const { code, stdout, stderr } = await run(["run", "job.ts", "--until-idle", "--log-format", "json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(new Set(collected.received.map((each) => each.url))).toEqual(new Set(["/v1/traces"]));
    const [resource] = collected.received[0]!.content.resourceSpans.map((each) => each.resource.attributes);
    expect(resource).toContainEqual({ key: "service.name", value: { stringValue: "shop" } });
    expect(new Set(collected.spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
    expect(collected.spans.map(({ name }) => name).sort()).toEqual([
      "call ask",
      "call ask",
      "process calls.ask.retry.100ms",
      "process shop.orders",
      "send calls.ask.retry.100ms",
      "send shop.answers",
    ]);
    const answers = objectsIn<{ readonly key: number; readonly headers: { readonly traceparent?: string } }>(
      (await run(["read", "shop.answers"])).stdout,
    );
    const sent = collected.spans.find(({ name }) => name === "send shop.answers");
    expect(new Map(answers.map(({ key, headers }) => [key, headers.traceparent]))).toEqual(
      new Map([
        [1, `00-${TRACE}-${sent!.spanId}-01`],
        [2, undefined],
      ]),
    );
    const asked = objectsIn<{ readonly message: string; readonly traceId?: string }>(stdout);
    const traceIds = asked.filter(({ message }) => message === "asked").map(({ traceId }) => traceId);
    expect(traceIds.filter((traceId) => traceId === TRACE)).toHaveLength(2);
    expect(traceIds.filter((traceId) => traceId === undefined)).toHaveLength(2);
  });

  it("ends well where nobody collects", async () => {
    const run = await project({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" });
    expect(await run(["run", "job.ts", "--until-idle", "--log-format", "json"])).toMatchObject({ code: 0, stderr: "" });
    expect(objectsIn((await run(["read", "shop.answers"])).stdout)).toHaveLength(2);
  });

  it("says what is wrong with a sampler", async () => {
    const run = await project({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_TRACES_SAMPLER: "often" });
    expect(await run(["run", "job.ts", "--until-idle"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[TRACING_SETTING]"),
    });
  });
});
