import { describe, expect, it } from "vitest";
import { done, retry, wait } from "../dsl/outcome.ts";
import { RetriableError, TerminalError } from "../errors/errors.ts";
import { openResources, START_MS, turn } from "./guard.fixture.ts";

describe("how a call ends", () => {
  it("ends at the time-out, also if the handler ignores its signal, and frees the permit", async () => {
    const { hold, clock, call, report } = openResources({ timeout: "5 seconds", concurrency: 1 });
    const deaf = hold();
    const next = call(done(1));
    await turn();
    clock.advance(4_999);
    await turn();
    expect([deaf.signal().aborted, report().inFlight]).toEqual([false, 1]);
    clock.advance(1);
    expect(await deaf.attempted).toEqual({
      called: true,
      outcome: retry("no answer within 5000 ms", { failure: "timeout" }),
      durationMs: 5_000,
    });
    expect(deaf.signal().reason).toMatchObject({ name: "TimeoutError" });
    expect(await next).toMatchObject({ called: true, outcome: done(1) });
    await deaf.end(done("too late"));
    await turn();
    expect(report()).toMatchObject({ inFlight: 0, calls: { done: 1, timeout: 1 } });
    expect(clock.nextMs).toBe(Infinity);
  });

  it("leaves no timer behind when the call ends before, or is given up", async () => {
    const { hold, clock, task } = openResources({ timeout: "5 seconds" });
    const [first, second] = [hold(), hold()];
    await turn();
    expect(clock.nextMs).toBe(START_MS + 5_000);
    await first.end(done());
    task.abort();
    await second.attempted;
    expect(clock.nextMs).toBe(Infinity);
  });

  it("tells the handler when its time is over", async () => {
    const { run } = openResources({ timeout: "5 seconds" });
    let deadline = 0;
    await run((_, deadlineMs) => {
      deadline = deadlineMs;
      return done();
    });
    expect(deadline).toBe(START_MS + 5_000);
  });

  it.each([
    ["an error", new Error("connection reset"), retry("connection reset")],
    ["an error without a message", new RangeError(), retry("RangeError")],
    ["something that is no error", "no", retry("no")],
    [
      "a TerminalError",
      new TerminalError("no such account", { code: "NO_ACCOUNT" }),
      { kind: "dead", code: "NO_ACCOUNT", reason: "no such account" },
    ],
    ["a RetriableError", new RetriableError("quota", { afterMs: 7_000 }), retry("quota", { afterMs: 7_000 })],
  ])("takes %s, thrown or rejected with", async (_, error, outcome) => {
    const { run } = openResources();
    const thrown = run(() => {
      throw error;
    });
    expect(await thrown).toEqual({ called: true, outcome, durationMs: 0 });
    expect(await run(() => Promise.reject(error))).toEqual({ called: true, outcome, durationMs: 0 });
  });

  it("asks the job's own classifier first, and survives one that fails", async () => {
    const { run } = openResources();
    const call = () => Promise.reject(new TerminalError("gone"));
    expect(await run(call, { classify: () => wait("later") })).toMatchObject({ outcome: wait("later") });
    const broken = () => {
      throw new Error("no such code");
    };
    expect(await run(call, { classify: broken })).toMatchObject({ outcome: retry("classify failed: no such code") });
  });

  it("takes a handler that returns no outcome for a failing one", async () => {
    const { run } = openResources();
    const reason = "the handler returned no outcome: return done(…), retry(…), wait(…) or dead(…)";
    expect(await run((() => undefined) as never)).toMatchObject({ outcome: retry(reason) });
    expect(await run((async () => ({ kind: "finished" })) as never)).toMatchObject({ outcome: retry(reason) });
  });

  it("aborts what is under way and what waits when the task is given up, and counts nothing of it", async () => {
    const { hold, task, report, call } = openResources({ concurrency: 1 });
    const calls = [hold(), hold(), hold()];
    await turn();
    expect(report()).toMatchObject({ inFlight: 1, queued: 2 });
    task.abort();
    for (const { attempted } of calls) expect(await attempted).toEqual({ called: false, aborted: true });
    expect(calls[0]!.signal().aborted).toBe(true);
    expect(calls[1]!.isCalled()).toBe(false);
    await turn();
    expect(report()).toMatchObject({ inFlight: 0, queued: 0, calls: { done: 0, error: 0, timeout: 0 } });
    expect(await call(done())).toEqual({ called: false, aborted: true });
  });

  it("sends away at once what waits for a permit that another task has", async () => {
    const { run, hold, task, report } = openResources({ concurrency: 1 });
    const theirs = hold({ signal: new AbortController().signal });
    const mine = run(() => done());
    task.abort();
    expect(await mine).toEqual({ called: false, aborted: true });
    expect(report()).toMatchObject({ inFlight: 1, queued: 0 });
    await theirs.end(done());
  });

  it("lets a call of another task have the permit of one that was given up", async () => {
    const { hold, task, run } = openResources({ concurrency: 1 });
    const other = new AbortController();
    const mine = hold();
    const theirs = run(() => done(2), { signal: other.signal });
    task.abort();
    await mine.attempted;
    expect(await theirs).toMatchObject({ called: true });
  });

  it("sends away what waits when all is closed", async () => {
    const { hold, resources } = openResources({ concurrency: 1 });
    const first = hold();
    const second = hold();
    resources.close();
    expect(await second.attempted).toEqual({ called: false, aborted: true });
    expect(await first.end(done())).toMatchObject({ called: true });
  });
});

describe("permits", () => {
  it("are the institution's before the worker's: one that is slow does not hold those of everybody", async () => {
    const { hold, resources } = openResources({ concurrency: 2 }, { concurrency: 3 });
    const slow = [hold({ resource: "slow" }), hold({ resource: "slow" }), hold({ resource: "slow" })];
    const quick = hold({ resource: "quick" });
    await turn();
    expect(slow.map(({ isCalled }) => isCalled())).toEqual([true, true, false]);
    expect(quick.isCalled()).toBe(true);
    const third = hold({ resource: "quick" });
    await turn();
    expect(third.isCalled()).toBe(false);
    expect(resources.guard("quick").report(0)).toMatchObject({ inFlight: 1, queued: 1 });
    await slow[0]!.end(done());
    await turn();
    expect([third.isCalled(), slow[2]!.isCalled()]).toEqual([true, false]);
  });

  it("go to records that come back from a tier first", async () => {
    const { hold } = openResources({ concurrency: 1 });
    const first = hold();
    const waiting = [hold(), hold({ isRetry: true }), hold({ isRetry: true })];
    await first.end(done());
    await turn();
    expect(waiting.map(({ isCalled }) => isCalled())).toEqual([false, true, false]);
    await waiting[1]!.end(done());
    await turn();
    expect(waiting.map(({ isCalled }) => isCalled())).toEqual([false, true, true]);
  });

  it("have a queue of bounded length, and an estimate of when there is room", async () => {
    const { hold, refusal, clock, call } = openResources({ concurrency: 1, queue: 2 });
    // Ten calls in 40 s: one every 4 s.
    for (let calls = 0; calls < 10; calls++) {
      clock.advance(4_000);
      await call(done());
    }
    hold();
    expect(refusal()).toBeUndefined();
    hold();
    hold();
    const full = { reason: "queue-full", untilMs: clock.now() + 8_000 };
    expect(refusal()).toEqual(full);
    expect(await call(done())).toEqual({ called: false, refusal: full });
  });

  it("are free by the time-out at the latest, where no call has ended yet", () => {
    const { hold, refusal } = openResources({ concurrency: 1, queue: 0, timeout: "20 seconds" });
    hold();
    expect(refusal()).toEqual({ reason: "queue-full", untilMs: START_MS + 20_000 });
  });

  it("follow the measured concurrency: up while calls go well, down after a time-out", async () => {
    const { hold, report, clock } = openResources({ concurrency: { min: 1, max: 8, initial: 2 }, timeout: "1 second" });
    const underWay = () => report().inFlight;
    const calls = Array.from({ length: 12 }, () => hold());
    await turn();
    expect(underWay()).toBe(2);
    await calls[0]!.end(done());
    await calls[1]!.end(done());
    await turn();
    expect([report().limit, underWay()]).toEqual([3, 3]);
    clock.advance(1_000);
    await turn();
    // One round trip, one cut: 3 × 0.7.
    expect([report().limit, underWay()]).toEqual([2, 2]);
  });
});

describe("why no call may begin", () => {
  it("holds an institution off that says so, until then", async () => {
    const { call, refusal, clock, report } = openResources();
    await call(wait("maintenance", { scope: "resource", untilMs: START_MS + 60_000 }));
    expect(refusal()).toEqual({ reason: "held-off", untilMs: START_MS + 60_000 });
    expect(await call(done())).toMatchObject({ called: false, refusal: { reason: "held-off" } });
    expect(report().heldOffUntilMs).toBe(START_MS + 60_000);
    clock.advance(60_000);
    expect(refusal()).toBeUndefined();
  });

  it("holds off for the back-off if no end is known, and holds nobody off for one record's sake", async () => {
    const { call, refusal } = openResources({ retry: { backoff: "20 seconds" } });
    await call(wait("this one only", { untilMs: START_MS + 60_000 }));
    expect(refusal()).toBeUndefined();
    await call(wait("maintenance", { scope: "resource" }));
    expect(refusal()).toEqual({ reason: "held-off", untilMs: START_MS + 20_000 });
  });

  it("asks the policy, by value, also again when the permits are there", async () => {
    const closedUntil = (nowMs: number, value: number) => (nowMs < START_MS + value ? START_MS + value : undefined);
    const { refusal, run, hold, clock } = openResources({ closedUntil, concurrency: 1 });
    expect([refusal(0), refusal(500)]).toEqual([undefined, { reason: "closed", untilMs: START_MS + 500 }]);
    clock.advance(500);
    expect(refusal(500)).toBeUndefined();
    const first = hold({ value: 0 });
    const second = run(() => done(), { value: 800 });
    await first.end(done());
    expect(await second).toEqual({ called: false, refusal: { reason: "closed", untilMs: START_MS + 800 } });
  });

  it("tells as an outcome that the policy failed, and holds that against nobody", async () => {
    const closedUntil = () => {
      throw new Error("no calendar");
    };
    const { refusal, call, report } = openResources({ closedUntil });
    expect(refusal()).toBeUndefined();
    expect(await call(done())).toMatchObject({
      called: true,
      outcome: retry("closedUntil of the policy failed: no calendar"),
    });
    expect(report().calls.error).toBe(0);
  });

  it("keeps to the rate limit, counting those that wait for the same tokens", async () => {
    const { refusal, hold, call, clock } = openResources({
      rateLimit: { calls: 10, per: "10 seconds" },
      concurrency: 1,
    });
    expect(refusal()).toBeUndefined();
    const first = hold();
    expect(refusal()).toEqual({ reason: "rate-limited", untilMs: START_MS + 1_000 });
    const second = call(done());
    expect(refusal()).toEqual({ reason: "rate-limited", untilMs: START_MS + 2_000 });
    await first.end(done());
    expect(await second).toEqual({ called: false, refusal: { reason: "rate-limited", untilMs: START_MS + 1_000 } });
    clock.advance(1_000);
    expect(await call(done())).toMatchObject({ called: true });
  });

  it("refuses with an open circuit what already waited in memory", async () => {
    const { hold, run } = openResources({ concurrency: 2, circuit: { callsMin: 2 } });
    const failing = [hold(), hold()];
    const waiting = [run(() => done()), run(() => done())];
    await failing[0]!.end(retry("down"));
    await failing[1]!.end(retry("down"));
    expect((await Promise.all(waiting)).map((each) => ("refusal" in each ? each.refusal.reason : each))).toContain(
      "circuit-open",
    );
  });
});

describe("statistics", () => {
  it("count what came of calls and refusals over the window, latencies, and what waits outside", async () => {
    const { call, hold, report, refusal, guard, clock } = openResources();
    await call(done());
    await call(retry("x", { failure: "rejected" }));
    await call({ kind: "dead", code: "X", reason: "x" });
    const slow = hold();
    await turn();
    clock.advance(250);
    await slow.end(retry("y"));
    guard.reportWaiting("task-1", { records: 3, oldestSinceMs: START_MS - 5_000 });
    guard.reportWaiting("task-2", { records: 2, oldestSinceMs: START_MS - 9_000 });
    await call(wait("maintenance", { scope: "resource" }));
    refusal();
    expect(report()).toMatchObject({
      ...{ step: "collect", resource: "bank", worker: "worker-1", atMs: START_MS + 250, windowMs: 60_000 },
      calls: { done: 1, rejected: 1, dead: 1, error: 1, wait: 1, timeout: 0, throttled: 0 },
      refused: { "held-off": 1, "queue-full": 0 },
      ...{ inFlight: 0, queued: 0, askedMs: START_MS + 250 },
      waiting: { records: 5, oldestSinceMs: START_MS - 9_000 },
    });
    expect(report().latencies.filter((_, index) => index % 2 === 1)).toEqual([4, 1]);
    guard.reportWaiting("task-2", undefined);
    clock.advance(60_000);
    expect(report()).toMatchObject({ calls: { done: 0, error: 0 }, latencies: [], waiting: { records: 3 } });
  });
});

describe("the institutions of a worker", () => {
  it("are forgotten when nobody has used them for ten minutes and there is nothing to remember", async () => {
    const { resources, clock, fail, run, guard } = openResources({ circuit: { callsMin: 2, openFor: "1 hour" } });
    await fail(2);
    await run(() => done(), { resource: "idle" });
    resources.guard("waits").reportWaiting("task", { records: 1, oldestSinceMs: clock.now() });
    clock.advance(599_999);
    const names = () => resources.snapshot(clock.now()).map(({ resource }) => resource);
    expect(names()).toEqual(["bank", "idle", "waits"]);
    clock.advance(1);
    expect(names()).toEqual(["bank", "waits"]);
    expect(resources.guard("bank")).toBe(guard);
  });

  it("are not forgotten while a rate limit is not free again", async () => {
    const { resources, clock, succeed, refusal } = openResources({ rateLimit: { calls: 2, per: "1 hour" } });
    await succeed(1);
    clock.advance(1_000_000);
    resources.snapshot(clock.now());
    expect(refusal()).toEqual({ reason: "rate-limited", untilMs: START_MS + 1_800_000 });
  });

  it("are bounded in number; those in use stay", async () => {
    const { resources, hold, clock } = openResources();
    const used = hold();
    for (let number = 0; number < 10_050; number++) resources.guard(`customer-${number}`);
    expect(resources.snapshot(clock.now())).toHaveLength(10_000);
    expect(resources.guard("bank").isInUse).toBe(true);
    await used.end(done());
  });
});
