import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { type RunningRegistry, startRegistry } from "../../scripts/kafka/start-registry.ts";
import { objectsIn } from "../cli/support/mulgil.ts";
import { eventSchema, totalsProject } from "../cli/support/totals-project.ts";
import { canStartKafka, canStartRegistry, startTestKafka } from "./broker-for-tests.ts";

const isPossible = (await canStartKafka()) && (await canStartRegistry());
const WHY = ["--why", "a test", "--yes"];
const START_MAX_MS = 240_000;

describe.skipIf(!isPossible)("deployments on Kafka", { timeout: 300_000 }, () => {
  let home: string;
  let kafka: RunningKafka;
  let registry: RunningRegistry;
  beforeAll(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), "mulgil-deploy-"));
    kafka = await startTestKafka({});
    registry = await startRegistry({ dir: path.join(home, "registry") });
  }, START_MAX_MS);
  afterAll(async () => {
    await registry?.stop();
    await kafka?.stop();
    if (home !== undefined) await rm(home, { recursive: true });
  }, 60_000);

  const openProject = () => totalsProject(["--kafka", kafka.bootstrap, "--registry", registry.url]);
  const topicsOf = async (project: ReturnType<typeof totalsProject>): Promise<readonly string[]> =>
    (await project.shown("topics")).map(({ topic }: { topic: string }) => topic);

  it("registers a version, runs it and nothing else, and takes it away with its group", async () => {
    const project = openProject();
    await project.write("a", "b", "a");
    await project.done("deploy", "job.ts", ...WHY);
    expect(await project.shown("describe", "totals")).toMatchObject({
      deployment: { why: "a test", schemas: [{ subject: "events-value" }, { subject: "totals-value", use: "writes" }] },
    });
    const again = await project.done("deploy", "job.ts");
    expect(again.stdout).toMatch(/is deployed already\n$/);

    await project.done("run", "job.ts", "--deployed", "--workers", "2", "--until-idle");
    project.job("job.ts", { version: 2, size: "1 day" });
    expect((await project.run("job.ts", "--deployed")).stderr).toContain("[DEPLOY_DIFFERS]");
    expect((await project.command("deploy", "job.ts", ...WHY)).stderr).toContain("PLAN_STORE_CHANGED at job totals");
    project.job("job.ts", {});

    const running = project.start("job.ts", "--deployed");
    await expect
      .poll(async () => (await project.shown("jobs"))[0], { timeout: 60_000 })
      .toMatchObject({ job: "totals", group: "settled", members: 1, tasks: 2, runsDeployed: true });
    expect((await project.command("undeploy", "totals", ...WHY)).stderr).toContain("[UNDEPLOY_RUNNING]");
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0, stderr: "" });

    const { stderr } = await project.done("undeploy", "totals", ...WHY);
    expect(stderr).toMatch(/\n {2}- topic totals.totals.changelog \(changelog, \d+ records\)\n/);
    expect(stderr).toMatch(/\n {2}- group totals, with the offsets of events \(0: \d+, 1: \d+\)\n/);
    expect(await topicsOf(project)).toEqual([
      ...["events", "mulgil.audit", "mulgil.control", "mulgil.deployments", "mulgil.plans", "totals", "totals.dlq"],
    ]);
    expect(await project.shown("jobs")).toEqual([]);

    // A job of that name begins anew: it counts from the first record on.
    await project.done("run", "job.ts", "--until-idle");
    const { stdout } = await project.done("read", "totals", "--key-type", "string");
    const counts = objectsIn<{ key: string; value: { events: number } }>(stdout).map(
      ({ key, value }) => `${key} ${value.events}`,
    );
    expect(counts.sort()).toEqual(["a 2", "a 2", "b 1", "b 1"]);
    await project.done("undeploy", "totals", "--dlq", ...WHY);
  });

  it("checks local schemas against every version that records carry, which the registry does not, and registers them", async () => {
    const project = openProject();
    const local = (...fields: readonly object[]) =>
      project.file("event.avsc", JSON.stringify(eventSchema(2, ...fields)));
    const schemas = (...args: readonly string[]) => project.command("schemas", ...args, "--schemas", ".");
    await project.write("c");
    local({ name: "city", type: "string", default: "?" });
    expect(await schemas("register", ...WHY)).toMatchObject({ code: 0 });
    const listed = JSON.parse((await schemas("ls", "-o", "json")).stdout);
    expect(listed).toContainEqual(
      expect.objectContaining({ subject: "events-value", compatibility: "BACKWARD", status: "latest" }),
    );
    await project.write("d");
    local({ name: "city", type: "string" });
    const checked = await schemas("check", "events", "--scan");
    expect(checked).toMatchObject({ code: 3, stderr: "" });
    expect(checked.stdout).toMatch(
      /records carry versions 1 \(\d+ records\), 2 \(1 record\)\n {2}version 1 {2}Event.city: /,
    );
    expect((await schemas("register", ...WHY)).stderr).toContain("[SCHEMA_INCOMPATIBLE]");
    local({ name: "city", type: "string", default: "?" }, { name: "day", type: "int", default: 0 });
    expect(await schemas("check")).toMatchObject({ code: 0 });
    expect((await schemas("diff")).stdout).toContain("  + Event.day: int, default 0\n");
    expect((await schemas("register", ...WHY)).stdout).toMatch(/^registered event.avsc as events-value, id \d+\n$/);
  });
});
