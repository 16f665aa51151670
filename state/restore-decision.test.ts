import { expect, it } from "vitest";
import { decideRestore, isTruncated } from "./restore-decision.ts";

const facts = {
  checkpoint: { nextOffset: 50, incarnation: "first", writtenAtMs: 10_000 },
  startOffset: 10,
  endOffset: 100,
  incarnation: "first",
  expires: true,
  nowMs: 11_000,
  deleteRetentionMs: 7_000,
  marginMs: 1_000,
};
const at = (nextOffset: number) => ({ ...facts.checkpoint, nextOffset });

it.each([
  ["a checkpoint inside", {}, { from: 50, wipe: false, reason: "trusted" }],
  ["one at the start", { checkpoint: at(10) }, { from: 10, wipe: false, reason: "trusted" }],
  ["one at the end", { checkpoint: at(100) }, { from: 100, wipe: false, reason: "trusted" }],
  ["none", { checkpoint: undefined }, { from: 10, wipe: true, reason: "no checkpoint" }],
  ["one of which the start has passed the marker", { checkpoint: at(9) }, { from: 10, wipe: false, reason: "trusted" }],
  ["one before the start", { checkpoint: at(8) }, { from: 10, wipe: true, reason: "before the start" }],
  ["one after the end", { checkpoint: at(101) }, { from: 10, wipe: true, reason: "after the end" }],
  ["one of another topic", { incarnation: "second" }, { from: 10, wipe: true, reason: "another incarnation" }],
  ["one almost too old", { nowMs: 15_999 }, { from: 50, wipe: false, reason: "trusted" }],
  ["one too old", { nowMs: 16_000 }, { from: 10, wipe: true, reason: "too old" }],
  ["one from a clock a little ahead", { nowMs: 9_000 }, { from: 50, wipe: false, reason: "trusted" }],
  ["one from the future", { nowMs: 8_999 }, { from: 10, wipe: true, reason: "from the future" }],
])("decides what to do with %s", (_, change, decision) => {
  expect(decideRestore({ ...facts, ...change })).toEqual(decision);
});

it.each([
  ["compacted, a checkpoint inside", { expires: false }, false],
  ["compacted, complete, no checkpoint", { expires: false, startOffset: 0, checkpoint: undefined }, false],
  ["compacted, begun late, no checkpoint", { expires: false, checkpoint: undefined }, true],
  ["compacted, begun late, an old checkpoint", { expires: false, nowMs: 16_000 }, true],
  ["compacted, begun late, another incarnation", { expires: false, incarnation: "second" }, true],
  ["compacted, begun behind the checkpoint", { expires: false, checkpoint: at(8) }, true],
  ["expiring, no checkpoint", { checkpoint: undefined }, false],
  ["expiring, a checkpoint inside", {}, false],
  ["expiring, begun behind the marker of the checkpoint", { checkpoint: at(9) }, false],
  ["expiring, begun behind the checkpoint", { checkpoint: at(8) }, true],
  ["expiring, begun behind an old checkpoint", { checkpoint: at(8), nowMs: 16_000 }, false],
  ["expiring, begun behind a rebuild", { checkpoint: { ...at(8), isPartial: true as const } }, false],
])("knows whether state is lost with a changelog: %s", (_, change, expected) => {
  expect(isTruncated({ ...facts, ...change })).toBe(expected);
});
