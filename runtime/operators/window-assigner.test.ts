import fc from "fast-check";
import { expect, test } from "vitest";
import { FixedWindows } from "./window-assigner.ts";

test("the windows of a time are all aligned ones that hold it, on both sides of the epoch", () => {
  const advance = fc.integer({ min: 1, max: 1_000 });
  fc.assert(
    fc.property(
      advance,
      fc.integer({ min: 0, max: 5_000 }),
      fc.integer({ min: -100_000, max: 100_000 }),
      (advanceMs, more, timeMs) => {
        const sizeMs = advanceMs + more;
        const windows = new FixedWindows({ sizeMs, advanceMs });
        const found: number[] = [];
        for (let start = windows.firstStart(timeMs); start <= timeMs; start = windows.nextStart(start))
          found.push(start);
        const expected: number[] = [];
        for (let n = Math.floor((timeMs - sizeMs) / advanceMs) - 2; n * advanceMs <= timeMs; n++) {
          if (n * advanceMs + sizeMs > timeMs) expected.push(n * advanceMs);
        }
        expect(found.map((start) => start + 0)).toEqual(expected.map((start) => start + 0));
        expect(windows.endOf(found[0]!)).toBe(found[0]! + sizeMs);
        expect(windows.isPartition).toBe(more === 0);
      },
    ),
  );
});

test("times far from the epoch are exact", () => {
  const windows = new FixedWindows({ sizeMs: 1_000, advanceMs: 1_000 });
  for (const timeMs of [-7_999_999_999_999_999, 7_999_999_999_999_999, 1_760_000_000_999]) {
    const startMs = windows.firstStart(timeMs);
    expect(startMs <= timeMs && timeMs < windows.endOf(startMs)).toBe(true);
    expect(Math.abs(startMs % 1_000)).toBe(0);
  }
});
