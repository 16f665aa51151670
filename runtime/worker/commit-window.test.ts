import { describe, expect, it } from "vitest";
import { CommitWindow, sampleEveryMs, WINDOW_SAMPLES, windowMs } from "./commit-window.ts";

const sample = (atMs: number, offset = atMs) => ({ atMs, offset, lag: 1 });

describe("CommitWindow", () => {
  it("keeps the last turns, a job's commits apart", () => {
    const window = new CommitWindow(2_000);
    for (let turn = 0; turn < 30; turn++) window.add(sample(turn * 2_000));
    expect(window.samples).toHaveLength(WINDOW_SAMPLES);
    expect(window.samples[0]).toEqual(sample(40_000));
    expect(window.samples.at(-1)).toEqual(sample(58_000));
  });

  it("lets the newest stand for all within a second, so that fast commits do not make the window short", () => {
    const window = new CommitWindow(100);
    for (let turn = 0; turn <= 100; turn++) window.add(sample(turn * 100));
    const times = window.samples.map(({ atMs }) => atMs);
    expect(times.at(-1)).toBe(10_000);
    for (const [index, atMs] of times.slice(1, -1).entries())
      expect(atMs - times[index]!).toBeGreaterThanOrEqual(1_000);
    expect(10_000 - times[0]!).toBeGreaterThanOrEqual(8_000);
  });

  it("has a length in time that the job's commits say, and no less than seconds", () => {
    expect(sampleEveryMs(50)).toBe(1_000);
    expect(windowMs(50)).toBe(9_000);
    expect(windowMs(30_000)).toBe(270_000);
  });
});
