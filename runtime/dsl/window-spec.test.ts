import { describe, expect, it } from "vitest";
import { parseDuration } from "./duration.ts";
import { readWindows, retentionMs } from "./window-spec.ts";
import { hopping, session, sliding, tumbling, type Windows } from "./windows.ts";

const DAY_MS = 86_400_000;
const codes = (windows: Windows) => readWindows(windows).problems.map(({ code }) => code);

describe("parseDuration", () => {
  it.each([
    ["10 minutes", 600_000],
    ["1.5 h", 5_400_000],
    ["30 days", 30 * DAY_MS],
    ["250ms", 250],
    ["1 second", 1_000],
  ])("reads %s", (text, expected) => expect(parseDuration(text)).toBe(expected));

  it.each(["", "soon", "10", "10 fortnights", "-", " "])("refuses %j", (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );
});

describe("readWindows", () => {
  it("reads sizes, advances, gaps and graces", () => {
    expect(readWindows(tumbling("1 hour", { grace: "none" })).spec).toEqual({
      kind: "fixed",
      sizeMs: 3_600_000,
      advanceMs: 3_600_000,
      graceMs: 0,
    });
    expect(readWindows(hopping("1 hour", { advance: "10 minutes", grace: "1 minute" })).spec).toEqual({
      kind: "fixed",
      sizeMs: 3_600_000,
      advanceMs: 600_000,
      graceMs: 60_000,
    });
    expect(readWindows(sliding("5 minutes", { grace: "1 minute" })).spec).toEqual({
      kind: "sliding",
      differenceMs: 300_000,
      graceMs: 60_000,
    });
    expect(readWindows(session("30 minutes", { grace: "none" })).spec).toEqual({
      kind: "session",
      gapMs: 1_800_000,
      graceMs: 0,
    });
  });

  it("takes a day without a zone as 24 hours, and with one as the calendar's", () => {
    expect(readWindows(tumbling("1 day", { grace: "none" })).spec).toEqual({
      kind: "fixed",
      sizeMs: DAY_MS,
      advanceMs: DAY_MS,
      graceMs: 0,
    });
    expect(readWindows(tumbling("1 day", { zone: "Asia/Seoul", grace: "none" })).spec).toEqual({
      kind: "calendar",
      unit: "day",
      zone: "Asia/Seoul",
      graceMs: 0,
    });
    expect(readWindows(tumbling("1 month", { zone: "Europe/Prague", grace: "none" })).spec).toMatchObject({
      unit: "month",
    });
  });

  it.each<[string, Windows, string]>([
    ["a month without a zone", tumbling("1 month", { grace: "none" }), "JOB_WINDOW_ZONE"],
    ["a zone that does not exist", tumbling("1 day", { zone: "Asia/Soul", grace: "none" }), "JOB_WINDOW_ZONE"],
    ["an hour in a zone", tumbling("1 hour", { zone: "Asia/Seoul", grace: "none" }), "JOB_WINDOW_ZONE"],
    ["no duration", tumbling("soon", { grace: "none" }), "JOB_WINDOW_DURATION"],
    ["a size of nothing", tumbling("0 ms", { grace: "none" }), "JOB_WINDOW_SIZE"],
    ["an advance beyond the size", hopping("1 minute", { advance: "2 minutes", grace: "none" }), "JOB_WINDOW_ADVANCE"],
    ["a missing grace", { kind: "session", gap: "1 minute" } as Windows, "JOB_WINDOW_GRACE"],
  ])("refuses %s", (_name, windows, code) => expect(codes(windows)).toContain(code));

  it("keeps a calendar window for its longest form, an hour of daylight saving included", () => {
    expect(retentionMs(readWindows(tumbling("1 day", { zone: "Asia/Seoul", grace: "none" })).spec!)).toBe(
      26 * 3_600_000,
    );
  });
});
