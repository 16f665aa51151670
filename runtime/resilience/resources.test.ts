import { describe, expect, it } from "vitest";
import { done, retry, wait } from "../dsl/outcome.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { openResources, START_MS, turn } from "./guard.fixture.ts";
import type { News, Override } from "./resource-report.ts";

const POLICY = { circuit: { callsMin: 4, openFor: "10 seconds", probes: 1 } };

/** Workers of one job that hear each other when the test says so. */
function openWorkers(ids: readonly string[], policy: Parameters<typeof openResources>[0] = POLICY) {
  const clock = new ManualClock(START_MS);
  const workers = ids.map((worker) => openResources(policy, { worker, clock }));
  const newsOf = (worker: (typeof workers)[number]): News[] =>
    worker.resources.snapshot(clock.now()).map((report) => ({ kind: "report", report }));
  return {
    ...{ clock, workers },
    newsOf,
    share() {
      const news = workers.map(newsOf);
      for (const [index, { resources }] of workers.entries())
        resources.apply(news.filter((_, other) => other !== index).flat());
    },
    order(override: Omit<Override, "by" | "why" | "atMs"> | undefined) {
      const full = override && { by: "ana", why: "test", atMs: clock.now(), ...override };
      for (const { resources } of workers) resources.apply([{ kind: "override", resource: "bank", override: full }]);
    },
    states: () => workers.map(({ state }) => state()),
  };
}

describe("a circuit that workers share", () => {
  it("opens everywhere by what all of them counted together", async () => {
    const { workers, share, states } = openWorkers(["a", "b"]);
    const [a, b] = [workers[0]!, workers[1]!];
    await a.fail(2);
    await b.succeed(1);
    share();
    expect(states()).toEqual(["closed", "closed"]);
    await b.fail(1);
    expect(states()).toEqual(["closed", "open"]);
    share();
    expect(states()).toEqual(["open", "open"]);
    expect(a.refusal()).toEqual({ reason: "circuit-open", untilMs: START_MS + 10_000 });
  });

  it("opens by what is heard, without a failure of one's own", async () => {
    const { workers, share, states } = openWorkers(["a", "b", "c"]);
    for (const worker of workers) await worker.fail(1);
    share();
    expect(states()).toEqual(["closed", "closed", "closed"]);
    await workers[0]!.fail(1);
    share();
    expect(states()).toEqual(["open", "open", "open"]);
  });

  it("does not count workers that have been silent for 15 s", async () => {
    const { workers, share, states, clock } = openWorkers(["a", "b"]);
    await workers[0]!.fail(3);
    share();
    clock.advance(15_000);
    await workers[1]!.fail(1);
    expect(states()).toEqual(["closed", "closed"]);
    share();
    expect(states()).toEqual(["open", "open"]);
  });

  it("is probed by one worker; the others stay open until that one has closed it", async () => {
    const { workers, share, states, clock } = openWorkers(["b", "a"]);
    const [b, a] = [workers[0]!, workers[1]!];
    await b.fail(4);
    a.refusal();
    share();
    clock.advance(10_000);
    expect(a.refusal()).toBeUndefined();
    expect(b.refusal()).toEqual({ reason: "circuit-open", untilMs: clock.now() + 1_000 });
    const probe = a.hold();
    await turn();
    expect(states()).toEqual(["open", "halfOpen"]);
    share();
    expect(states()).toEqual(["open", "halfOpen"]);
    clock.advance(100);
    await probe.end(done());
    share();
    expect(states()).toEqual(["closed", "closed"]);
  });

  it("stays open everywhere, for as long as the probe's failure says", async () => {
    const { workers, share, clock } = openWorkers(["b", "a"]);
    const [b, a] = [workers[0]!, workers[1]!];
    await b.fail(4);
    a.refusal();
    share();
    clock.advance(10_000);
    await a.call(retry("down"));
    share();
    expect(b.refusal()).toEqual({ reason: "circuit-open", untilMs: clock.now() + 20_000 });
  });

  it("is probed by another worker if the elected one has no records for it, or is gone", async () => {
    const { workers, share, states, clock } = openWorkers(["b", "a"]);
    const [b, a] = [workers[0]!, workers[1]!];
    await a.fail(4);
    share();
    clock.advance(16_000);
    share();
    expect(b.refusal()).toBeUndefined();
    await b.succeed(1);
    share();
    expect(states()).toEqual(["closed", "closed"]);
    expect(a.refusal()).toBeUndefined();
  });

  it("is open for one who comes later, and for one who comes when all others have gone", async () => {
    const { workers, newsOf, clock } = openWorkers(["a"]);
    await workers[0]!.fail(4);
    const news = newsOf(workers[0]!);
    const late = openResources(POLICY, { worker: "late", clock });
    late.resources.apply(news);
    expect(late.refusal()).toEqual({ reason: "circuit-open", untilMs: START_MS + 10_000 });
    clock.advance(9_000);
    const again = openResources(POLICY, { worker: "a", clock });
    again.resources.apply(news);
    again.resources.apply([{ kind: "gone", resource: "bank", worker: "a" }]);
    expect(again.refusal()).toEqual({ reason: "circuit-open", untilMs: START_MS + 10_000 });
    clock.advance(1_000);
    expect(again.refusal()).toBeUndefined();
  });
});

describe("an order by hand", () => {
  it("open: no call is made anywhere, until it ends", async () => {
    const { workers, order, clock } = openWorkers(["a", "b"]);
    order({ state: "open", untilMs: START_MS + 5_000 });
    for (const worker of workers) {
      expect(worker.refusal()).toEqual({ reason: "opened-by-hand", untilMs: START_MS + 5_000 });
      expect(await worker.call(done())).toMatchObject({ called: false, refusal: { reason: "opened-by-hand" } });
    }
    clock.advance(5_000);
    for (const worker of workers) expect(worker.refusal()).toBeUndefined();
    order({ state: "open" });
    expect(workers[0]!.refusal()).toEqual({ reason: "opened-by-hand", untilMs: clock.now() + 60_000 });
  });

  it("closed: calls are made although the circuit is open, and cannot open it", async () => {
    const { workers, order, states } = openWorkers(["a"]);
    await workers[0]!.fail(4);
    order({ state: "closed" });
    expect(workers[0]!.refusal()).toBeUndefined();
    expect(await workers[0]!.call(done())).toMatchObject({ called: true });
    order(undefined);
    expect(workers[0]!.refusal()).toMatchObject({ reason: "circuit-open" });
    expect(states()).toEqual(["open"]);
  });

  it("reset: takes back an order, closes the circuit, and forgets what was counted and held off", async () => {
    const { workers, order, share, states, clock } = openWorkers(["a", "b"]);
    await workers[0]!.call(wait("maintenance", { scope: "resource", untilMs: START_MS + 1 }));
    clock.advance(1);
    await workers[1]!.call(wait("maintenance", { scope: "resource", untilMs: START_MS + 3_600_000 }));
    await workers[0]!.fail(4);
    share();
    order({ state: "open" });
    clock.advance(1_000);
    order({ state: "reset" });
    expect(states()).toEqual(["closed", "closed"]);
    share();
    expect(states()).toEqual(["closed", "closed"]);
    expect(workers.map(({ refusal }) => refusal())).toEqual([undefined, undefined]);
    expect(workers[0]!.report()).toMatchObject({ calls: { error: 0 }, circuit: { judged: { calls: 0 } } });
    await workers[0]!.fail(3);
    expect(states()).toEqual(["closed", "closed"]);
  });

  it("reset: is not undone by a probe that was under way", async () => {
    const { workers, order, states, clock } = openWorkers(["a"]);
    await workers[0]!.fail(4);
    clock.advance(10_000);
    const probe = workers[0]!.hold();
    await turn();
    expect(states()).toEqual(["halfOpen"]);
    clock.advance(1_000);
    order({ state: "reset" });
    const { circuit } = workers[0]!.report();
    expect(circuit).toMatchObject({ state: "closed", changedMs: clock.now() });
    clock.advance(1_000);
    await probe.end(retry("down"));
    expect(workers[0]!.report().circuit).toEqual(circuit);
  });

  it("reset: is obeyed once, and by one who comes later only against what lies before it", async () => {
    const { workers, newsOf, clock } = openWorkers(["a"]);
    const opened = workers[0]!;
    await opened.fail(4);
    const old = newsOf(opened);
    clock.advance(1_000);
    const reset: News = {
      kind: "override",
      resource: "bank",
      override: { state: "reset", by: "ana", why: "x", atMs: clock.now() },
    };
    opened.resources.apply([reset]);
    const late = openResources(POLICY, { worker: "late", clock });
    late.resources.apply([reset, ...old]);
    expect(late.refusal()).toBeUndefined();
    clock.advance(1_000);
    await opened.fail(4);
    opened.resources.apply([reset]);
    expect(opened.state()).toBe("open");
    const later = openResources(POLICY, { worker: "later", clock });
    later.resources.apply([reset, ...newsOf(opened)]);
    expect(later.refusal()).toMatchObject({ reason: "circuit-open" });
  });
});

it("shares the rate limit between the workers that call", async () => {
  const { workers, share, clock } = openWorkers(["a", "b"], { rateLimit: { calls: 10, per: "10 seconds" } });
  const [a, b] = [workers[0]!, workers[1]!];
  await a.succeed(1);
  expect(a.refusal()).toEqual({ reason: "rate-limited", untilMs: START_MS + 1_000 });
  await b.succeed(1);
  share();
  expect(a.refusal()).toEqual({ reason: "rate-limited", untilMs: START_MS + 2_000 });
  clock.advance(15_000);
  await a.succeed(1);
  a.resources.snapshot(clock.now());
  expect(a.refusal()).toEqual({ reason: "rate-limited", untilMs: clock.now() + 1_000 });
});

it("does not take its own former life for another worker", async () => {
  const { workers, newsOf, clock } = openWorkers(["a"], { rateLimit: { calls: 10, per: "10 seconds" } });
  await workers[0]!.succeed(1);
  const again = openResources({ rateLimit: { calls: 10, per: "10 seconds" } }, { worker: "a", clock });
  again.resources.apply(newsOf(workers[0]!));
  await again.succeed(1);
  expect(again.refusal()).toEqual({ reason: "rate-limited", untilMs: START_MS + 1_000 });
});
