import type { Schema } from "../../schemas/schema.ts";
import type { CallPolicy } from "./call-policy.ts";
import type { Duration } from "./duration.ts";
import type { Outcome } from "./outcome.ts";
import type { RecordContext } from "./record.ts";
import type { StepLog } from "./step-log.ts";

/** What a handler may know besides the record's value. */
export interface CallContext<K> {
  readonly record: RecordContext<K>;
  /** The institution that is called. */
  readonly resource: string;
  /** Aborts at the time-out, and when the task is given up: hand it to whatever waits. What the handler does afterwards has no effect. */
  readonly signal: AbortSignal;
  /** The same for every call of one record, also after a crash: give it to institutions that take one. */
  readonly idempotencyKey: string;
  /** 1 for the first call of the record. Calls that never began (open circuit, limits) do not count. */
  readonly attempt: number;
  /** Wall clock, at which the signal aborts. */
  readonly deadlineMs: number;
  /** Wall clock of the record's first call. */
  readonly firstCallMs: number;
  /**
   * Of the call, as W3C's header of that name has it, for institutions that take one; undefined if the record is not traced. HTTP clients that OpenTelemetry instruments
   * send it by themselves, where a context manager is registered.
   */
  readonly traceparent: string | undefined;
  /** Writes to the log of the run, with job, task, step and record. */
  readonly log: StepLog;
}

/** A record that ended without success, as `CallResult.dead` sends it on. */
export interface CallFailure<V> {
  readonly value: V;
  readonly resource: string;
  /** As the dead letter has it. */
  readonly code: string;
  readonly reason: string;
  readonly attempts: number;
  readonly firstCallMs: number;
}

/** Records about somebody who must be forgotten: of a customer who has left. */
export interface Erasure<K, V> {
  /** Whom a record is about. */
  readonly subject: (value: V, record: RecordContext<K>) => string;
  /**
   * Whether this record orders that its subject is forgotten. It is not handed to the handler: calls under way for the subject are aborted, what is held or waits
   * in tiers is dropped, nothing of it is written any more, and the order goes on as `CallResult.erased`. Records behind the order are handled as ever.
   */
  readonly isOrder: (value: V, record: RecordContext<K>) => boolean;
}

export interface CallOptions<K, V, Out> {
  /** The external party that the record is for: it has a circuit, limits and statistics of its own. */
  readonly resource: (value: V, record: RecordContext<K>) => string;
  /** Records of the same key are handled one after the other; absent, all at once. */
  readonly orderKey?: (value: V, record: RecordContext<K>) => string;
  /**
   * What becomes of a key's later records while one waits to be tried again. "strict": they wait behind it. "lastSuccessWins": they go on, and the one that waits is
   * dropped when a later one has succeeded (`CallResult.superseded`). @default "strict"
   */
  readonly order?: "strict" | "lastSuccessWins";
  /** With "lastSuccessWins": what makes a record later than another. @default the order in the topic */
  readonly version?: (value: V) => number;
  /** Calls under way at once in one worker, over all institutions. @default 1_000 */
  readonly concurrency?: number;
  /**
   * Records that one task takes up at once and keeps in memory: under way, or waiting for their turn. More wait in the topic, in tiers, or held in state.
   * @default twice the concurrency, and 1_000 at least
   */
  readonly admittedMax?: number;
  /** With "strict": records of one key that may wait behind another; more are dead letters (CALL_HELD_FULL). @default 1_000 */
  readonly heldMax?: number;
  /** Delays of the retry tiers, ascending; each is a topic. @default ["10 seconds", "1 minute", "10 minutes", "1 hour"] */
  readonly tiers?: readonly Duration[];
  /** One for all institutions, or each its own. */
  readonly policy?: CallPolicy | ((resource: string) => CallPolicy);
  /** What an error of the handler means; undefined: the default (TerminalError is dead, everything else is tried again). */
  readonly classify?: (error: unknown, value: V) => Outcome<Out> | undefined;
  readonly erasure?: Erasure<K, V>;
  /** Needed where the output is repartitioned, aggregated or stored. */
  readonly output?: Schema<Out>;
  /**
   * Calls the institution. May run again after a crash for a record whose call has ended but was not committed; the idempotency key says so to the other side.
   * Throwing is an outcome: see `classify`.
   */
  readonly handler: (value: V, context: CallContext<K>) => Promise<Outcome<Out>> | Outcome<Out>;
}
