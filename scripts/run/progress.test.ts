import { describe, expect, it } from "vitest";
import type { JobStatus } from "../../runtime/index.ts";
import { ProgressMeter, progressLines } from "./progress.ts";

const status = (recordsIn: number, change: Partial<JobStatus> = {}): JobStatus => ({
  job: "totals",
  recordsIn,
  recordsOut: 0,
  late: 0,
  deadLetters: 0,
  effectsSkipped: 0,
  commits: 0,
  gaps: 0,
  skipped: 0,
  tasks: 4,
  standbys: 0,
  lag: 0,
  restoring: undefined,
  ...change,
});

describe("ProgressMeter", () => {
  it("measures how fast a job reads over the last seconds", () => {
    let nowMs = 0;
    const meter = new ProgressMeter(() => nowMs);
    const rateAt = (atMs: number, recordsIn: number) => {
      nowMs = atMs;
      return meter.measure([status(recordsIn)])[0]!.recordsPerSecond;
    };
    expect(rateAt(0, 0)).toBe(0);
    expect(rateAt(1_000, 500)).toBe(500);
    expect(rateAt(2_000, 1_500)).toBe(750);
    expect(rateAt(3_000, 1_500)).toBe(500);
    expect(rateAt(6_000, 1_500)).toBe(0);
    expect(rateAt(60_000, 1_500 + 54_000)).toBe(1_000);
  });
});

describe("progressLines", () => {
  it("tells trouble only where there is some", () => {
    const line = (change: Partial<JobStatus>) => progressLines([{ ...status(12_345, change), recordsPerSecond: 9 }])[0];
    expect(line({})).toMatch(/totals {2}in {4}12,345 {2}out {9}0 {9}9\/s {2}lag {7}0$/);
    expect(
      line({
        late: 3,
        deadLetters: 1_000,
        restoring: { done: 1_000, total: 4_000, recordsPerSecond: 500, timeLeftMs: 6_000 },
      }),
    ).toMatch(/3 late.*1,000 dead letters.*restoring 1,000 of 4,000 \(25%\), 500\/s, 6s left/);
  });
});
