import { describe, expect, it } from "vitest";
import { fieldDifferences } from "./field-differences.ts";

/** A value without scalars that JSON has not, and what is shown of it. */
const value = (canonical: unknown, shown = canonical) => ({ canonical, open: canonical, shown });
const MASKED = "***masked***";

describe("fields that differ", () => {
  it("are found in records and arrays, also where one has none", () => {
    const left = value({ a: 1, b: { c: [1, 2] }, d: null, e: "x" });
    const right = value({ a: 1, b: { c: [1, 3, 4] }, e: { f: 1 } });
    expect(fieldDifferences(left, right)).toEqual([
      { field: "b.c[1]", left: 2, right: 3 },
      { field: "b.c[2]", right: 4 },
      { field: "d", left: null },
      { field: "e", left: "x", right: { f: 1 } },
    ]);
  });

  it("are shown as records are, not as they are compared", () => {
    const left = { canonical: { a: { $decimal: "1.5" } }, open: { a: "1.50" }, shown: { a: "1.50" } };
    const right = { canonical: { a: "1.50" }, open: { a: "1.50" }, shown: { a: "1.50" } };
    expect(fieldDifferences(left, right)).toEqual([{ field: "a", left: "1.50", right: "1.50" }]);
  });

  it("are only named where one of both hides them, a part of them, or leaves them out", () => {
    const cases = [
      [value({ a: 1 }, { a: MASKED }), value({ a: 2 })],
      [value({ a: 1 }), value({ a: 2 }, { a: MASKED })],
      [value({ a: { b: 1 } }, { a: MASKED }), value({ a: { b: 2 } })],
      [value({ a: 1 }), value({ a: 2 }, {} as never)],
      [value({ a: "x" }), value({ a: [1, 2] }, { a: [1, MASKED] } as never)],
    ] as const;
    for (const [left, right] of cases) expect(fieldDifferences(left, right)).toEqual([{ field: "a", hidden: true }]);
  });

  it("are at most twenty", () => {
    const many = (plus: number) =>
      value(Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`f${at}`, at + plus])));
    expect(fieldDifferences(many(0), many(1))).toHaveLength(20);
  });
});
