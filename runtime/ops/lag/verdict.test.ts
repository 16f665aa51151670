import { describe, expect, it } from "vitest";
import type { CommitSample } from "../../worker/commit-window.ts";
import { type Verdict, type VerdictFacts, verdictOf, worstOf } from "./verdict.ts";

const NOW_MS = 100_000;

/** Turns a second apart, the last one a second ago. */
const turns = (...pairs: readonly (readonly [offset: number, lag: number])[]): readonly CommitSample[] =>
  pairs.map(([offset, lag], index) => ({ offset, lag, atMs: NOW_MS - 1_000 * (pairs.length - index) }));

const facts = (commits: readonly CommitSample[], change: Partial<VerdictFacts> = {}): VerdictFacts => ({
  ...{ commits, lag: commits.at(-1)?.lag ?? 5, nowMs: NOW_MS, windowMs: 9_000 },
  ...change,
});

const full = (each: (index: number) => readonly [number, number]) =>
  turns(...Array.from({ length: 10 }, (_, index) => each(index)));
const moving = full((index) => [index * 10, 50 + index]);
const older = (commits: readonly CommitSample[], ms: number) =>
  commits.map((each) => ({ ...each, atMs: each.atMs - ms }));

const cases: readonly (readonly [what: string, facts: VerdictFacts, verdict: Verdict])[] = [
  [
    "no lag now, whatever was",
    facts(
      older(
        full(() => [7, 3]),
        60_000,
      ),
      { lag: 0 },
    ),
    "ok",
  ],
  ["rule 1: the lag was zero at some turn", facts(full((index) => [5, index === 3 ? 0 : 9])), "ok"],
  ["rule 2: the position moved back", facts(full((index) => [index < 6 ? 100 + index : 20 + index, 9])), "rewound"],
  [
    "rule 2: the position moved back from the end, where the lag was zero",
    facts(full((index) => (index < 6 ? [100, 0] : [20 + index, 80 - index]))),
    "rewound",
  ],
  [
    "rule 2: it moved back and is again where it was",
    facts(full((index) => [[100, 20, 60, 90][index] ?? 100 + index, index === 0 ? 0 : 30])),
    "ok",
  ],
  ["rule 3: the last turn is longer ago than the window", facts(older(moving, 10_000)), "stopped"],
  ["rule 3: not longer than the window", facts(older(moving, 7_000)), "behind"],
  [
    "rule 3: it had caught up before it stopped",
    facts(
      older(
        full(() => [50, 0]),
        10_000,
      ),
      { lag: 4, recentEnds: [53, 54] },
    ),
    "stopped",
  ],
  [
    "rule 3: a partition at whose end it was a moment ago",
    facts(
      older(
        full(() => [50, 0]),
        10_000,
      ),
      { lag: 4, recentEnds: [50, 54] },
    ),
    "ok",
  ],
  ["rule 4: turns that move nothing", facts(full((index) => [42, 10 + index])), "stalled"],
  ["rule 4: turns that move nothing, while the lag stays", facts(full(() => [42, 10])), "stalled"],
  ["rule 5: it moves, and the lag never falls", facts(moving), "behind"],
  ["rule 5: it moves, and the lag stays", facts(full((index) => [index, 10])), "behind"],
  ["rule 5: the lag falls once", facts(full((index) => [index * 10, index === 5 ? 40 : 50 + index])), "ok"],
  ["a start: too few turns for a trend", facts(turns([0, 10], [0, 10], [0, 10])), "ok"],
  ["a start: one turn, a moment ago", facts(turns([0, 10])), "ok"],
  ["a start that never had a second turn", facts(older(turns([0, 10]), 9_000)), "stopped"],
  ["nothing is known", facts([]), "unknown"],
  ["nobody is in the group", facts([], { isAbandoned: true }), "stopped"],
  ["nobody is in the group, and there is nothing to do", facts([], { isAbandoned: true, lag: 0 }), "ok"],
  ["it was told to wait", facts(older(moving, 60_000), { isPaused: true }), "paused"],
];

describe("verdictOf", () => {
  it.each(cases)("%s", (_, given, verdict) => {
    expect(verdictOf(given)).toBe(verdict);
  });

  it("puts what somebody should know of first before the rest", () => {
    expect(worstOf([])).toBe("ok");
    expect(worstOf(["ok", "paused", "behind"])).toBe("behind");
    expect(worstOf(["behind", "stalled", "stopped", "rewound"])).toBe("rewound");
  });
});
