import { expect, it } from "vitest";
import {
  dateOf,
  daysInMonth,
  monthAt,
  monthOf,
  monthText,
  msOfDay,
  stampOf,
  startOfDate,
  startOfMonth,
  startOfWeek,
  weekAt,
} from "./seoul-time.ts";

const at = (text: string) => Date.parse(`${text}+09:00`);

it("writes times as Seoul has them", () => {
  expect(stampOf(at("2026-01-01T00:00:00"))).toBe("20260101000000");
  expect(stampOf(Date.UTC(2025, 11, 31, 15))).toBe("20260101000000");
  expect(dateOf(at("2026-01-01T23:59:59"))).toBe("20260101");
  expect(msOfDay(at("2026-01-01T00:00:01"))).toBe(1_000);
});

it.each([
  ["20260101", at("2026-01-01T00:00:00")],
  ["20240229", at("2024-02-29T00:00:00")],
  ["20260229", undefined],
  ["20261301", undefined],
  ["2026-01-01", undefined],
  ["", undefined],
])("reads the date %s", (text, expected) => expect(startOfDate(text)).toBe(expected));

it("counts months over the ends of years", () => {
  const december = monthAt(at("2025-12-31T23:59:59"));
  expect(monthAt(at("2026-01-01T00:00:00"))).toBe(december + 1);
  expect([monthText(december), monthText(december + 1)]).toEqual(["202512", "202601"]);
  expect([monthOf("202512"), monthOf("202513"), monthOf("2025")]).toEqual([december, undefined, undefined]);
  expect(startOfMonth(december + 1)).toBe(at("2026-01-01T00:00:00"));
  expect([daysInMonth(monthOf("202402")!), daysInMonth(monthOf("202602")!)]).toEqual([29, 28]);
});

it("begins weeks on Monday", () => {
  const mondayMs = at("2026-01-19T00:00:00");
  expect(weekAt(mondayMs)).toBe(weekAt(mondayMs - 1) + 1);
  expect(startOfWeek(weekAt(mondayMs + 1))).toBe(mondayMs);
  expect(weekAt(at("2026-01-25T23:59:59"))).toBe(weekAt(mondayMs));
});
