import { describe, expect, it } from "vitest";
import { defineJob } from "../dsl/define-job.ts";
import type { Duration } from "../dsl/duration.ts";
import { done } from "../dsl/outcome.ts";
import { memoryLog } from "../log/embedded/memory-log.ts";
import { compile } from "../plan/compile.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { requests, results } from "./call-task.fixture.ts";
import { leftTiers } from "./left-tiers.ts";

const planWith = (...tiers: Duration[]) =>
  compile(
    defineJob({
      name: "caller",
      version: 1,
      flow: (from) =>
        from(requests)
          .call("fetch", { resource: () => "bank", tiers, handler: (value) => done(value) })
          .to(results),
    }),
  );

const MINUTE = "caller.fetch.retry.1minute";
const HOUR = "caller.fetch.retry.1hour";
const record = { key: null, value: Buffer.from("x"), timestampMs: 0 };

async function open() {
  const log = await memoryLog({ clock: new ManualClock() });
  const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const;
  await log.ensureTopics([MINUTE, HOUR].map((topic) => ({ topic, partitions: 2, config })));
  return log;
}

describe("a tier that a new version of a job has no more", () => {
  const before = planWith("1 minute", "1 hour");
  const after = planWith("1 minute");

  it("stops it while records wait there, and says how many at most", async () => {
    const log = await open();
    await log.produce([
      { topic: HOUR, partition: 0, records: [record, record] },
      { topic: HOUR, partition: 1, records: [record] },
    ]);
    const [issue, ...others] = await leftTiers(log, before, after);
    expect(others).toEqual([]);
    expect(issue).toMatchObject({ code: "PLAN_TIER_REMOVED", at: "job caller" });
    expect(issue!.message).toContain(`records wait in the retry tier "${HOUR}" (up to 3)`);
  });

  it("stops nothing where it is empty, is kept, is new, was deleted, or nothing ran before", async () => {
    const log = await open();
    expect(await leftTiers(log, before, after)).toEqual([]);
    await log.produce([{ topic: MINUTE, partition: 0, records: [record] }]);
    expect(await leftTiers(log, before, after)).toEqual([]);
    await log.produce([{ topic: HOUR, partition: 0, records: [record] }]);
    expect(await leftTiers(log, after, before)).toEqual([]);
    expect(await leftTiers(log, undefined, after)).toEqual([]);
    expect(await leftTiers(log, planWith("1 minute", "2 hours"), after)).toEqual([]);
  });
});
