import { expect, it } from "vitest";
import { BackOff } from "./back-off.ts";

it("waits twice as long each time, up to half a minute, and begins anew after a minute of health", () => {
  const backOff = new BackOff();
  const waits = [0, 59_999, 10, 10, 10, 10, 10].map((ranMs) => backOff.waitMsAfter(ranMs));
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect([60_000, 10].map((ranMs) => backOff.waitMsAfter(ranMs))).toEqual([1_000, 2_000]);
});
