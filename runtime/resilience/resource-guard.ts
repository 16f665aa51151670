import type { Attempted, Call, Refusal, RunOptions, Waiting } from "./attempt.ts";

/** What stands around the calls of one institution in one worker: permits, circuit, limits, time-out, statistics. */
export interface ResourceGuard {
  /** Why no call may begin now; undefined if one may: a permit is free, or there is room in the memory queue. Synchronous and cheap. */
  refusal(value: unknown): Refusal | undefined;
  /**
   * Waits for permits (the institution's, then the worker's), asks again whether the call may begin, calls with a time-out, and counts what came of it.
   * The task given up ends it at once, also while it waits. Never rejects.
   */
  run(call: Call, options: RunOptions): Promise<Attempted>;
  /** Records that wait outside, as one task counts them; undefined when the task is gone. */
  reportWaiting(source: string, waiting: Waiting | undefined): void;
}
