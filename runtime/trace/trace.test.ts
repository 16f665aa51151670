import { describe, expect, it } from "vitest";
import { beginsTrace, isSampled } from "./sampling.ts";
import { parseTraceparent, traceparentOf } from "./trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const parsed = (header: string) => parseTraceparent(Buffer.from(header));

describe("traceparent", () => {
  it("is read and written as W3C has it", () => {
    const header = `00-${TRACE}-${SPAN}-01`;
    expect(parsed(header)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled: true });
    expect(traceparentOf(parsed(header)!)).toBe(header);
    expect(parsed(`00-${TRACE}-${SPAN}-00`)).toMatchObject({ isSampled: false });
    expect(parsed(`00-${TRACE}-${SPAN}-03`)).toMatchObject({ isSampled: true });
    expect(parsed(`01-${TRACE}-${SPAN}-01-more`)).toMatchObject({ isSampled: true });
  });

  it.each([
    "",
    "garbage",
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `01-${TRACE}-${SPAN}-01-${"x".repeat(1_000)}`,
  ])("is none: %s", (header) => {
    expect(parsed(header)).toBeUndefined();
  });
});

describe("sampling", () => {
  it.each([0, 0.001, 0.01, 0.1, 0.5, 1])("begins traces for a share of %d of any partition", (ratio) => {
    for (const partition of [0, 1, 17]) {
      const chosen = Array.from({ length: 10_000 }, (_, offset) => offset).filter((offset) =>
        beginsTrace({ ratio, isParentBased: true }, partition, 5_000_000_000 + offset),
      );
      expect(Math.abs(chosen.length - ratio * 10_000)).toBeLessThanOrEqual(3);
    }
  });

  it("is up to the parent, or to the id of the trace", () => {
    const parent = { traceId: TRACE, spanId: SPAN, isSampled: true };
    const low = { ...parent, traceId: `${"f".repeat(19)}${"0".repeat(13)}`, isSampled: false };
    expect(isSampled({ ratio: 0, isParentBased: true }, parent)).toBe(true);
    expect(isSampled({ ratio: 1, isParentBased: true }, low)).toBe(false);
    expect(isSampled({ ratio: 0.01, isParentBased: false }, low)).toBe(true);
    expect(isSampled({ ratio: 0.01, isParentBased: false }, parent)).toBe(false);
  });
});
