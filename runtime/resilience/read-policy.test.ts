import { expect, it } from "vitest";
import type { CallPolicy } from "../dsl/call-policy.ts";
import { readPolicy } from "./read-policy.ts";

it("fills in the defaults that the definition promises", () => {
  expect(readPolicy()).toEqual({
    policy: {
      timeoutMs: 30_000,
      concurrency: { min: 1, max: 64, initial: 16 },
      queueMax: 1_000,
      rateLimit: undefined,
      circuit: {
        ...{ errorRate: 0.5, windowMs: 60_000, callsMin: 20, slowAfterMs: undefined, slowRate: 0.9 },
        ...{ openForMs: 10_000, openForMaxMs: 300_000, probes: 3 },
      },
      closedUntil: undefined,
      retry: { attemptsMax: 10, ageMaxMs: 604_800_000, backoffMs: 10_000 },
    },
    problems: [],
  });
});

it.each<[CallPolicy, object]>([
  [{ concurrency: 5 }, { concurrency: { min: 5, max: 5, initial: 5 } }],
  [{ concurrency: { min: 10, max: 20 } }, { concurrency: { min: 10, max: 20, initial: 10 } }],
  [{ concurrency: { min: 2, max: 40, initial: 30 } }, { concurrency: { min: 2, max: 40, initial: 30 } }],
  [
    { queue: 0, circuit: false },
    { queueMax: 0, circuit: undefined },
  ],
  [{ rateLimit: { calls: 10, per: "1 minute" } }, { rateLimit: { calls: 10, perMs: 60_000 } }],
  [{ circuit: { openFor: "10 minutes" } }, { circuit: { openForMs: 600_000, openForMaxMs: 600_000 } }],
])("reads %j", (given, expected) => {
  expect(readPolicy(given)).toMatchObject({ policy: expected, problems: [] });
});

it.each<[CallPolicy, string, string]>([
  [{ timeout: "soon" }, "timeout", 'timeout "soon" is no duration: write it like "30 seconds"'],
  [{ timeout: "0s" }, "timeout", 'timeout "0s" must be positive: write it like "30 seconds"'],
  [{ timeout: "30 days" }, "timeout", 'timeout "30 days" is longer than a timer can be: write it like "30 seconds"'],
  [{ concurrency: 0 }, "concurrency", "concurrency is 0: give a whole number from 1 on"],
  [
    { concurrency: { min: 5, max: 2 } },
    "concurrency.max",
    "concurrency.max is 2, below concurrency.min, which is 5: raise it, or lower min",
  ],
  [
    { concurrency: { min: 1, max: 8, initial: 9 } },
    "concurrency.initial",
    "concurrency.initial is 9, outside of 1 to 8: choose one between, or leave it out",
  ],
  [{ queue: -1 }, "queue", "queue is -1: give a whole number from 0 on"],
  [
    { rateLimit: { calls: 0.5, per: "1s" } },
    "rateLimit.calls",
    "rateLimit.calls is 0.5: give a whole number from 1 on",
  ],
  [{ rateLimit: { calls: 5, per: "" } }, "rateLimit.per", 'rateLimit.per "" is no duration: write it like "1 second"'],
  [
    { circuit: { errorRate: 50 } },
    "circuit.errorRate",
    "circuit.errorRate is 50: give a share above 0 and up to 1, like 0.5",
  ],
  [
    { circuit: { openFor: "1 minute", openForMax: "1 second" } },
    "circuit.openForMax",
    'circuit.openForMax "1 second" is shorter than openFor: raise it, or leave it out',
  ],
  [{ circuit: { probes: 0 } }, "circuit.probes", "circuit.probes is 0: give a whole number from 1 on"],
  [
    { closedUntil: 5 as never },
    "closedUntil",
    "closedUntil is no function: give one of the wall clock and the value, or leave it out",
  ],
  [{ retry: { backoff: "x" } }, "retry.backoff", 'retry.backoff "x" is no duration: write it like "10 seconds"'],
])("says what is wrong with %j, and where", (given, path, message) => {
  expect(readPolicy(given).problems).toEqual([{ code: "JOB_CALL_POLICY", path, message }]);
});

it("lists all problems at once", () => {
  const { problems } = readPolicy({ timeout: "x", queue: 1.5, circuit: { slowRate: 0, callsMin: 0 } });
  expect(problems.map(({ path }) => path)).toEqual(["timeout", "queue", "circuit.callsMin", "circuit.slowRate"]);
});
