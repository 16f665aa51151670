import type { DayWindow } from "./behaviour.ts";
import { msOfDay } from "./seoul-time.ts";

/** A part of a day, in minutes: start inclusive, end exclusive. */
interface Minutes {
  readonly start: number;
  readonly end: number;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const WINDOWS_MAX = 3;
const TOGETHER_MIN = 6 * 60;

/** What is wrong with the windows of a day by the rules of the standard. */
export function scheduleProblem(windows: readonly DayWindow[]): string | undefined {
  if (windows.length > WINDOWS_MAX) return `must be at most ${WINDOWS_MAX} windows, not ${windows.length}`;
  const parts = partsOf(windows).toSorted((a, b) => a.start - b.start);
  const overlapping = parts.find(({ start }, index) => index > 0 && start < parts[index - 1]!.end);
  if (overlapping !== undefined) return "must not overlap";
  const together = parts.reduce((sum, { start, end }) => sum + end - start, 0);
  if (together < TOGETHER_MIN) return `must be 6 hours together at least, not ${together} minutes`;
  return undefined;
}

/** How long until the next window opens; 0 inside one. */
export function untilWindowMs(windows: readonly DayWindow[], nowMs: number): number {
  const today = msOfDay(nowMs);
  const waits = partsOf(windows).map(({ start, end }) => {
    const [startMs, endMs] = [start * MINUTE_MS, end * MINUTE_MS];
    if (today >= startMs && today < endMs) return 0;
    return startMs > today ? startMs - today : startMs + DAY_MINUTES * MINUTE_MS - today;
  });
  return Math.min(...waits);
}

/** A window over midnight is two parts of a day. */
const partsOf = (windows: readonly DayWindow[]): readonly Minutes[] =>
  windows.flatMap((window) => {
    const [start, end] = [minutesOf(window.from), minutesOf(window.to)];
    return start < end
      ? [{ start, end }]
      : [
          { start, end: DAY_MINUTES },
          { start: 0, end },
        ];
  });

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
