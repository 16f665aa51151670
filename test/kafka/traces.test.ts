import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { type RunningRegistry, startRegistry } from "../../scripts/kafka/start-registry.ts";
import { mulgil, objectsIn } from "../cli/support/mulgil.ts";
import { collector, TRACED_PROJECT } from "../cli/support/traced-project.ts";
import { canStartKafka, canStartRegistry, startTestKafka } from "./broker-for-tests.ts";

interface Printed {
  readonly key: unknown;
  readonly value: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly masked?: readonly string[];
}

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PHONE = "010-1234-5678";
const CUSTOMERS = JSON.stringify({
  type: "record",
  name: "Customer",
  topic: "shop.customers",
  key: "phone",
  partitions: 1,
  fields: [
    { name: "phone", type: "string", pii: "mask" },
    { name: "segment", type: "string" },
  ],
});
const isThere = (await canStartKafka()) && (await canStartRegistry());

describe.skipIf(!isThere)("traces and personal data on Kafka", () => {
  let home: string;
  let kafka: RunningKafka;
  let registry: RunningRegistry;
  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), "mulgil-traces-"));
    for (const [name, content] of Object.entries({ ...TRACED_PROJECT, "customers.avsc": CUSTOMERS }))
      writeFileSync(path.join(home, name), content);
    kafka = await startTestKafka({});
    registry = await startRegistry({ dir: path.join(home, "registry") });
  }, 240_000);
  afterAll(async () => {
    await registry?.stop();
    await kafka?.stop();
    rmSync(home, { recursive: true, force: true });
  }, 60_000);

  const run = (args: readonly string[], { stdin = "", env = {} } = {}) =>
    mulgil(args, {
      cwd: home,
      stdin,
      env: { MULGIL_KAFKA: kafka.bootstrap, MULGIL_REGISTRY: registry.url, MULGIL_DATA_DIR: "data", ...env },
    });

  it("go from a record's header through a retry tier to the output", { timeout: 240_000 }, async () => {
    const collected = await collector();
    const row = { value: { orderId: 1 }, headers: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` } };
    const stdin = JSON.stringify(row);
    const written = await run(["write", "shop.orders", "-f", "-", "--envelope", "--schemas", "."], { stdin });
    expect(written).toMatchObject({ code: 0 });
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collected.url, OTEL_TRACES_SAMPLER: "parentbased_always_off" };
    expect(await run(["run", "job.ts", "--until-idle"], { env })).toMatchObject({ code: 0 });
    expect(new Set(collected.spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
    expect(collected.spans.filter(({ name }) => name === "call ask")).toHaveLength(2);
    const sent = collected.spans.find(({ name }) => name === "send shop.answers");
    const [answer] = objectsIn<Printed>((await run(["read", "shop.answers"])).stdout);
    expect(answer!.headers["traceparent"]).toBe(`00-${TRACE}-${sent!.spanId}-01`);
  });

  it("is hidden by the newest schema of the registry, and shown with --reveal to who says why", {
    timeout: 120_000,
  }, async () => {
    const stdin = JSON.stringify({ phone: PHONE, segment: "gold" });
    expect(await run(["write", "shop.customers", "-f", "-", "--schemas", "."], { stdin })).toMatchObject({ code: 0 });
    const { stdout } = await run(["read", "shop.customers", "--schemas", "elsewhere"]);
    expect(stdout).not.toContain(PHONE);
    expect(objectsIn<Printed>(stdout)).toMatchObject([{ value: { segment: "gold" }, masked: ["key", "value.phone"] }]);
    const revealed = await run(["read", "shop.customers", "--reveal", "--why", "complaint 4711"]);
    expect(objectsIn<Printed>(revealed.stdout)).toMatchObject([{ key: PHONE, value: { phone: PHONE } }]);
    const { stdout: trail } = await run(["audit", "-o", "json"]);
    expect(JSON.parse(trail)).toMatchObject([{ action: "reveal", why: "complaint 4711", outcome: "done" }]);
  });
});
