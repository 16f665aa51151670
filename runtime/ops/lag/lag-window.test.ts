import { describe, expect, it } from "vitest";
import { commitsOf, type Look, trendOf } from "./lag-window.ts";

const look = (atMs: number, position: number, endOffset: number): Look => ({
  ...{ atMs, position, endOffset, lag: endOffset - position },
});

describe("trendOf", () => {
  it.each([
    ["catches up", [look(0, 0, 100), look(5_000, 50, 110)], { inPerSecond: 2, outPerSecond: 10, catchUpMs: 7_500 }],
    [
      "falls behind",
      [look(0, 0, 100), look(5_000, 5, 150)],
      { inPerSecond: 10, outPerSecond: 1, catchUpMs: undefined },
    ],
    ["is there", [look(0, 90, 100), look(1_000, 100, 100)], { inPerSecond: 0, outPerSecond: 10, catchUpMs: 0 }],
    [
      "moves back",
      [look(0, 90, 100), look(1_000, 0, 100)],
      { inPerSecond: 0, outPerSecond: -90, catchUpMs: undefined },
    ],
    ["is one look", [look(0, 0, 1)], undefined],
    ["is no look", [], undefined],
  ])("of one that %s", (_, looks, trend) => {
    expect(trendOf(looks)).toEqual(trend);
  });

  it("takes a look for a turn to commit", () => {
    expect(commitsOf([look(7, 3, 9)])).toEqual([{ offset: 3, lag: 6, atMs: 7 }]);
  });
});
