import { parseDuration } from "./duration.ts";
import type { CalendarUnit, Windows } from "./windows.ts";

/** A window definition with its durations read. */
export type WindowSpec =
  | { readonly kind: "fixed"; readonly sizeMs: number; readonly advanceMs: number; readonly graceMs: number }
  | { readonly kind: "calendar"; readonly unit: CalendarUnit; readonly zone: string; readonly graceMs: number }
  | { readonly kind: "sliding"; readonly differenceMs: number; readonly graceMs: number }
  | { readonly kind: "session"; readonly gapMs: number; readonly graceMs: number };

/** What is wrong with a window definition, in a form that becomes an Issue once the step is known. */
export interface WindowProblem {
  readonly code: string;
  readonly message: string;
}

const HOUR_MS = 3_600_000;
/** The longest that a calendar window lasts: a day of 25 hours, a week with one such day, a month of 31 days, a leap year; each with an hour to spare. */
const CALENDAR_SIZE_MAX_MS: Record<CalendarUnit, number> = {
  day: 26 * HOUR_MS,
  week: (7 * 24 + 2) * HOUR_MS,
  month: (31 * 24 + 2) * HOUR_MS,
  year: (366 * 24 + 2) * HOUR_MS,
};

/** Reads a window definition; either a spec or all that is wrong with it. */
export function readWindows(windows: Windows): {
  readonly spec: WindowSpec | undefined;
  readonly problems: readonly WindowProblem[];
} {
  const problems: WindowProblem[] = [];
  const duration = (option: string, text: string, mayBeZero = false): number => {
    const value = parseDuration(text);
    if (value === undefined) {
      problems.push({
        code: "JOB_WINDOW_DURATION",
        message: `${option} "${text}" is no duration: write it like "10 minutes" or "1 day"`,
      });
      return 1;
    }
    if (value < 0 || (value === 0 && !mayBeZero)) {
      problems.push({ code: "JOB_WINDOW_SIZE", message: `${option} "${text}" must be positive` });
      return 1;
    }
    return value;
  };
  const graceMs =
    windows.grace === "none"
      ? 0
      : windows.grace === undefined
        ? missingGrace(problems)
        : duration("grace", windows.grace, true);
  const spec = specOf(windows, graceMs, duration, problems);
  return { spec: problems.length === 0 ? spec : undefined, problems };
}

/** How long a window's entries are needed after its start, in stream time: its size and its grace. */
export function retentionMs(spec: WindowSpec): number {
  switch (spec.kind) {
    case "fixed":
      return spec.sizeMs + spec.graceMs;
    case "calendar":
      return CALENDAR_SIZE_MAX_MS[spec.unit] + spec.graceMs;
    case "sliding":
      return 2 * spec.differenceMs + spec.graceMs;
    case "session":
      return spec.gapMs + spec.graceMs;
  }
}

function missingGrace(problems: WindowProblem[]): number {
  problems.push({
    code: "JOB_WINDOW_GRACE",
    message: `the window has no grace: say how long late records are waited for, like grace: "10 minutes", or grace: "none"`,
  });
  return 0;
}

function specOf(
  windows: Windows,
  graceMs: number,
  duration: (option: string, text: string) => number,
  problems: WindowProblem[],
): WindowSpec {
  switch (windows.kind) {
    case "tumbling": {
      const unit = calendarUnit(windows.size);
      if (windows.zone !== undefined) {
        if (unit === undefined) {
          problems.push({
            code: "JOB_WINDOW_ZONE",
            message: `a window in a zone lasts "1 day", "1 week", "1 month" or "1 year", not "${windows.size}": take one of them, or leave the zone out`,
          });
        } else if (!isZone(windows.zone)) {
          problems.push({
            code: "JOB_WINDOW_ZONE",
            message: `"${windows.zone}" is no IANA time zone: write it like "Asia/Seoul"`,
          });
        }
        return { kind: "calendar", unit: unit ?? "day", zone: windows.zone, graceMs };
      }
      if (unit === "month" || unit === "year") {
        problems.push({
          code: "JOB_WINDOW_ZONE",
          message: `months and years differ in length: give a window of "${windows.size}" a zone, like zone: "Europe/Prague"`,
        });
        return { kind: "fixed", sizeMs: 1, advanceMs: 1, graceMs };
      }
      const sizeMs = duration("size", windows.size);
      return { kind: "fixed", sizeMs, advanceMs: sizeMs, graceMs };
    }
    case "hopping": {
      const sizeMs = duration("size", windows.size);
      const advanceMs = duration("advance", windows.advance);
      if (advanceMs > sizeMs)
        problems.push({
          code: "JOB_WINDOW_ADVANCE",
          message: `advance "${windows.advance}" is longer than size "${windows.size}": records between the windows would be lost`,
        });
      return { kind: "fixed", sizeMs, advanceMs, graceMs };
    }
    case "sliding":
      return { kind: "sliding", differenceMs: duration("difference", windows.difference), graceMs };
    case "session":
      return { kind: "session", gapMs: duration("gap", windows.gap), graceMs };
  }
}

function calendarUnit(size: string): CalendarUnit | undefined {
  const match = /^\s*(?:1|one|a)?\s*(day|week|month|year)s?\s*$/i.exec(size);
  return match?.[1]?.toLowerCase() as CalendarUnit | undefined;
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
