import { type CommitSample, WINDOW_SAMPLES } from "../../worker/commit-window.ts";

/**
 * How a group fares with a partition:
 * "ok", it keeps up, or catches up; "behind", it goes on, and the lag never falls; "stalled", it has its turns to commit and does not move; "stopped", it has no
 * turns any more; "rewound", its position has moved back; "paused", it was told to wait; "unknown", nobody can say, for now.
 */
export type Verdict = "ok" | "behind" | "stalled" | "stopped" | "rewound" | "paused" | "unknown";

export interface VerdictFacts {
  /** Turns to commit, oldest first: of the worker, or looks at the log. */
  readonly commits: readonly CommitSample[];
  /** Records behind the position, now. */
  readonly lag: number;
  readonly nowMs: number;
  /** How much time a full window is about. */
  readonly windowMs: number;
  /** Ends of the partition that were seen lately. */
  readonly recentEnds?: readonly number[];
  readonly isPaused?: boolean;
  /** Nobody is in the group. */
  readonly isAbandoned?: boolean;
}

/** Fewer say nothing about a trend: at a start, half a window is waited for. */
const SAMPLES_MIN = WINDOW_SAMPLES / 2;

/**
 * The rules of Burrow (github.com/linkedin/Burrow, "Consumer Lag Evaluation Rules"), which need no threshold of lag:
 *
 *   no lag now                                                                          ok
 *   the last turn is longer ago than the window is long, and no end seen lately was reached   stopped
 *   the position moved back, and has not reached again where it was                     rewound
 *   the lag was zero at some turn                                                       ok
 *   the position did not move at all                                                    stalled
 *   the lag fell at no turn                                                             behind
 *
 * A window that is not full counts as long as a full one; Burrow's would be a moment long, and everything "stopped" that has just begun. Pure.
 */
export function verdictOf(facts: VerdictFacts): Verdict {
  const { commits, lag } = facts;
  if (facts.isPaused === true) return "paused";
  if (lag === 0) return "ok";
  if (facts.isAbandoned === true) return "stopped";
  if (commits.length === 0) return "unknown";
  if (hasStopped(facts) && !hadNoLagLately(facts)) return "stopped";
  if (isRewound(commits)) return "rewound";
  if (commits.some((each) => each.lag === 0)) return "ok";
  if (commits.length < SAMPLES_MIN) return "ok";
  if (commits.every(({ offset }) => offset === commits[0]!.offset)) return "stalled";
  return pairs(commits).every(([before, after]) => after.lag >= before.lag) ? "behind" : "ok";
}

function hasStopped({ commits, nowMs, windowMs }: VerdictFacts): boolean {
  const lastMs = commits.at(-1)!.atMs;
  return nowMs - lastMs > Math.max(lastMs - commits[0]!.atMs, windowMs);
}

/** Who was at the end a moment ago has had no time to see what came since. */
function hadNoLagLately({ commits, recentEnds = [] }: VerdictFacts): boolean {
  return recentEnds.some((end) => end <= commits.at(-1)!.offset);
}

function isRewound(commits: readonly CommitSample[]): boolean {
  if (!pairs(commits).some(([before, after]) => after.offset < before.offset)) return false;
  return commits.at(-1)!.offset < Math.max(...commits.map(({ offset }) => offset));
}

const pairs = (commits: readonly CommitSample[]): readonly (readonly [CommitSample, CommitSample])[] =>
  commits.slice(1).map((after, index) => [commits[index]!, after]);

const WORST_FIRST: readonly Verdict[] = ["rewound", "stopped", "stalled", "unknown", "behind", "paused", "ok"];

/** Of a task with several inputs, or of a job: the one that somebody should know of first. */
export const worstOf = (verdicts: readonly Verdict[]): Verdict =>
  WORST_FIRST.find((verdict) => verdicts.includes(verdict)) ?? "ok";
