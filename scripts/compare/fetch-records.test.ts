import { expect, it } from "vitest";
import { memoryLog } from "../../runtime/log/embedded/memory-log.ts";
import { ManualClock } from "../../runtime/testing/manual-clock.ts";
import { fetchRecords } from "./fetch-records.ts";

it("fetches records by their offsets, and says which were removed meanwhile", async () => {
  const log = await memoryLog({ clock: new ManualClock(), random: () => 0.5 });
  const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 1 } as const;
  await log.ensureTopics([{ topic: "t", partitions: 1, config }]);
  const records = ["a", "b", "c"].map((key) => ({ key: Buffer.from(key), value: null, timestampMs: 1 }));
  await log.produce([{ topic: "t", partition: 0, records }]);
  await log.deleteRecords([{ topic: "t", partition: 0, offset: 1 }]);
  const places = [{ partition: 0, offset: 2 }, undefined, { partition: 0, offset: 0 }, { partition: 0, offset: 1 }];
  const found = await fetchRecords(log, "t", places, new AbortController().signal);
  expect(found.map((record) => record?.key?.toString())).toEqual(["c", undefined, undefined, "b"]);
  await log.close();
});
