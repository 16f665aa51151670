import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRegistry } from "../../scripts/kafka/start-registry.ts";
import { canStartKafka, canStartRegistry, startTestKafka } from "./broker-for-tests.ts";
import { CountingProject, type Surroundings } from "./counting-project.ts";

const isPossible = (await canStartKafka()) && (await canStartRegistry());
const EVENTS = 2_000;

describe.skipIf(!isPossible)("a reset on Kafka", { timeout: 240_000 }, () => {
  let folder: string;
  let surroundings: Surroundings;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "mulgil-reset-"));
    const [kafka, registry] = await Promise.all([startTestKafka({}), startRegistry({ dir: folder })]);
    surroundings = { kafka, registry };
  }, 180_000);
  afterAll(async () => {
    await surroundings?.registry.stop();
    await surroundings?.kafka.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it("has everything counted anew, once, on whatever disk the state was", async () => {
    const project = new CountingProject("reset-counts", surroundings);
    await project.write(EVENTS);
    expect(await project.run("--until-idle").ended).toMatchObject({ code: 0 });
    const { found, expected } = await project.counts();
    expect(found).toEqual(expected);

    const reset = ["reset", "reset-counts", "--to", "earliest", "--why", "proof", "--yes"];
    expect(await project.command(...reset)).toMatchObject({ code: 0 });
    await project.write(EVENTS);
    expect(await project.run("--until-idle").ended).toMatchObject({ code: 0 });
    const after = await project.counts();
    expect(after.found).toEqual(after.expected);
    // What was written before the reset stays, and is there once more.
    expect(await project.copies()).toEqual({ records: 3 * EVENTS, distinct: 2 * EVENTS });
    expect(JSON.parse((await project.command("audit", "-o", "json")).stdout)).toMatchObject([
      { action: "reset", outcome: "begun" },
      { action: "reset", outcome: "done" },
    ]);
  });

  it("is refused while a worker runs, and by its name", async () => {
    const project = new CountingProject("reset-running", surroundings);
    await project.write(10);
    const run = project.run();
    await run.until(({ stdout }) => stdout.includes('"message":"assigned"'));
    const outcome = await project.command("reset", "reset-running", "--to", "earliest", "--why", "x", "--yes");
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/job "reset-running" is running: reset-running-0.*\[RESET_RUNNING\]/);
    run.process.kill("SIGTERM");
    expect(await run.ended).toMatchObject({ code: 0 });
  });
});
