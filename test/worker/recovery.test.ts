import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JobEvent, JobsRun, TaskStatus } from "mulgil";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WorkerEnvironment } from "../../runtime/worker/worker-environment.ts";
import { levelDisk } from "../../state/level-disk.ts";
import { openHarness } from "./harness.ts";
import { HOUR_MS, hourlyTotals, payment, payments, totals } from "./jobs.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mulgil-recovery-"));
});
afterEach(async () => await rm(root, { recursive: true, force: true }));

async function runOnce() {
  const harness = await openHarness(levelDisk(root));
  await harness.createTopic(payments.name, 1);
  await harness.produce(payments, [payment("1", "ann", 0), payment("2", "bob", 1), payment("3", "ann", 2 * HOUR_MS)]);
  await harness.runUntilIdle([hourlyTotals()]);
  return harness;
}

const store = () => join(root, "hourly", "shop.payments_0", "hourly");
const countsOf = async (harness: Awaited<ReturnType<typeof openHarness>>) =>
  (await harness.read(totals)).map(({ key, value }) => `${key} ${value.count}`);

describe("state after", () => {
  it("a clean stop is not read again", async () => {
    const harness = await runOnce();
    await harness.runUntilIdle([hourlyTotals()]);
    expect(harness.events.filter((event) => event.kind === "restored").map((event) => event.entries)).toEqual([0, 0]);
  });

  it("the loss of the disk is rebuilt from the changelog, stream time included: a closed window does not reopen", async () => {
    const harness = await runOnce();
    await rm(root, { recursive: true, force: true });
    await harness.produce(payments, [payment("4", "ann", 2 * HOUR_MS + 1), payment("5", "bob", 2)]);
    const [status] = await harness.runUntilIdle([hourlyTotals()]);
    expect(status!.late).toBe(1);
    expect(await countsOf(harness)).toEqual(["ann 1", "bob 1", "ann 1", "ann 2"]);
  });

  it("is told while it is being restored, with what is left, and no more when it is there", async () => {
    const harness = await runOnce();
    await rm(root, { recursive: true, force: true });
    let run: JobsRun | undefined;
    const seen: (TaskStatus | undefined)[] = [];
    const taskNow = () => run?.members()[0]?.tasks.find(({ task }) => task === "shop.payments_0");
    run = await harness.start([hourlyTotals()], {
      environment: {
        onEvent: ({ kind }: JobEvent) => kind === "restoring" && seen.push(taskNow()),
      } as unknown as WorkerEnvironment,
    });
    await run.untilIdle();
    expect(run.members()).toMatchObject([
      { job: "hourly", worker: "hourly-0", memberId: expect.stringMatching(/./), isAssigned: true },
    ]);
    expect(taskNow()).toMatchObject({
      ...{ task: "shop.payments_0", status: "running", restoring: undefined, work: undefined, trouble: undefined },
      inputs: [{ topic: "shop.payments", partition: 0, committed: 3, position: 3, endOffset: 3 }],
    });
    await run.stop();
    expect(seen).toContainEqual({
      ...{ stores: [], trouble: undefined },
      ...{ task: "shop.payments_0", status: "restoring" },
      restoring: {
        done: expect.any(Number),
        total: expect.any(Number),
        recordsPerSecond: expect.any(Number),
        timeLeftMs: 0,
      },
    });
    const ofStore = seen.find((status) => status?.restoring !== undefined && status.restoring.total > 0)!.restoring!;
    expect([ofStore.done, ofStore.recordsPerSecond > 0]).toEqual([ofStore.total, true]);
    expect(run.members()[0]).toMatchObject({ isAssigned: false, memberId: undefined, tasks: [] });
  });

  it("damage to a directory is moved aside and rebuilt", async () => {
    const harness = await runOnce();
    for (const file of await readdir(store()))
      if (/^(CURRENT|MANIFEST)/.test(file)) await writeFile(join(store(), file), "damaged");
    await harness.produce(payments, [payment("4", "ann", 2 * HOUR_MS + 1)]);
    await harness.runUntilIdle([hourlyTotals()]);
    expect(harness.events.find((event) => event.kind === "quarantined")).toMatchObject({ store: "hourly" });
    expect(await readdir(join(store(), ".."))).toContain("hourly.quarantine-1");
    expect((await countsOf(harness)).at(-1)).toBe("ann 2");
  });

  it("a changelog that was given up and made again is not mixed with what the disk has", async () => {
    const harness = await runOnce();
    await harness.log.deleteTopic("hourly.hourly.changelog");
    await harness.produce(payments, [payment("4", "ann", 2 * HOUR_MS + 1)]);
    await harness.runUntilIdle([hourlyTotals()], { droppedStores: ["hourly"] });
    expect((await countsOf(harness)).at(-1)).toBe("ann 1");
  });

  it("directories are readable by their owner only", async () => {
    await runOnce();
    for (const path of [join(root, "hourly"), store()]) expect((await stat(path)).mode & 0o077).toBe(0);
  });
});
