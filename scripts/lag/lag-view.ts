import type { Facts, JobFacts } from "../../runtime/ops/doctor/facts.ts";
import { type JudgedInput, judgedInputs } from "../../runtime/ops/doctor/input-verdicts.ts";
import { type Trend, trendOf } from "../../runtime/ops/lag/lag-window.ts";
import { type Verdict, worstOf } from "../../runtime/ops/lag/verdict.ts";

export type LagBy = "partition" | "task" | "job";

/** How far a job is with a partition, or with all partitions of a task or of itself: sums, the oldest age, the worst verdict. */
export interface LagView {
  readonly job: string;
  readonly task?: string;
  readonly topic?: string;
  readonly partition?: number;
  /** Of one partition only. */
  readonly position?: number;
  readonly endOffset?: number;
  /** Records that are not committed; counts markers. */
  readonly lag: number;
  /** Age of the oldest record that is not committed, by its timestamp; undefined if there is none, or it could not be read. */
  readonly lagMs: number | undefined;
  /** Since the last turn to commit; undefined if the worker does not say. */
  readonly commitAgeMs: number | undefined;
  /** Undefined for retry tiers: what lies there waits for its time. */
  readonly verdict: Verdict | undefined;
  /** Offsets written and committed a second, over the sample; undefined without one. */
  readonly inPerSecond?: number;
  readonly outPerSecond?: number;
  /** Undefined if it does not come to that. */
  readonly catchUpMs?: number | undefined;
}

/** Pure. */
export function lagViews({ jobs, nowMs }: Pick<Facts, "jobs" | "nowMs">, by: LagBy): readonly LagView[] {
  return jobs.flatMap((job) => {
    const judged = judgedInputs(job, nowMs);
    if (by === "partition") return judged.map((each) => partitionView(job, each, nowMs));
    if (by === "job") return [together(job, judged, nowMs)];
    const byTask = Map.groupBy(judged, ({ task }) => task);
    return [...byTask].map(([task, own]) => ({ ...together(job, own, nowMs), task }));
  });
}

function partitionView({ overview }: JobFacts, judged: JudgedInput, nowMs: number): LagView {
  const { topic, partition, position, endOffset, looks } = judged.input;
  return {
    ...{ job: overview.job, task: judged.task, topic, partition, position, endOffset },
    ...common([judged], nowMs),
    ...trendOf(looks),
  };
}

function together({ overview }: JobFacts, judged: readonly JudgedInput[], nowMs: number): LagView {
  return { job: overview.job, ...common(judged, nowMs), ...allTrends(judged) };
}

function common(
  judged: readonly JudgedInput[],
  nowMs: number,
): Pick<LagView, "lag" | "lagMs" | "commitAgeMs" | "verdict"> {
  const ages = judged.flatMap(({ input: { head } }) =>
    head === undefined ? [] : [Math.max(0, nowMs - head.timestampMs)],
  );
  const commits = judged.flatMap(({ told }) => told?.commits.at(-1)?.atMs ?? []);
  const verdicts = judged.flatMap(({ verdict }) => verdict ?? []);
  return {
    lag: judged.reduce((sum, { input }) => sum + input.lag, 0),
    lagMs: ages.length === 0 ? undefined : Math.max(...ages),
    commitAgeMs: commits.length === 0 ? undefined : Math.max(0, nowMs - Math.min(...commits)),
    verdict: verdicts.length === 0 ? undefined : worstOf(verdicts),
  };
}

/** All are there when the last one is. */
function allTrends(judged: readonly JudgedInput[]): Partial<Trend> {
  const trends = judged.flatMap(({ input }) => trendOf(input.looks) ?? []);
  if (trends.length === 0) return {};
  const catchUps = trends.map(({ catchUpMs }) => catchUpMs);
  return {
    inPerSecond: trends.reduce((sum, { inPerSecond }) => sum + inPerSecond, 0),
    outPerSecond: trends.reduce((sum, { outPerSecond }) => sum + outPerSecond, 0),
    catchUpMs: catchUps.includes(undefined) ? undefined : Math.max(...(catchUps as number[])),
  };
}
