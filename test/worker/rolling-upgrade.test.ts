import { count, defineJob } from "mulgil";
import { describe, expect, it } from "vitest";
import type { JobsRun } from "../../runtime/worker/run-jobs.ts";
import { memoryDisk } from "../../state/memory-disk.ts";
import { openHarness } from "./harness.ts";
import { customers, payments } from "./jobs.ts";

const PARTITIONS = 2;
type Source = typeof payments | typeof customers;

const jobOf = (version: number, sources: readonly Source[]) =>
  defineJob({
    ...{ name: "counts", version, commitEvery: "20 ms", standbys: 1 },
    flow(from) {
      for (const source of sources)
        from(source).aggregate(`of ${source.name}`.replaceAll(" ", "-"), { count: count() });
    },
  });
const tasksOf = async (run: JobsRun) => (await run.status())[0]!.tasks;

describe("a worker with a newer plan, led by one with an older one", () => {
  const upgrade = async (before: readonly Source[], after: readonly Source[]) => {
    const harness = await openHarness();
    for (const { name } of [payments, customers]) await harness.createTopic(name, PARTITIONS);
    const start = (version: number, sources: readonly Source[], droppedStores: readonly string[]) =>
      harness.start([jobOf(version, sources)], {
        ...{ isShared: true, droppedStores },
        environment: { location: String(version), disk: memoryDisk() },
      });
    const old = await start(1, before, []);
    await expect.poll(() => tasksOf(old)).toBe(before.length * PARTITIONS);
    const dropped = before.filter((source) => !after.includes(source)).map(({ name }) => `of-${name}`);
    return { old, recent: await start(2, after, dropped) };
  };

  it("runs what both have, though the older one gives it a source that it no longer reads", async () => {
    const { old, recent } = await upgrade([payments, customers], [payments]);
    await expect.poll(() => tasksOf(recent)).toBe(PARTITIONS);
    await recent.untilIdle();
    await old.stop();
    await expect.poll(() => tasksOf(recent)).toBe(PARTITIONS);
    await recent.stop();
  });

  it("gets what only it has when the older one has left", async () => {
    const { old, recent } = await upgrade([payments], [payments, customers]);
    await expect.poll(() => tasksOf(recent)).toBe(PARTITIONS);
    await old.stop();
    await expect.poll(() => tasksOf(recent)).toBe(2 * PARTITIONS);
    await recent.stop();
  });
});
