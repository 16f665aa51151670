import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, test } from "vitest";
import type { CalendarUnit } from "../dsl/windows.ts";
import { CalendarWindows } from "./calendar-windows.ts";

const HOUR_MS = 3_600_000;

describe.each([
  [
    "an ordinary day",
    "day",
    "Asia/Seoul",
    "1993-04-05T23:59:59.999+09:00",
    "1993-04-05T00:00:00+09:00",
    24,
    "1993-04-05",
  ],
  ["a day of 23 hours", "day", "Europe/Prague", "2024-03-31T12:00:00Z", "2024-03-31T00:00:00+01:00", 23, "2024-03-31"],
  ["a day of 25 hours", "day", "Europe/Prague", "2024-10-27T12:00:00Z", "2024-10-27T00:00:00+02:00", 25, "2024-10-27"],
  [
    "a day that begins at 01:00",
    "day",
    "America/Sao_Paulo",
    "2018-11-04T12:00:00Z",
    "2018-11-04T01:00:00-02:00",
    23,
    "2018-11-04",
  ],
  [
    "another day that begins at 01:00",
    "day",
    "Asia/Beirut",
    "2022-03-27T01:00:00+03:00",
    "2022-03-27T01:00:00+03:00",
    23,
    "2022-03-27",
  ],
  [
    "the day before, which ends at 24:00 = 01:00",
    "day",
    "America/Sao_Paulo",
    "2018-11-03T12:00:00Z",
    "2018-11-03T00:00:00-03:00",
    24,
    "2018-11-03",
  ],
  [
    "a day that begins twice",
    "day",
    "America/St_Johns",
    "2006-10-29T02:45:00Z",
    "2006-10-29T00:00:00-02:30",
    25,
    "2006-10-29",
  ],
  [
    "the day before one that was left out",
    "day",
    "Pacific/Apia",
    "2011-12-30T09:59:59Z",
    "2011-12-29T00:00:00-10:00",
    24,
    "2011-12-29",
  ],
  [
    "the day behind one that was left out",
    "day",
    "Pacific/Apia",
    "2011-12-30T10:00:00Z",
    "2011-12-31T00:00:00+14:00",
    24,
    "2011-12-31",
  ],
  [
    "an ISO week, from Monday",
    "week",
    "Asia/Seoul",
    "1993-04-05T12:00:00+09:00",
    "1993-04-05T00:00:00+09:00",
    7 * 24,
    "1993-W14",
  ],
  [
    "a week across the year, named after its Thursday",
    "week",
    "UTC",
    "2021-01-03T12:00:00Z",
    "2020-12-28T00:00:00Z",
    7 * 24,
    "2020-W53",
  ],
  [
    "a week with a change of clocks",
    "week",
    "America/New_York",
    "2024-03-10T12:00:00Z",
    "2024-03-04T00:00:00-05:00",
    7 * 24 - 1,
    "2024-W10",
  ],
  ["a leap February", "month", "UTC", "2024-02-29T23:00:00Z", "2024-02-01T00:00:00Z", 29 * 24, "2024-02"],
  [
    "a month that ends on the 31st",
    "month",
    "Asia/Seoul",
    "1993-01-31T12:00:00+09:00",
    "1993-01-01T00:00:00+09:00",
    31 * 24,
    "1993-01",
  ],
  ["a leap year", "year", "UTC", "2000-12-31T23:59:59Z", "2000-01-01T00:00:00Z", 366 * 24, "2000"],
] as const)("%s", (_name, unit, zone, at, start, hours, label) => {
  test(`${at} in ${zone}`, () => {
    const windows = new CalendarWindows({ unit, zone });
    const startMs = windows.firstStart(Date.parse(at));
    expect(new Date(startMs)).toEqual(new Date(start));
    expect((windows.endOf(startMs) - startMs) / HOUR_MS).toBe(hours);
    expect(windows.labelOf(startMs)).toBe(label);
  });
});

test("equal a naive computation with Temporal, from 1950 to 2100, in any order of times", () => {
  const zones = [
    "UTC",
    "Asia/Seoul",
    "Europe/Prague",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "America/St_Johns",
    "Pacific/Apia",
    "Asia/Kolkata",
    "Africa/Monrovia",
    "Africa/Cairo",
    "Antarctica/Troll",
    "Asia/Kathmandu",
  ];
  const [from, to] = [Date.UTC(1950, 0, 1), Date.UTC(2100, 0, 1)];
  // Mostly near where something happens: a few hours around a midnight of UTC.
  const time = fc.oneof(
    fc.integer({ min: from, max: to }),
    fc
      .tuple(
        fc.integer({ min: from / (24 * HOUR_MS), max: to / (24 * HOUR_MS) }),
        fc.integer({ min: -14 * HOUR_MS, max: 14 * HOUR_MS }),
      )
      .map(([day, offset]) => Math.floor(day) * 24 * HOUR_MS + offset),
  );
  const near = fc.tuple(
    time,
    fc.array(fc.integer({ min: -3 * 24 * HOUR_MS, max: 3 * 24 * HOUR_MS }), { maxLength: 5 }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.constantFrom<CalendarUnit>("day", "week", "month", "year"),
      fc.array(near, { maxLength: 3 }),
      (zone, unit, times) => {
        const windows = new CalendarWindows({ unit, zone });
        for (const timeMs of times.flatMap(([base, offsets]) => [base, ...offsets.map((offset) => base + offset)])) {
          const [startMs, endMs] = naive(unit, zone, timeMs);
          expect([windows.firstStart(timeMs), windows.endOf(startMs), windows.nextStart(startMs)]).toEqual([
            startMs,
            endMs,
            endMs,
          ]);
        }
      },
    ),
    { numRuns: 400 },
  );
});

/** The last local date of a unit's kind that has begun, and the beginning of the next that begins later. */
function naive(unit: CalendarUnit, zone: string, timeMs: number): readonly [startMs: number, endMs: number] {
  const one = { [`${unit}s`]: 1 };
  const beginning = (date: Temporal.PlainDate) => date.toZonedDateTime(zone).epochMilliseconds;
  const local = Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(zone).toPlainDate();
  let date = local.add({ days: 3 });
  while (!isFirst(unit, date) || beginning(date) > timeMs) date = date.subtract({ days: 1 });
  let next = date.add(one);
  while (beginning(next) <= timeMs) next = next.add(one);
  return [beginning(date), beginning(next)];
}

function isFirst(unit: CalendarUnit, date: Temporal.PlainDate): boolean {
  if (unit === "week") return date.dayOfWeek === 1;
  return unit === "day" || (date.day === 1 && (unit === "month" || date.month === 1));
}
