import ms from "ms";
import type { WantedStatus } from "../worker/worker-orders.ts";
import type { InstitutionOverview } from "./circuits-overview.ts";

/** What a look at a job over some seconds has found. Retry tiers are left out: their records wait for time, not for workers. */
export interface JobSample {
  readonly job: string;
  readonly wanted: WantedStatus;
  /** Members of its group. */
  readonly workers: number;
  readonly tasks: readonly SampledTask[];
  readonly institutions: readonly InstitutionOverview[];
}

export interface SampledTask {
  readonly task: string;
  /** Records that it has not committed, at the end of the sample. */
  readonly lag: number;
  readonly arrivedPerSecond: number;
  readonly committedPerSecond: number;
}

export interface ScaleAdvice {
  readonly job: string;
  readonly workers: number;
  readonly advised: number;
  /** "more" and "fewer" workers help; "enough" are there; "useless": it lags, and other workers than these would change nothing. */
  readonly verdict: "more" | "fewer" | "enough" | "useless";
  readonly why: readonly string[];
  readonly lag: number;
  readonly arrivedPerSecond: number;
  readonly committedPerSecond: number;
}

/** A backlog is to be gone by then. */
const CATCH_UP_S = 600;
/** So much of what arrives is under way in a job that keeps up: it commits now and then. */
const UNDER_WAY_S = 5;
/** One task has so much of the lag that the others are idle beside it. */
const HOT_SHARE = 0.8;
/** An institution whose calls are limited has so many under way. */
const SATURATED_SHARE = 0.8;
/** Institutions hold a job up if so much of its backlog waits for them. */
const BLOCKED_SHARE = 0.5;

type Found = Pick<ScaleAdvice, "advised" | "verdict" | "why">;

/** How many workers help a job, and why. Pure. */
export function adviseScale(sample: JobSample): ScaleAdvice {
  const { job, workers, tasks } = sample;
  const sum = (of: (task: SampledTask) => number) => tasks.reduce((total, task) => total + of(task), 0);
  const totals = {
    lag: sum(({ lag }) => lag),
    arrivedPerSecond: sum(({ arrivedPerSecond }) => arrivedPerSecond),
    committedPerSecond: sum(({ committedPerSecond }) => committedPerSecond),
  };
  return { job, workers, ...totals, ...advice(sample, totals) };
}

type Totals = Pick<ScaleAdvice, "lag" | "arrivedPerSecond" | "committedPerSecond">;

function advice(sample: JobSample, totals: Totals): Found {
  const { job, wanted, workers, tasks } = sample;
  const { lag, arrivedPerSecond } = totals;
  if (wanted !== "running")
    return useless(workers, `it is ${wanted} on an order: nothing is processed until mulgil resume ${job}`);
  if (workers === 0)
    return {
      advised: 1,
      verdict: "more",
      why: [`nobody runs it: start it with mulgil run; ${count(lag)} records wait`],
    };
  if (workers > tasks.length) {
    const idle = workers - tasks.length;
    return {
      advised: tasks.length,
      verdict: "fewer",
      why: [`it has ${tasks.length} tasks, so ${idle} of ${workers} workers have none`],
    };
  }
  if (lag <= arrivedPerSecond * UNDER_WAY_S)
    return enough(
      workers,
      `it keeps up: ${rate(arrivedPerSecond)} arrive, ${count(lag)} of these are not committed yet`,
    );
  return heldUp(sample, totals) ?? byRate(sample, totals);
}

/** Why the backlog does not depend on the number of workers; undefined if it does. */
function heldUp({ workers, tasks, institutions }: JobSample, { lag, committedPerSecond }: Totals): Found | undefined {
  const limiting = institutions.filter(isLimiting);
  const waiting = limiting.reduce((sum, each) => sum + each.waiting + each.queued + each.inFlight, 0);
  if (limiting.length > 0 && waiting >= lag * BLOCKED_SHARE)
    return useless(workers, ...limiting.map(limitText), "more workers make no institution answer more");
  const hot = tasks.length > 1 ? tasks.find((task) => task.lag >= lag * HOT_SHARE) : undefined;
  if (hot !== undefined && workers > 1) {
    const share = Math.round((100 * hot.lag) / lag);
    return useless(
      workers,
      `${share}% of the lag is in task ${hot.task}, which one worker runs: spread its keys over more partitions`,
    );
  }
  if (committedPerSecond > 0) return undefined;
  return useless(
    workers,
    `${count(lag)} records wait and none was committed while we looked: it stands still, see mulgil status and the log of its workers`,
  );
}

function byRate(
  { workers, tasks, institutions }: JobSample,
  { lag, arrivedPerSecond, committedPerSecond }: Totals,
): Found {
  const each = committedPerSecond / workers;
  const trend = committedPerSecond - arrivedPerSecond;
  const secondsLeft = trend > 0 ? lag / trend : Infinity;
  const rates = `${rate(arrivedPerSecond)} arrive, ${rate(committedPerSecond)} are committed, ${count(lag)} wait`;
  if (secondsLeft <= CATCH_UP_S)
    return enough(workers, `it catches up within ${ms(Math.ceil(secondsLeft) * 1_000, { long: true })}: ${rates}`);
  const needed = Math.max(workers + 1, Math.ceil((arrivedPerSecond + lag / CATCH_UP_S) / each));
  const advised = Math.min(needed, tasks.length);
  const why = [
    `it ${trend > 0 ? "catches up too slowly" : "falls behind"}: ${rates}; a worker does about ${rate(each)}`,
  ];
  if (needed > tasks.length)
    why.push(
      `${needed} workers would be needed, and it has ${tasks.length} tasks: more workers than tasks never help, more partitions do`,
    );
  why.push(...institutions.filter(isLimiting).map(limitText));
  return advised > workers ? { advised, verdict: "more", why } : { advised: workers, verdict: "useless", why };
}

function isLimiting({ circuit, override, limit, inFlight, queued }: InstitutionOverview): boolean {
  if (override !== undefined) return override.state === "open";
  return circuit !== "closed" || (limit > 0 && inFlight >= limit * SATURATED_SHARE && queued > 0);
}

/** "bank-02 takes 9 calls at once of 30 s each (p95): at most 0.3 calls/s; 1,204 records wait for it" */
function limitText({ resource, circuit, override, limit, latency, waiting, queued }: InstitutionOverview): string {
  const behind = `${count(waiting + queued)} records wait for it`;
  if (override?.state === "open") return `${resource} is closed to calls by hand: ${behind}`;
  if (circuit !== "closed")
    return `the circuit of ${resource} is ${circuit === "open" ? "open" : "half open"}: ${behind}`;
  if (latency === undefined || latency.p95 === 0) return `${resource} takes ${count(limit)} calls at once: ${behind}`;
  const ceiling = (limit * 1_000) / latency.p95;
  const each = ms(latency.p95);
  return `${resource} takes ${count(limit)} calls at once of ${each} each (p95), at most ${rate(ceiling, "calls")}: ${behind}`;
}

const enough = (workers: number, ...why: readonly string[]): Found => ({ advised: workers, verdict: "enough", why });
const useless = (workers: number, ...why: readonly string[]): Found => ({ advised: workers, verdict: "useless", why });

const count = (value: number): string => value.toLocaleString("en-US");
const rate = (perSecond: number, what = "records"): string =>
  `${perSecond < 10 ? Number(perSecond.toFixed(1)) : count(Math.round(perSecond))} ${what}/s`;
