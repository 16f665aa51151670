import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ConfigError } from "mulgil";
import { describe, expect, it } from "vitest";
import { loadInstitutions, policyOf, readInstitutions } from "./institutions.ts";
import { institutions } from "./mydata.fixture.ts";
import { closedUntilMs, nextSlotMs } from "./schedule.ts";
import { calendarDateOf, dateOf, monthAfter, monthOf, timeOf, WEEK_MS, weekStartOf } from "./seoul-time.ts";

const seoul = (text: string) => Date.parse(`${text}+09:00`);

describe("the table of institutions", () => {
  const valid = { id: "a", industry: "bank", baseUrl: "http://127.0.0.1:1/a" };

  it("says everything that is wrong with it", () => {
    const table = [
      { ...valid, industry: "shop" },
      { ...valid, id: "b", baseUrl: "http://127.0.0.1/" },
      { ...valid, id: "c", windows: [{ from: "25:00", to: "03:00" }] },
      { ...valid, id: "d", callsPerSecond: 0, concurrencyMax: 1.5 },
      { ...valid, id: "e" },
      { ...valid, id: "e" },
      null,
    ];
    let refused: unknown;
    try {
      readInstitutions(table);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(ConfigError);
    expect((refused as ConfigError).issues.map(({ at, message }) => `${at}: ${message.split(" ")[0]}`)).toEqual([
      ...[
        "a: industry",
        "b: baseUrl",
        "c: windows",
        "d: concurrencyMax",
        "d: callsPerSecond",
        "e: is",
        "entry 6: must",
      ],
    ]);
    expect(() => readInstitutions([])).toThrow("not empty");
    expect(() => readInstitutions({})).toThrow("must be an array");
  });

  it("comes from a file, or is the one to develop against", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "mydata-"));
    try {
      const file = path.join(folder, "institutions.json");
      writeFileSync(file, JSON.stringify([valid]));
      expect([...loadInstitutions(file).keys()]).toEqual(["a"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect([...loadInstitutions(undefined).keys()].slice(0, 4)).toEqual(["bank-01", "card-01", "insu-01", "bank-02"]);
  });

  it("becomes policies: limits as they stand there, and windows for scheduled calls", () => {
    const [known] = [...readInstitutions([{ ...valid, callsPerSecond: 5, concurrencyMax: 3, timeout: "2s" }]).values()];
    expect(policyOf(known)).toMatchObject({
      ...{ timeout: "2s", concurrency: { min: 1, max: 3 } },
      rateLimit: { calls: 5, per: "1 second" },
    });
    const closedUntil = policyOf(institutions.get("card-01")).closedUntil as (now: number, value: object) => unknown;
    expect(closedUntil(seoul("2026-01-07T10:00:00"), { apiType: "scheduled" })).toBe(seoul("2026-01-07T22:00:00"));
    expect(closedUntil(seoul("2026-01-07T10:00:00"), { apiType: "userSearch" })).toBeUndefined();
  });
});

describe("windows", () => {
  const { windows } = institutions.get("card-01")!;

  it.each([
    ["2026-01-07T01:00:00", undefined],
    ["2026-01-07T04:59:59", undefined],
    ["2026-01-07T05:00:00", "2026-01-07T22:00:00"],
    ["2026-01-07T22:00:00", undefined],
    ["2026-01-08T00:29:59", undefined],
    ["2026-01-08T00:30:00", "2026-01-08T01:00:00"],
  ])("at %s are closed until %s", (at, until) => {
    expect(closedUntilMs(windows, seoul(at))).toBe(until === undefined ? undefined : seoul(until));
  });

  it("hold every slot, one a week, and slots are spread over them", () => {
    const now = seoul("2026-01-07T10:00:00");
    const slots = Array.from({ length: 700 }, (_, n) => nextSlotMs(`customer-${n}`, windows, now));
    for (const [n, slot] of slots.entries()) {
      expect(slot).toBeGreaterThan(now);
      expect(slot - now).toBeLessThanOrEqual(WEEK_MS);
      expect(closedUntilMs(windows, slot)).toBeUndefined();
      expect(nextSlotMs(`customer-${n}`, windows, slot)).toBe(slot + WEEK_MS);
    }
    const days = Object.values(Object.groupBy(slots, (slot) => dateOf(slot))).map((ofDay) => ofDay!.length);
    expect(Math.min(...days.toSorted((a, b) => b - a).slice(0, 7))).toBeGreaterThan(60);
  });
});

describe("time in Seoul", () => {
  it("knows days, months and weeks", () => {
    expect([dateOf(seoul("2026-01-01T00:00:00")), monthOf(seoul("2026-01-01T00:00:00") - 1)]).toEqual([
      ...["2026-01-01", "2025-12"],
    ]);
    expect(weekStartOf(seoul("2026-01-11T23:59:59"))).toBe(seoul("2026-01-05T00:00:00"));
    expect(weekStartOf(seoul("2026-01-12T00:00:00"))).toBe(seoul("2026-01-12T00:00:00"));
    expect(["2025-12", "2026-01", "2026-02"].map(monthAfter)).toEqual(["2026-01", "2026-02", "2026-03"]);
  });

  it("reads times as institutions write them", () => {
    expect(timeOf("20260105121455")).toBe(seoul("2026-01-05T12:14:55"));
    expect([timeOf("20260231000000"), timeOf("2026"), timeOf("20260105126055")]).toEqual([...Array(3)]);
    expect([calendarDateOf("20240229"), calendarDateOf("20230229")]).toEqual(["2024-02-29", undefined]);
  });
});

describe("a table that is not there", () => {
  it("says which file cannot be read, and who named it", () => {
    expect(() => loadInstitutions("/no/such/table.json")).toThrow(
      /the file "\/no\/such\/table\.json" that MYDATA_INSTITUTIONS names cannot be read as JSON/,
    );
  });
});
