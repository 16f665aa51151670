import { type CommitSample, WINDOW_SAMPLES } from "../../worker/commit-window.ts";
import type { InputFacts } from "./input-facts.ts";

/** One look at how far a group was. */
export interface Look extends Pick<InputFacts, "position" | "endOffset" | "lag"> {
  readonly atMs: number;
}

/** What several looks tell. */
export interface Trend {
  /** Offsets written and committed, a second. */
  readonly inPerSecond: number;
  readonly outPerSecond: number;
  /** Until nothing is left at these rates; undefined if it does not come to that. */
  readonly catchUpMs: number | undefined;
}

/** So many looks are taken over the time of a sample, the first and the last included. */
export const LOOKS = WINDOW_SAMPLES;

/** Where nobody tells when it was committed, a look stands for a turn to commit. */
export const commitsOf = (looks: readonly Look[]): readonly CommitSample[] =>
  looks.map(({ position: offset, lag, atMs }) => ({ offset, lag, atMs }));

/** Undefined for one look. Pure. */
export function trendOf(looks: readonly Look[]): Trend | undefined {
  const [first, last] = [looks[0], looks.at(-1)];
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined;
  const seconds = (last.atMs - first.atMs) / 1_000;
  const inPerSecond = (last.endOffset - first.endOffset) / seconds;
  const outPerSecond = (last.position - first.position) / seconds;
  const gain = outPerSecond - inPerSecond;
  const catchUpMs = last.lag === 0 ? 0 : gain > 0 ? Math.round((last.lag / gain) * 1_000) : undefined;
  return { inPerSecond, outPerSecond, catchUpMs };
}
