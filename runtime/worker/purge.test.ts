import { expect, it } from "vitest";
import type { PartitionOffset } from "../log/port.ts";
import { Purge } from "./purge.ts";

function setUp() {
  const deleted: (readonly PartitionOffset[])[] = [];
  let nowMs = 0;
  const purge = new Purge({
    log: {
      async deleteRecords(before) {
        deleted.push(before);
      },
    },
    clock: { now: () => nowMs },
  });
  const task = (topic: string, committed: () => number | undefined) => ({
    task: {
      get purgeable() {
        const offset = committed();
        return offset === undefined ? [] : [{ topic, partition: 0, offset }];
      },
    },
  });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { purge, deleted, task, pass };
}

it("removes what a task finds committed when it begins, and all of them together every half a minute", async () => {
  const { purge, deleted, task, pass } = setUp();
  let offset = 2;
  const first = task("a", () => offset);
  await purge.purgeIfDue([]);
  expect(deleted).toEqual([]);
  await purge.purgeIfDue([first]);
  await purge.purgeIfDue([first]);
  expect(deleted).toEqual([[{ topic: "a", partition: 0, offset: 2 }]]);
  offset = 7;
  pass(20_000);
  const second = task("b", () => 4);
  await purge.purgeIfDue([first, second]);
  expect(deleted.slice(1)).toEqual([[{ topic: "b", partition: 0, offset: 4 }]]);
  pass(9_999);
  await purge.purgeIfDue([first, second]);
  expect(deleted).toHaveLength(2);
  pass(1);
  await purge.purgeIfDue([first, second]);
  expect(deleted[2]).toEqual([
    { topic: "a", partition: 0, offset: 7 },
    { topic: "b", partition: 0, offset: 4 },
  ]);
});

it("asks for nothing where nothing is committed", async () => {
  const { purge, deleted, task } = setUp();
  await purge.purgeIfDue([task("a", () => undefined)]);
  expect(deleted).toEqual([]);
});
