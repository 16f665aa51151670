import { describe, expect, it } from "vitest";
import { allRestores, RestoreProgress, restoreStatus } from "./restore-progress.ts";

describe("restoreStatus", () => {
  it("tells the rate since the beginning, and the time left at that rate", () => {
    expect(restoreStatus(2_000, 10_000, 1_000)).toEqual({
      ...{ done: 2_000, total: 10_000 },
      recordsPerSecond: 2_000,
      timeLeftMs: 4_000,
    });
  });

  it("has nothing left at the end, and at once where there is nothing", () => {
    expect(restoreStatus(10, 10, 5).timeLeftMs).toBe(0);
    expect(restoreStatus(0, 0, 0)).toEqual({ done: 0, total: 0, recordsPerSecond: 0, timeLeftMs: 0 });
  });
});

describe("allRestores", () => {
  it("adds up, and takes as long as the last one", () => {
    const restores = [restoreStatus(10, 100, 1_000), restoreStatus(50, 100, 1_000)];
    expect(allRestores(restores)).toEqual({ done: 60, total: 200, recordsPerSecond: 60, timeLeftMs: 9_000 });
    expect(allRestores([])).toBeUndefined();
  });
});

describe("RestoreProgress", () => {
  const restoring = (task: string, store: string, done: number) =>
    ({ kind: "restoring", job: "j", task, store, ...restoreStatus(done, 100, 1_000) }) as const;

  it("forgets a store that is restored, and a task that is gone or starts again", () => {
    const progress = new RestoreProgress();
    progress.hear(restoring("a_0", "one", 10));
    progress.hear(restoring("a_0", "one", 20));
    progress.hear(restoring("a_1", "one", 30));
    progress.hear(restoring("a_2", "one", 40));
    expect([progress.of("j")?.done, progress.of("j", "a_0")?.done, progress.of("k")]).toEqual([90, 20, undefined]);
    progress.hear({ kind: "restored", job: "j", task: "a_0", store: "one", entries: 1, reason: "" });
    expect([progress.of("j")?.done, progress.of("j", "a_0")]).toEqual([70, undefined]);
    progress.hear({ kind: "restarting", job: "j", task: "a_1", error: undefined });
    progress.hear({ kind: "closed", job: "j", task: "a_2" });
    expect(progress.of("j")).toBeUndefined();
  });
});
