import { DurationHistogram } from "../time/duration-histogram.ts";
import type { RefusalReason, Waiting } from "./attempt.ts";
import type { CompletedCall } from "./ended-call.ts";
import { bucketName, pairsOf } from "./latency-histogram.ts";
import type { ResourceMeasures } from "./resource-measures.ts";
import { CALL_CLASSES, type CallClass, REFUSAL_REASONS, type ResourceReport } from "./resource-report.ts";
import { RollingCounts } from "./rolling-counts.ts";

const DURATION_BOUNDS_MS = [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

/** What came of one institution's calls over the window, and what waits for it. */
export class Statistics {
  readonly #windowMs: number;
  readonly #calls: RollingCounts<CallClass>;
  readonly #refused: RollingCounts<RefusalReason>;
  readonly #latencies: RollingCounts<string>;
  readonly #waiting = new Map<string, Waiting>();
  // Since the beginning: no window, and no reset by hand.
  readonly #callsEver = zeros(CALL_CLASSES);
  readonly #refusedEver = zeros(REFUSAL_REASONS);
  readonly #durations = new DurationHistogram(DURATION_BOUNDS_MS);
  #sinceMs: number;

  constructor(windowMs: number, nowMs: number) {
    this.#windowMs = windowMs;
    this.#sinceMs = nowMs;
    this.#calls = new RollingCounts(windowMs);
    this.#refused = new RollingCounts(windowMs);
    this.#latencies = new RollingCounts(windowMs);
  }

  ended(call: CompletedCall, nowMs: number): void {
    this.#calls.add(call.class, nowMs);
    this.#latencies.add(bucketName(call.durationMs), nowMs);
    this.#callsEver[call.class]++;
    this.#durations.add(call.durationMs);
  }

  refused(reason: RefusalReason, nowMs: number): void {
    this.#refused.add(reason, nowMs);
    this.#refusedEver[reason]++;
  }

  reportWaiting(source: string, waiting: Waiting | undefined): void {
    if (waiting === undefined || waiting.records === 0) this.#waiting.delete(source);
    else this.#waiting.set(source, waiting);
  }

  get waiting(): Waiting {
    let records = 0;
    let oldestSinceMs: number | undefined;
    for (const each of this.#waiting.values()) {
      records += each.records;
      oldestSinceMs = earlier(oldestSinceMs, each.oldestSinceMs);
    }
    return { records, oldestSinceMs };
  }

  /** Calls that end in a millisecond; 0 if none has. */
  throughput(nowMs: number): number {
    const calls = Object.values(this.#calls.totalsOf(CALL_CLASSES, nowMs)).reduce((sum, count) => sum + count, 0);
    return calls / Math.max(1, Math.min(this.#windowMs, nowMs - this.#sinceMs));
  }

  /** What waits is no matter of the window: it stays. */
  clear(nowMs: number): void {
    this.#sinceMs = nowMs;
    for (const counts of [this.#calls, this.#refused, this.#latencies]) counts.clear();
  }

  get measures(): Pick<ResourceMeasures, "calls" | "refused" | "durations" | "waiting"> {
    return {
      calls: this.#callsEver,
      refused: this.#refusedEver,
      durations: this.#durations,
      waiting: this.waiting,
    };
  }

  report(nowMs: number): Pick<ResourceReport, "windowMs" | "calls" | "refused" | "latencies" | "waiting"> {
    return {
      windowMs: this.#windowMs,
      calls: this.#calls.totalsOf(CALL_CLASSES, nowMs),
      refused: this.#refused.totalsOf(REFUSAL_REASONS, nowMs),
      latencies: pairsOf(this.#latencies.totals(nowMs)),
      waiting: this.waiting,
    };
  }
}

const zeros = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;

const earlier = (left: number | undefined, right: number | undefined): number | undefined =>
  left === undefined ? right : right === undefined ? left : Math.min(left, right);
