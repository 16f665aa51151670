import { describe, expect, it } from "vitest";
import { inheritedReplay, isReplayed, isWithoutEffects, replayedFrom, replayHeaders } from "./replay-headers.ts";

const from = { topic: "bank.raw", partition: 3, offset: 9_007_199_254 };

describe("the headers of a replayed record", () => {
  it("say where it lay", () => {
    expect(replayedFrom(replayHeaders({ id: "x", from, hasEffects: false }))).toEqual(from);
  });

  it.each(["", "bank.raw", "bank.raw/1", "bank.raw/x/1", "a/b/1/2", "bank.raw/1/-2", "bank.raw/1/2 "])(
    "say nothing where somebody wrote %j",
    (text) => expect(replayedFrom({ "mulgil.replay.from": Buffer.from(text) })).toBeUndefined(),
  );

  it("have effects only where that was said", () => {
    expect(isWithoutEffects(replayHeaders({ id: "x", from, hasEffects: false }))).toBe(true);
    expect(isWithoutEffects(replayHeaders({ id: "x", from, hasEffects: true }))).toBe(false);
    expect(isWithoutEffects({ other: Buffer.from("x") })).toBe(false);
    expect(isReplayed(undefined)).toBe(false);
  });

  it("are carried on but for the place", () => {
    const marked = replayHeaders({ id: "x", from, hasEffects: true });
    expect(Object.keys(inheritedReplay({ ...marked, own: Buffer.from("1") })!)).toEqual([
      "mulgil.replay",
      "mulgil.replay.effects",
    ]);
    expect(inheritedReplay({ own: Buffer.from("1") })).toBeUndefined();
  });
});
