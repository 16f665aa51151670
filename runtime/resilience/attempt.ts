import type { Outcome } from "../dsl/outcome.ts";

/** Why no call may begin. */
export type RefusalReason = "circuit-open" | "closed" | "held-off" | "queue-full" | "rate-limited" | "opened-by-hand";

/** No call was made, and none may be made now. It spends neither an attempt nor age. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** Wall clock, at which it makes sense to come back. An estimate for a full queue. */
  readonly untilMs: number;
}

/** What came of wanting to call. */
export type Attempted =
  | { readonly called: true; readonly outcome: Outcome<unknown>; readonly durationMs: number }
  | { readonly called: false; readonly refusal: Refusal }
  /** The task was given up: nobody is to do anything about the record. It may have been called all the same. */
  | { readonly called: false; readonly aborted: true };

/** The handler, bound to its record. `signal` aborts at the time-out and when the task is given up; `deadlineMs` is the time-out on the wall clock. */
export type Call = (signal: AbortSignal, deadlineMs: number) => Promise<Outcome<unknown>> | Outcome<unknown>;

export interface RunOptions {
  /** What `closedUntil` of the policy is asked about. */
  readonly value: unknown;
  /** Records that have waited in a tier go first. */
  readonly isRetry: boolean;
  /** Aborts when the task is given up. */
  readonly signal: AbortSignal;
  /** What an error of the handler means; asked first. undefined: the default. */
  readonly classify: (error: unknown) => Outcome<unknown> | undefined;
}

/** Records of one institution that wait outside the memory of the guard: in tiers, and held behind others. */
export interface Waiting {
  readonly records: number;
  readonly oldestSinceMs: number | undefined;
}
