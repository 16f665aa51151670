import type { Clock } from "../../time/clock.ts";
import { closed } from "../embedded/refusals.ts";
import type { LogTroubles } from "../log-troubles.ts";
import { asMulgilError, brokerCodeOf, code, kindOf, unreachable } from "./broker-errors.ts";

export interface Patience {
  readonly clock: Clock;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
  /** How long a call goes on trying while brokers are away. */
  readonly patienceMs: number;
  /** Counts what does not work at once. */
  readonly troubles?: LogTroubles;
}

const PAUSE_MIN_MS = 10;
const PAUSE_MAX_MS = 1_000;
/** A transaction ends within milliseconds. */
const TRANSACTION_PAUSE_MAX_MS = 50;

/** Tries until it works, fails for good, or the patience is over. @throws {MulgilError} LOG_UNREACHABLE, LOG_CLOSED, and what asMulgilError says */
export async function retrying<T>(patience: Patience, what: string, attempt: () => Promise<T>): Promise<T> {
  const { clock, signal, patienceMs, troubles } = patience;
  const deadlineMs = clock.now() + patienceMs;
  for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS)) {
    if (signal.aborted) throw closed("log");
    try {
      return await attempt();
    } catch (error) {
      const kind = kindOf(error);
      if (kind !== "final" && signal.aborted) throw closed("log");
      const isLast = kind === "final" || clock.now() + pauseMs > deadlineMs;
      troubles?.count(isLast ? "failed" : "retried", kind);
      if (kind === "final") throw asMulgilError(error, what);
      if (isLast) throw unreachable(what, patienceMs, error);
      const isTransaction = brokerCodeOf(error) === code.concurrentTransactions;
      await clock.sleep(isTransaction ? Math.min(pauseMs, TRANSACTION_PAUSE_MAX_MS) : pauseMs, signal);
    }
  }
}
