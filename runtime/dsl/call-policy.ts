import type { Duration } from "./duration.ts";

/** What may be asked of one institution, and when it is left alone. Every limit has a default. */
export interface CallPolicy {
  /** After that the handler's signal aborts, and the call counts as a time-out. @default "30 seconds" */
  readonly timeout?: Duration;
  /**
   * Calls under way at once, of one worker. A number is fixed; bounds let it adapt to what is measured: one more after each round that went well, fewer after
   * time-outs, throttling (429) and rising latency. @default { min: 1, max: 64 }
   */
  readonly concurrency?: number | ConcurrencyBounds;
  /** Records that wait in a worker's memory for one of these; more of them wait in a retry tier. @default 1_000 */
  readonly queue?: number;
  /** Of the whole job: its workers share it. @default none */
  readonly rateLimit?: { readonly calls: number; readonly per: Duration };
  /** false: none. */
  readonly circuit?: CircuitPolicy | false;
  /**
   * Until when no call may be made for this value, if none may be made now: an institution's window, announced maintenance.
   * Returns wall-clock ms, or undefined if a call may be made. Must be pure and fast: it is asked before every call.
   */
  readonly closedUntil?: (nowMs: number, value: never) => number | undefined;
  readonly retry?: RetryPolicy;
}

export interface ConcurrencyBounds {
  readonly min: number;
  readonly max: number;
  /** @default max / 4, and min at least */
  readonly initial?: number;
}

/** When an institution is left alone because its calls fail, and when it is tried again. */
export interface CircuitPolicy {
  /** Opens at this share of failures. @default 0.5 */
  readonly errorRate?: number;
  /** Of the last calls, so far back. @default "1 minute" */
  readonly window?: Duration;
  /** Fewer calls in the window say nothing. @default 20 */
  readonly callsMin?: number;
  /** A success that takes longer is a slow call. @default no call is slow */
  readonly slowAfter?: Duration;
  /** Opens at this share of slow calls. @default 0.9 */
  readonly slowRate?: number;
  /** How long it stays open before calls probe it; doubled with each probe that fails. @default "10 seconds" */
  readonly openFor?: Duration;
  /** @default "5 minutes" */
  readonly openForMax?: Duration;
  /** Calls that are let through to probe; all have to succeed. @default 3 */
  readonly probes?: number;
}

/** How often and how long a record is tried. Waiting (`wait`) counts as neither. */
export interface RetryPolicy {
  /** Calls of one record, the first included. @default 10 */
  readonly attemptsMax?: number;
  /** Since the record's first call, less what it has waited. @default "7 days" */
  readonly ageMax?: Duration;
  /** Before the second call; doubled with each further one, and the next longer tier is taken. @default "10 seconds" */
  readonly backoff?: Duration;
}
