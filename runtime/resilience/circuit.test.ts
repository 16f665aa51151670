import { describe, expect, it, onTestFinished, vi } from "vitest";
import { dead, done, type Outcome, retry, wait } from "../dsl/outcome.ts";
import { openResources, START_MS, turn } from "./guard.fixture.ts";

const POLICY = { circuit: { callsMin: 4, errorRate: 0.5, openFor: "10 seconds", openForMax: "30 seconds", probes: 3 } };

/** One that three of four calls have failed, so that the fourth decides; one that has opened; one that may be probed by a single call. */
async function circuitIn(state: "closed" | "open" | "halfOpen") {
  const opened = openResources({ circuit: { ...POLICY.circuit, probes: 1 } });
  await opened.succeed(2);
  await opened.fail(1);
  if (state !== "closed") await opened.fail(1);
  if (state === "halfOpen") {
    opened.clock.advance(10_000);
    expect(opened.refusal()).toBeUndefined();
  }
  expect(opened.state()).toBe(state);
  return opened;
}

const OUTCOMES: readonly [string, Outcome<unknown>, closed: string, halfOpen: string][] = [
  ["done", done(1), "closed", "closed"],
  ["retry: error", retry("down"), "open", "open"],
  ["retry: timeout", retry("late", { failure: "timeout" }), "open", "open"],
  ["retry: throttled", retry("429", { failure: "throttled" }), "open", "open"],
  ["retry: rejected", retry("no", { failure: "rejected" }), "closed", "closed"],
  ["dead", dead("NO_ACCOUNT", "no such account"), "closed", "closed"],
  ["wait: record", wait("tomorrow"), "closed", "halfOpen"],
  ["wait: resource", wait("maintenance", { scope: "resource" }), "closed", "halfOpen"],
];

describe("the circuit, by outcome and state", () => {
  it.each(OUTCOMES)("%s: a closed one at its limit becomes %3$s", async (_, outcome, closed) => {
    const { call, state } = await circuitIn("closed");
    expect(await call(outcome)).toEqual({ called: true, outcome, durationMs: 0 });
    expect(state()).toBe(closed);
  });

  it.each(OUTCOMES)("%s: an open one makes no call", async (_, outcome) => {
    const { run, state } = await circuitIn("open");
    let calls = 0;
    const attempted = await run(() => {
      calls++;
      return outcome;
    });
    expect(attempted).toEqual({ called: false, refusal: { reason: "circuit-open", untilMs: START_MS + 10_000 } });
    expect([calls, state()]).toEqual([0, "open"]);
  });

  it.each(OUTCOMES)("%s: a half-open one at its last probe becomes $3", async (_, outcome, _closed, halfOpen) => {
    const { call, state } = await circuitIn("halfOpen");
    expect(await call(outcome)).toMatchObject({ called: true, outcome });
    expect(state()).toBe(halfOpen);
  });

  it("gives the probe back of a task that is given up", async () => {
    const { hold, task, state, guard } = await circuitIn("halfOpen");
    const probe = hold();
    expect(guard.refusal(undefined)).toMatchObject({ reason: "circuit-open" });
    task.abort();
    expect(await probe.attempted).toEqual({ called: false, aborted: true });
    expect([state(), guard.refusal(undefined)]).toEqual(["halfOpen", undefined]);
  });
});

describe("the circuit under a clock by hand", () => {
  it("needs its minimum of calls, and opens exactly at the rate", async () => {
    const { fail, state } = openResources(POLICY);
    await fail(3);
    expect(state()).toBe("closed");
    await fail(1);
    expect(state()).toBe("open");

    const other = openResources({ circuit: { callsMin: 4, errorRate: 0.6 } });
    await other.succeed(2);
    await other.fail(2);
    expect(other.state()).toBe("closed");
    await other.fail(1);
    expect(other.state()).toBe("open");
  });

  it("opens, may be probed at its time and not before, opens again for twice as long up to its maximum, and closes", async () => {
    const { fail, succeed, refusal, state, clock } = openResources(POLICY);
    await fail(4);
    for (const openForMs of [10_000, 20_000, 30_000, 30_000]) {
      const untilMs = clock.now() + openForMs;
      clock.advanceTo(untilMs - 1);
      expect([refusal(), state()]).toEqual([{ reason: "circuit-open", untilMs }, "open"]);
      clock.advanceTo(untilMs);
      expect([refusal(), state()]).toEqual([undefined, "halfOpen"]);
      await fail(1);
      expect(state()).toBe("open");
    }
    clock.advance(30_000);
    await succeed(2);
    expect(state()).toBe("halfOpen");
    await succeed(1);
    expect(state()).toBe("closed");
    // It begins anew: what failed before counts no more, and it opens for as long as the first time.
    await fail(3);
    expect(state()).toBe("closed");
    await fail(1);
    expect(refusal()).toEqual({ reason: "circuit-open", untilMs: clock.now() + 10_000 });
  });

  it("lets through as many probes at once as its budget has, and no more", async () => {
    const { fail, hold, state, clock } = openResources(POLICY);
    await fail(4);
    clock.advance(10_000);
    const probes = [hold(), hold(), hold(), hold()];
    await turn();
    expect(probes.map(({ isCalled }) => isCalled())).toEqual([true, true, true, false]);
    expect(await probes[3]!.attempted).toMatchObject({ called: false, refusal: { reason: "circuit-open" } });
    await probes[0]!.end(done());
    await probes[1]!.end(done());
    expect(state()).toBe("halfOpen");
    await probes[2]!.end(done());
    expect(state()).toBe("closed");
  });

  it("does not let what began in an earlier life decide a later one", async () => {
    const { fail, hold, state, clock } = openResources(POLICY);
    const slow = [hold(), hold(), hold(), hold(), hold()];
    await fail(4);
    expect(state()).toBe("open");
    await slow[0]!.end(done());
    expect(state()).toBe("open");
    clock.advance(10_000);
    const probe = hold();
    await turn();
    await slow[1]!.end(done());
    expect(state()).toBe("halfOpen");
    await slow[2]!.end(retry("down"));
    expect(state()).toBe("halfOpen");
    await probe.end(retry("down"));
    expect(state()).toBe("open");
  });

  it("forgets what lies further back than its window", async () => {
    const { fail, state, clock } = openResources({ circuit: { ...POLICY.circuit, window: "1 minute" } });
    await fail(3);
    clock.advance(60_000);
    await fail(1);
    expect(state()).toBe("closed");
    clock.advance(30_000);
    await fail(3);
    expect(state()).toBe("open");
  });

  it("opens at its share of slow calls, although they succeed", async () => {
    const slow = { callsMin: 4, slowAfter: "2 seconds", slowRate: 0.75 };
    const { hold, state, clock } = openResources({ circuit: slow });
    const calls = [hold(), hold(), hold(), hold()];
    await calls[0]!.end(done());
    clock.advance(2_000);
    await calls[1]!.end(done());
    clock.advance(1);
    await calls[2]!.end(done());
    await calls[3]!.end(done());
    expect(state()).toBe("closed");
    const more = [hold(), hold(), hold(), hold()];
    clock.advance(2_001);
    for (const call of more) await call.end(done());
    expect(state()).toBe("open");
  });

  it("sets no timer, neither by hand nor on the machine's clock", async () => {
    const timers = [vi.spyOn(globalThis, "setTimeout"), vi.spyOn(globalThis, "setInterval")];
    onTestFinished(() => void vi.restoreAllMocks());
    const { fail, succeed, clock, resources, refusal } = openResources(POLICY);
    await fail(4);
    clock.advance(10_000);
    refusal();
    await fail(1);
    clock.advance(20_000);
    await succeed(3);
    expect(clock.nextMs).toBe(Infinity);
    for (const timer of timers) expect(timer).not.toHaveBeenCalled();
    resources.close();
  });

  it("is not there if the policy says so", async () => {
    const { fail, state, refusal } = openResources({ circuit: false });
    await fail(100);
    expect([state(), refusal()]).toEqual(["closed", undefined]);
  });
});
