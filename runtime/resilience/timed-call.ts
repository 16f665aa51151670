import type { Outcome } from "../dsl/outcome.ts";
import type { Clock } from "../time/clock.ts";
import type { AbortCallbacks } from "./abort-callbacks.ts";
import type { Call, RunOptions } from "./attempt.ts";
import { completed, type EndedCall, outcomeOfError, outcomeOfResult } from "./ended-call.ts";

/** The same for all calls of an institution. */
export interface CallTiming {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly onAbort: AbortCallbacks;
}

/**
 * Calls, and waits for the end, the time-out or the task given up, whichever comes first. What the handler does after that has no effect, also if it
 * ignores its signal. Never rejects.
 */
export function timedCall(
  call: Call,
  { signal, classify }: Pick<RunOptions, "signal" | "classify">,
  { clock, timeoutMs, onAbort }: CallTiming,
): Promise<EndedCall> {
  const startedMs = clock.now();
  const controller = new AbortController();
  const ended = (outcome: Outcome<unknown>): EndedCall => completed(outcome, Math.max(0, clock.now() - startedMs));
  let result: ReturnType<Call>;
  try {
    result = call(controller.signal, startedMs + timeoutMs);
  } catch (error) {
    return Promise.resolve(ended(outcomeOfError(error, classify)));
  }
  if (!isThenable(result)) return Promise.resolve(ended(outcomeOfResult(result, classify)));
  if (signal.aborted) return Promise.resolve({ kind: "aborted" });
  const pending = result;
  return new Promise((resolve) => {
    const settle = (end: EndedCall) => {
      stopTimer();
      stopListening();
      resolve(end);
    };
    const stopTimer = clock.after(timeoutMs, () => {
      settle(ended(timedOut(timeoutMs)));
      controller.abort(new DOMException(`no answer within ${timeoutMs} ms`, "TimeoutError"));
    });
    const stopListening = onAbort.on(signal, () => {
      settle({ kind: "aborted" });
      controller.abort(signal.reason);
    });
    pending.then(
      (value) => settle(ended(outcomeOfResult(value, classify))),
      (error) => settle(ended(outcomeOfError(error, classify))),
    );
  });
}

const timedOut = (timeoutMs: number): Outcome<never> => ({
  ...{ kind: "retry", reason: `no answer within ${timeoutMs} ms`, afterMs: undefined, failure: "timeout" },
});

const isThenable = (result: ReturnType<Call>): result is Promise<Outcome<unknown>> =>
  typeof (result as { then?: unknown } | undefined)?.then === "function";
