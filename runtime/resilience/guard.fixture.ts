import type { CallPolicy } from "../dsl/call-policy.ts";
import { done, type Outcome, retry } from "../dsl/outcome.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { Attempted, Call, RunOptions } from "./attempt.ts";
import { readPolicy } from "./read-policy.ts";
import { Resources } from "./resources.ts";

export const START_MS = Date.UTC(2026, 0, 1);

export interface Held {
  readonly attempted: Promise<Attempted>;
  /** Whether the handler was called. */
  readonly isCalled: () => boolean;
  readonly end: (outcome: Outcome<unknown>) => Promise<Attempted>;
  readonly fail: (error: unknown) => Promise<Attempted>;
  readonly signal: () => AbortSignal;
}

/** One worker's institutions under a clock by hand, and calls that end when the test says so. */
export function openResources(
  policy: CallPolicy = {},
  { worker = "worker-1", clock = new ManualClock(START_MS), concurrency = 1_000 } = {},
) {
  const read = readPolicy(policy);
  if (read.problems.length > 0) throw new Error(JSON.stringify(read.problems));
  const resources = new Resources({ step: "collect", worker, clock, policyOf: () => read.policy, concurrency });
  const task = new AbortController();
  const run = (call: Call, options: Partial<RunOptions> & { readonly resource?: string } = {}) =>
    resources.guard(options.resource ?? "bank").run(call, {
      ...{ value: undefined, isRetry: false, signal: task.signal, classify: () => undefined },
      ...options,
    });

  return {
    ...{ resources, clock, task, run },
    guard: resources.guard("bank"),
    refusal: (value?: unknown) => resources.guard("bank").refusal(value),
    state: () => resources.guard("bank").report(clock.now()).circuit.state,
    report: () => resources.guard("bank").report(clock.now()),
    call: (outcome: Outcome<unknown>) => run(() => outcome),
    async succeed(times: number) {
      for (let call = 0; call < times; call++) await run(() => done());
    },
    async fail(times: number) {
      for (let call = 0; call < times; call++) await run(() => retry("down"));
    },
    /** A call that goes on until the test ends it. */
    hold(options: Parameters<typeof run>[1] = {}): Held {
      const ended = Promise.withResolvers<Outcome<unknown>>();
      let signal: AbortSignal | undefined;
      const attempted = run((given) => {
        signal = given;
        return ended.promise;
      }, options);
      return {
        attempted,
        isCalled: () => signal !== undefined,
        signal: () => signal!,
        end: (outcome) => {
          ended.resolve(outcome);
          return attempted;
        },
        fail: (error) => {
          ended.reject(error);
          return attempted;
        },
      };
    },
  };
}

/** Lets everything run that waits for nothing but a turn. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
