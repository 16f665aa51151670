import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexKey, readOrderedDouble, readOrderedInteger, windowKey, windowRange } from "./key-layout.ts";

const noKey = Buffer.alloc(0);
const times = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -100_000, max: 100_000 }));

describe("window keys", () => {
  it("sort as their starts do, before 1970 too, and give them back", () => {
    fc.assert(
      fc.property(times, times, (a, b) => {
        expect(Math.sign(windowKey(a, noKey).compare(windowKey(b, noKey)))).toBe(Math.sign(a - b));
        expect(readOrderedInteger(windowKey(a, noKey), 1)).toBe(a);
      }),
    );
  });

  it("of one start sort as the bytes of their keys do", () => {
    fc.assert(
      fc.property(times, fc.uint8Array(), fc.uint8Array(), (start, a, b) => {
        const order = windowKey(start, Buffer.from(a)).compare(windowKey(start, Buffer.from(b)));
        expect(order).toBe(Buffer.from(a).compare(b));
      }),
    );
  });
});

describe("index keys", () => {
  it("sort as their due times do, fractions and infinities too, and give them back", () => {
    const due = fc.oneof(times, fc.double({ noNaN: true }));
    fc.assert(
      fc.property(due, due, (a, b) => {
        const order = a < b ? -1 : a > b ? 1 : 0;
        expect(indexKey(a, noKey).compare(indexKey(b, noKey))).toBe(order);
        expect(readOrderedDouble(indexKey(a, noKey), 1)).toBe(a + 0);
      }),
    );
  });
});

describe("windowRange", () => {
  const contains = (from: number, to: number, start: number) => {
    const { gte, lt } = windowRange(from, to);
    const key = windowKey(start, Buffer.from("k"));
    return gte!.compare(key) <= 0 && key.compare(lt!) < 0;
  };

  it.each([
    [0, 10, 0, true],
    [0, 10, 9, true],
    [0, 10, 10, false],
    [0, 10, -1, false],
    [-10, -5, -10, true],
    [-10, -5, -5, false],
    [Number.NEGATIVE_INFINITY, 0, Number.MIN_SAFE_INTEGER, true],
    [0, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER, true],
    [0.5, 1.5, 0, false],
    [0.5, 1.5, 1, true],
  ])("from %d to %d: %d is inside: %s", (from, to, start, inside) => {
    expect(contains(from, to, start)).toBe(inside);
  });
});
