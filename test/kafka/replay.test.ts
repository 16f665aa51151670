import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { type RunningRegistry, startRegistry } from "../../scripts/kafka/start-registry.ts";
import { CompareProject, FIELDS } from "../cli/support/compare-project.ts";
import { ascending, PARTITIONS, ReplayProject, upTo } from "../cli/support/replay-project.ts";
import { canStartKafka, canStartRegistry, startTestKafka } from "./broker-for-tests.ts";

const isPossible = (await canStartKafka()) && (await canStartRegistry());
const EVENTS = 4_000;
const TEST_MAX_MS = 240_000;
const soon = { timeout: 120_000, interval: 500 };

describe.skipIf(!isPossible)("mulgil replay on Kafka", { timeout: TEST_MAX_MS }, () => {
  let home: string;
  let kafka: RunningKafka;
  let registry: RunningRegistry;
  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), "mulgil-replay-"));
    kafka = await startTestKafka({});
    registry = await startRegistry({ dir: path.join(home, "registry") });
  }, TEST_MAX_MS);
  afterAll(async () => {
    await registry?.stop();
    await kafka?.stop();
    rmSync(home, { recursive: true, force: true });
  }, 60_000);

  const open = async (name: string): Promise<ReplayProject> => {
    const project = new ReplayProject(name, ["--kafka", kafka.bootstrap, "--registry", registry.url]);
    await project.write(EVENTS);
    return project;
  };

  it("killed halfway into another topic and resumed: nothing twice, nothing missing", async () => {
    const shop = await open("copied");
    const dry = await shop.replay(shop.events, "--to-topic", "copied.copy", "--dry-run", "--where", "value.amount < 1");
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining("100 records of topic copied.events") });
    expect(dry.stdout).toContain(`topic copied.copy would be made, with ${PARTITIONS} partitions`);
    const first = shop.startReplay(shop.events, "--to-topic", "copied.copy", "--rate", "100/s", "--id", "copied");
    await shop.untilHalfway("copied", EVENTS, first);
    first.process.kill("SIGKILL");
    await first.ended;
    expect(await shop.changing("resume", "copied", "--rate", "5000/s")).toMatchObject({ code: 0 });
    expect(ascending(await shop.numbersIn("copied.copy"))).toEqual(upTo(EVENTS));
    expect(await shop.replays()).toMatchObject([{ status: "done", counts: { records: EVENTS, written: EVENTS } }]);
  });

  it("killed halfway into a job and resumed, while the job's workers are killed, too: its totals end exactly", async () => {
    const shop = await open("summed");
    const running = shop.run("--workers", "2");
    await expect.poll(() => shop.totals(), soon).toEqual(shop.expectedTotals(1));
    const first = shop.startReplay(shop.events, "--to-job", "summed", "--rate", "100/s", "--id", "summed");
    await shop.untilHalfway("summed", EVENTS, first);
    first.process.kill("SIGKILL");
    await first.ended;
    const resumed = shop.changing("resume", "summed", "--rate", "1000/s");
    // As soon as some are counted: a worker that dies among them.
    const counted = async () => [...(await shop.totals()).values()].reduce((sum, { events }) => sum + events, 0);
    await expect.poll(counted, soon).toBeGreaterThan(EVENTS);
    running.process.kill("SIGKILL");
    await running.ended;
    expect(await resumed).toMatchObject({ code: 0 });
    await shop.runUntilIdle();
    expect(await shop.totals()).toEqual(shop.expectedTotals(2));
    // The source is as it was.
    expect(ascending(await shop.numbersIn(shop.events))).toEqual(upTo(EVENTS));
  });

  it("by two processes at once: the first one ends, and nothing is twice", async () => {
    const shop = await open("fenced");
    const first = shop.startReplay(shop.events, "--to-topic", "fenced.copy", "--rate", "50/s", "--id", "fenced");
    await shop.untilHalfway("fenced", EVENTS, first);
    const second = shop.changing("resume", "fenced", "--rate", "5000/s");
    expect(await first.ended).toMatchObject({ code: 1, stderr: expect.stringContaining("another process goes on") });
    expect(await second).toMatchObject({ code: 0 });
    expect(ascending(await shop.numbersIn("fenced.copy"))).toEqual(upTo(EVENTS));
  });

  it("and what came of it is compared with where it came from", async () => {
    const project = new CompareProject(["--kafka", kafka.bootstrap, "--registry", registry.url]);
    const rows = Array.from({ length: 100 }, (_, number) => ({ id: `c-${number}`, amount: `${number}.50` }));
    await project.write("compared", rows, { partitions: 3 });
    const { id, amount, note, at } = FIELDS;
    await project.write("compared.green", rows, { partitions: 2, fields: [at, note, amount, id] });
    expect(await project.compared("compared", "compared.green")).toMatchObject({ isEqual: true, equal: 100 });
    await project.write("compared.green", [{ id: "c-7", amount: "7.51" }, rows[3]!], {
      fields: [at, note, amount, id],
    });
    expect(await project.compared("compared", "compared.green")).toMatchObject({
      ...{ equal: 99, different: 1, right: { records: 102, keys: 100 } },
      differences: [{ key: "c-7", fields: [{ field: "amount", left: "7.50", right: "7.51" }] }],
    });
    expect(await project.compared("compared", "compared.green", "--events")).toMatchObject({
      equal: 100,
      onlyRight: 2,
    });
  });
});
