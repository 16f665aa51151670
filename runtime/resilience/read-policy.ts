import type { CallPolicy, CircuitPolicy, ConcurrencyBounds } from "../dsl/call-policy.ts";
import { type Duration, parseDuration } from "../dsl/duration.ts";

/** A policy with its durations read and its defaults filled in. */
export interface ReadPolicy {
  readonly timeoutMs: number;
  /** min equals max where it is fixed. */
  readonly concurrency: Required<ConcurrencyBounds>;
  readonly queueMax: number;
  readonly rateLimit: ReadRateLimit | undefined;
  /** undefined: none. */
  readonly circuit: ReadCircuitPolicy | undefined;
  readonly closedUntil: ((nowMs: number, value: never) => number | undefined) | undefined;
  readonly retry: { readonly attemptsMax: number; readonly ageMaxMs: number; readonly backoffMs: number };
}

export interface ReadRateLimit {
  readonly calls: number;
  readonly perMs: number;
}

export interface ReadCircuitPolicy {
  /** In (0, 1]. */
  readonly errorRate: number;
  readonly windowMs: number;
  readonly callsMin: number;
  /** undefined: no call is slow. */
  readonly slowAfterMs: number | undefined;
  /** In (0, 1]. */
  readonly slowRate: number;
  readonly openForMs: number;
  readonly openForMaxMs: number;
  readonly probes: number;
}

/** What is wrong with a policy, in a form that becomes an Issue once the step is known. */
export interface PolicyProblem {
  readonly code: "JOB_CALL_POLICY";
  /** The field, like "circuit.openFor". */
  readonly path: string;
  /** What is wrong and what to do; names the field. */
  readonly message: string;
}

/** Longer timers do not exist. */
const TIMER_MAX_MS = 2_147_483_647;

/** Reads a policy. Where a field is wrong its default stands in, so that the rest can be read; `problems` has them all. Pure. */
export function readPolicy(policy: CallPolicy = {}): {
  readonly policy: ReadPolicy;
  readonly problems: readonly PolicyProblem[];
} {
  const fields = new Fields();
  const read: ReadPolicy = {
    timeoutMs: fields.durationMs("timeout", policy.timeout, "30 seconds", TIMER_MAX_MS),
    concurrency: readConcurrency(fields, policy.concurrency),
    queueMax: fields.wholeNumber("queue", policy.queue, 1_000, 0),
    rateLimit: readRateLimit(fields, policy.rateLimit),
    circuit: policy.circuit === false ? undefined : readCircuit(fields, policy.circuit),
    closedUntil: readClosedUntil(fields, policy.closedUntil),
    retry: {
      attemptsMax: fields.wholeNumber("retry.attemptsMax", policy.retry?.attemptsMax, 10, 1),
      ageMaxMs: fields.durationMs("retry.ageMax", policy.retry?.ageMax, "7 days"),
      backoffMs: fields.durationMs("retry.backoff", policy.retry?.backoff, "10 seconds"),
    },
  };
  return { policy: read, problems: fields.problems };
}

function readConcurrency(fields: Fields, given: CallPolicy["concurrency"]): Required<ConcurrencyBounds> {
  if (given === undefined || typeof given === "number") {
    const fixed = given === undefined ? undefined : fields.wholeNumber("concurrency", given, 64, 1);
    return fixed === undefined ? { min: 1, max: 64, initial: 16 } : { min: fixed, max: fixed, initial: fixed };
  }
  const min = fields.wholeNumber("concurrency.min", given.min, 1, 1);
  let max = fields.wholeNumber("concurrency.max", given.max, Math.max(64, min), 1);
  if (max < min) {
    fields.refuse("concurrency.max", `is ${max}, below concurrency.min, which is ${min}: raise it, or lower min`);
    max = min;
  }
  const usual = Math.max(min, Math.floor(max / 4));
  const initial = fields.wholeNumber("concurrency.initial", given.initial, usual, 1);
  if (initial >= min && initial <= max) return { min, max, initial };
  fields.refuse(
    "concurrency.initial",
    `is ${initial}, outside of ${min} to ${max}: choose one between, or leave it out`,
  );
  return { min, max, initial: usual };
}

function readRateLimit(fields: Fields, given: CallPolicy["rateLimit"]): ReadRateLimit | undefined {
  if (given === undefined) return undefined;
  return {
    calls: fields.wholeNumber("rateLimit.calls", given.calls, 1, 1),
    perMs: fields.durationMs("rateLimit.per", given.per, "1 second"),
  };
}

function readCircuit(fields: Fields, given: CircuitPolicy = {}): ReadCircuitPolicy {
  const openForMs = fields.durationMs("circuit.openFor", given.openFor, "10 seconds");
  let openForMaxMs = fields.durationMs("circuit.openForMax", given.openForMax, "5 minutes");
  if (openForMaxMs < openForMs) {
    // Whoever only says how long a circuit is open at first means no less at last.
    if (given.openForMax !== undefined)
      fields.refuse("circuit.openForMax", `"${given.openForMax}" is shorter than openFor: raise it, or leave it out`);
    openForMaxMs = openForMs;
  }
  return {
    errorRate: fields.share("circuit.errorRate", given.errorRate, 0.5),
    windowMs: fields.durationMs("circuit.window", given.window, "1 minute"),
    callsMin: fields.wholeNumber("circuit.callsMin", given.callsMin, 20, 1),
    slowAfterMs:
      given.slowAfter === undefined ? undefined : fields.durationMs("circuit.slowAfter", given.slowAfter, "30 seconds"),
    slowRate: fields.share("circuit.slowRate", given.slowRate, 0.9),
    openForMs,
    openForMaxMs,
    probes: fields.wholeNumber("circuit.probes", given.probes, 3, 1),
  };
}

function readClosedUntil(fields: Fields, given: CallPolicy["closedUntil"]): CallPolicy["closedUntil"] {
  if (given === undefined || typeof given === "function") return given;
  fields.refuse("closedUntil", "is no function: give one of the wall clock and the value, or leave it out");
  return undefined;
}

/** Reads fields one by one, and collects what is wrong. */
class Fields {
  readonly problems: PolicyProblem[] = [];

  refuse(path: string, what: string): void {
    this.problems.push({ code: "JOB_CALL_POLICY", path, message: `${path} ${what}` });
  }

  durationMs(path: string, given: Duration | undefined, usual: Duration, max = Number.MAX_SAFE_INTEGER): number {
    const text = given ?? usual;
    const value = parseDuration(text);
    if (value !== undefined && value > 0 && value <= max) return value;
    const why =
      value === undefined ? "is no duration" : value <= 0 ? "must be positive" : `is longer than a timer can be`;
    this.refuse(path, `"${text}" ${why}: write it like "${usual}"`);
    return parseDuration(usual)!;
  }

  wholeNumber(path: string, given: number | undefined, usual: number, min: number): number {
    const value = given ?? usual;
    if (Number.isSafeInteger(value) && value >= min) return value;
    this.refuse(path, `is ${value}: give a whole number from ${min} on`);
    return usual;
  }

  share(path: string, given: number | undefined, usual: number): number {
    const value = given ?? usual;
    if (value > 0 && value <= 1) return value;
    this.refuse(path, `is ${value}: give a share above 0 and up to 1, like ${usual}`);
    return usual;
  }
}
