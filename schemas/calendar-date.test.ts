import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dateOfDays, daysOfDate } from "./calendar-date.ts";

describe("calendar dates", () => {
  it("agrees with the platform's calendar on every date of ten thousand years", () => {
    fc.assert(
      fc.property(fc.integer({ min: -719_528, max: 2_932_896 }), (days) => {
        const text = new Date(days * 86_400_000).toISOString().slice(0, 10);
        expect(daysOfDate(text)).toBe(days);
        expect(dateOfDays(days)).toBe(text);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ["0000-01-01", -719_528],
    ["0000-02-29", -719_469],
    ["1969-12-31", -1],
    ["1970-01-01", 0],
    ["2024-02-29", 19_782],
    ["9999-12-31", 2_932_896],
  ])("knows %s as day %d", (text, days) => {
    expect(daysOfDate(text)).toBe(days);
    expect(dateOfDays(days)).toBe(text);
  });

  it.each([
    "2023-02-29",
    "1900-02-29",
    "2024-13-01",
    "2024-00-01",
    "2024-04-31",
    "2024-01-00",
    "2024-1-01",
    "2024/01/01",
    "202a-01-01",
    "2024-01-01T",
    "",
  ])("knows no date %j", (text) => expect(daysOfDate(text)).toBeUndefined());

  it("knows no days outside the years 0000 to 9999", () => {
    expect(dateOfDays(-719_529)).toBeUndefined();
    expect(dateOfDays(2_932_897)).toBeUndefined();
    expect(dateOfDays(Number.NaN)).toBeUndefined();
  });
});
