import type { FailureClass, Outcome } from "../dsl/outcome.ts";
import { RetriableError, TerminalError } from "../errors/errors.ts";
import type { RunOptions } from "./attempt.ts";
import type { CallClass } from "./resource-report.ts";

/** A call that is over; "aborted": its task was given up. */
export type EndedCall = { readonly kind: "aborted" } | CompletedCall;

export interface CompletedCall {
  readonly kind: "completed";
  readonly class: CallClass;
  readonly outcome: Outcome<unknown>;
  readonly durationMs: number;
}

/** What an end says about the institution. "success": it answers, be it with a refusal. "neither": it has not had to show anything. */
export type Verdict = "success" | "failure" | "neither";

const VERDICTS: Readonly<Record<CallClass, Verdict>> = {
  done: "success",
  rejected: "success",
  dead: "success",
  error: "failure",
  timeout: "failure",
  throttled: "failure",
  wait: "neither",
};

export const verdictOn = (ended: EndedCall): Verdict => (ended.kind === "aborted" ? "neither" : VERDICTS[ended.class]);

export const completed = (outcome: Outcome<unknown>, durationMs: number): CompletedCall => ({
  kind: "completed",
  class: outcome.kind === "retry" ? outcome.failure : outcome.kind,
  outcome,
  durationMs,
});

/** What the handler returned; something else than an outcome, from one in JavaScript, counts as an error. Never throws. */
export const outcomeOfResult = (result: unknown, classify: RunOptions["classify"]): Outcome<unknown> =>
  isOutcome(result)
    ? result
    : outcomeOfError(
        new TypeError("the handler returned no outcome: return done(…), retry(…), wait(…) or dead(…)"),
        classify,
      );

/** What an error of the handler means. Never throws. */
export function outcomeOfError(error: unknown, classify: RunOptions["classify"]): Outcome<unknown> {
  try {
    const classified = classify(error);
    if (isOutcome(classified)) return classified;
  } catch (own) {
    return failed(`classify failed: ${textOf(own)}`);
  }
  if (error instanceof TerminalError) return { kind: "dead", code: error.code, reason: error.message };
  if (error instanceof RetriableError) return failed(error.message, error.afterMs);
  return failed(textOf(error));
}

export const failed = (reason: string, afterMs?: number): Outcome<unknown> => ({
  ...{ kind: "retry", reason, afterMs, failure: "error" },
});

const FAILURES: ReadonlySet<unknown> = new Set(["error", "timeout", "throttled", "rejected"] satisfies FailureClass[]);

/** In JavaScript anything can come, and what is taken for an outcome must do as one. */
function isOutcome(value: unknown): value is Outcome<unknown> {
  const given = value as Readonly<Record<string, unknown>> | null | undefined;
  switch (given?.["kind"]) {
    case "done":
      return Array.isArray(given["values"]);
    case "retry":
      return isText(given["reason"]) && FAILURES.has(given["failure"]) && isOptionalNumber(given["afterMs"]);
    case "wait":
      return isText(given["reason"]) && isOptionalNumber(given["untilMs"]);
    case "dead":
      return isText(given["code"]) && isText(given["reason"]);
    default:
      return false;
  }
}

const isText = (value: unknown): boolean => typeof value === "string";
const isOptionalNumber = (value: unknown): boolean => value === undefined || typeof value === "number";

function textOf(error: unknown): string {
  if (error instanceof Error) return error.message === "" ? error.name : error.message;
  return String(error);
}
