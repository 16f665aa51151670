/** How a call ended, as its handler says it. Made by `done`, `retry`, `wait` and `dead`. */
export type Outcome<Out> = Done<Out> | Retry | Wait | Dead;

/** The call succeeded; its values go on, in order, under the record's key. */
export interface Done<Out> {
  readonly kind: "done";
  readonly values: readonly Out[];
}

/** The call failed and may succeed later: it spends an attempt. */
export interface Retry {
  readonly kind: "retry";
  readonly reason: string;
  /** Not before this long; the institution's word (Retry-After) wins over the back-off if it is longer. */
  readonly afterMs: number | undefined;
  /** What kind of failure it was, in the statistics and for the concurrency: see `FailureClass`. */
  readonly failure: FailureClass;
}

/** No call was possible now: it spends neither an attempt nor age. */
export interface Wait {
  readonly kind: "wait";
  readonly reason: string;
  /** Wall clock; undefined: as the policy's back-off has it. */
  readonly untilMs: number | undefined;
  /** Whether it holds for this record only, or for everything that goes to the institution. */
  readonly scope: "record" | "resource";
}

/** The call can never succeed: the record goes to the DLQ. */
export interface Dead {
  readonly kind: "dead";
  readonly code: string;
  readonly reason: string;
}

/**
 * What a failure says about the institution. "timeout" and "throttled" lower the concurrency, and like "error" they count against the circuit;
 * "rejected" is an answer (a refused request): the institution is well.
 */
export type FailureClass = "error" | "timeout" | "throttled" | "rejected";

/** Ends a call with success. The values go on, in order. */
export const done = <Out>(...values: readonly Out[]): Done<Out> => ({ kind: "done", values });

/**
 * Ends a call that may succeed later. The record goes to a retry tier and spends an attempt; after the last one it is dead.
 * @param options.afterMs not before this long. @default the policy's back-off
 * @param options.failure @default "error"
 */
export const retry = (
  reason: string,
  { afterMs, failure = "error" }: { readonly afterMs?: number; readonly failure?: FailureClass } = {},
): Retry => ({ kind: "retry", reason, afterMs, failure });

/**
 * Ends a call that could not be made (maintenance, a closed window). The record waits in a retry tier, spending neither attempts nor age.
 * @param options.untilMs wall clock. @default as the policy's back-off has it
 * @param options.scope "resource": nothing is called at this institution until then. @default "record"
 */
export const wait = (
  reason: string,
  { untilMs, scope = "record" }: { readonly untilMs?: number; readonly scope?: Wait["scope"] } = {},
): Wait => ({ kind: "wait", reason, untilMs, scope });

/** Ends a call that can never succeed. `code` names the broken rule; the dead letter is filed under it. */
export const dead = (code: string, reason: string): Dead => ({ kind: "dead", code, reason });
