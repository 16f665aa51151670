import { describe, expect, it } from "vitest";
import type { CallOptions } from "../dsl/call.ts";
import { done, type Outcome, retry } from "../dsl/outcome.ts";
import { orderKeyHash } from "../resilience/order-key-hash.ts";
import type { WaitingOrder } from "../resilience/waiting-orders.ts";
import { CallTask, callingJob, endings, type Request, requests, results } from "./call-task.fixture.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const TIERS = ["10 seconds", "1 minute", "1 hour"] as const;
const HOUR_TIER = "caller.fetch.retry.1hour";

/** Calls fail, and are tried again after an hour, until the bank is up. */
async function opened(options: Partial<CallOptions<string, Request, Request>> = {}) {
  const up = new Set<string>();
  const calls: string[] = [];
  const handler = (value: Request): Outcome<Request> => {
    calls.push(value.id);
    return up.has(value.bank) ? done(value) : retry("down", { afterMs: HOUR });
  };
  const task = await CallTask.open(
    callingJob({
      tiers: TIERS,
      policy: { circuit: { callsMin: 1_000 }, retry: { attemptsMax: 100 } },
      handler,
      ...options,
    }),
  );
  const send = async (bank: string, ...ids: string[]) => {
    for (const id of ids) task.append(requests.name, task.encoded(id, bank));
    // What goes to a tier is there with the commit.
    await task.commit();
    // The order comes later than what waits.
    await task.advance(1);
  };
  const order = async (what: WaitingOrder["what"], rest: Partial<WaitingOrder> = {}) => {
    const given = { what, by: "ana@box", why: "by hand", atMs: task.clock.now(), ...rest };
    task.waitingOrders.hear(what, given, task.clock.now());
    await task.settle();
    // What was under way at one commit is in the next.
    for (let commits = 0; commits < 2; commits++) await task.commit();
  };
  return { task, up, calls, send, order };
}

describe("an order to release what waits", () => {
  it("has it called for now, and leaves what waits for others to its time", async () => {
    const { task, up, calls, send, order } = await opened();
    await send("one", "a1", "b1");
    await send("two", "c2");
    up.add("one").add("two");
    calls.length = 0;
    await order("release", { resource: "one" });
    expect(calls).toEqual(["a1", "b1"]);
    // It lay in the way, and has gone to shorter tiers for the rest of its time.
    const wait = async (ms: number) => {
      await task.advance(ms);
      await task.commit();
    };
    for (let waited = 0; waited < HOUR - SECOND; waited += MINUTE) {
      expect(calls).toEqual(["a1", "b1"]);
      await wait(MINUTE);
    }
    await wait(10 * SECOND);
    expect(calls).toEqual(["a1", "b1", "c2"]);
    await task.commit();
    expect(await task.read(results.name)).toEqual(["a1", "b1", "c2"]);
  });

  it("leaves to its time what only the length of its tier keeps", async () => {
    const policy = { circuit: { callsMin: 1_000 }, retry: { attemptsMax: 100, backoff: "1 hour" } } as const;
    const calls: string[] = [];
    const handler = ({ id }: Request): Outcome<Request> => {
      calls.push(id);
      return retry("down");
    };
    const { send, order } = await opened({ policy, handler });
    await send("one", "a1");
    await send("two", "b2");
    calls.length = 0;
    await order("release", { resource: "one" });
    expect(calls).toEqual(["a1"]);
  });

  it("is for the records of one key where it says so", async () => {
    const { up, calls, send, order } = await opened({ orderKey: ({ customer }) => customer, order: "lastSuccessWins" });
    await send("one", "a1", "b1");
    up.add("one");
    calls.length = 0;
    await order("release", { keyHash: orderKeyHash("b") });
    expect(calls).toEqual(["b1"]);
  });

  it("is for what waits when it is given: what fails again waits for its time", async () => {
    const { task, calls, send, order } = await opened();
    await send("one", "a1");
    calls.length = 0;
    await order("release");
    expect(calls).toEqual(["a1"]);
    await task.advance(HOUR - SECOND);
    expect(calls).toEqual(["a1"]);
    await task.advance(SECOND);
    expect(calls).toEqual(["a1", "a1"]);
  });

  it("is so too where the clock of who gave it is ahead", async () => {
    const { task, calls, send, order } = await opened();
    await send("one", "a1");
    await send("two", "b2");
    calls.length = 0;
    await order("release", { resource: "one", atMs: task.clock.now() + 30 * MINUTE });
    await task.advance(10 * MINUTE);
    expect(calls).toEqual(["a1"]);
    expect(task.log.endOffset(HOUR_TIER)).toBeLessThanOrEqual(3);
  });

  it("is obeyed once: hearing it again changes nothing", async () => {
    const { task, calls, send, order } = await opened();
    const atMs = task.clock.now() + HOUR;
    await send("one", "a1");
    calls.length = 0;
    for (let times = 0; times < 3; times++) {
      await order("release", { atMs });
      await task.advance(SECOND);
    }
    expect(calls).toEqual(["a1"]);
  });

  it("keeps the order of a key: what is held follows the one in front", async () => {
    const { up, calls, send, order } = await opened({ orderKey: ({ customer }) => customer, order: "strict" });
    await send("one", "a1", "a2", "a3");
    expect(calls).toEqual(["a1"]);
    up.add("one");
    await order("release");
    expect(calls).toEqual(["a1", "a1", "a2", "a3"]);
  });

  it("survives a restart: what was released is not called for twice, what was not is still there", async () => {
    const { task, up, calls, send, order } = await opened();
    await send("one", "a1");
    await send("two", "b2");
    await task.commit();
    up.add("one").add("two");
    await order("release", { resource: "one" });
    await task.commit();
    calls.length = 0;
    await task.restart();
    await order("release", { resource: "one" });
    await task.advance(HOUR);
    expect(calls).toEqual(["b2"]);
  });
});

describe("an order to end what waits", () => {
  it("makes dead letters of it that say who ended them and why, and how often they were called for", async () => {
    const { task, calls, send, order } = await opened();
    await send("one", "a1");
    await send("two", "b2");
    calls.length = 0;
    await order("expire", { resource: "one", why: "the bank is gone" });
    await task.commit();
    expect(task.deadLetters.map(({ headers }) => headers)).toMatchObject([
      {
        code: "CALL_EXPIRED_BY_HAND",
        message: "ended by ana@box: the bank is gone",
        attempts: "1",
        topic: requests.name,
      },
    ]);
    expect(await task.read(endings.name)).toEqual(["a1 CALL_EXPIRED_BY_HAND"]);
    expect(calls).toEqual([]);
    await task.advance(HOUR);
    expect(calls).toEqual(["b2"]);
  });

  it("lets what is held behind it follow in order", async () => {
    const { task, up, calls, send, order } = await opened({ orderKey: ({ customer }) => customer, order: "strict" });
    await send("one", "a1", "a2", "a3");
    up.add("one");
    calls.length = 0;
    await order("expire");
    await task.commit();
    expect(await task.read(endings.name)).toEqual(["a1 CALL_EXPIRED_BY_HAND"]);
    expect(await task.read(results.name)).toEqual(["a2", "a3"]);
  });

  it("ends what is held, too, where it says so; what comes later is called for", async () => {
    const { task, up, send, order } = await opened({ orderKey: ({ customer }) => customer, order: "strict" });
    await send("one", "a1", "a2", "a3");
    up.add("one");
    await order("expire", { isForHeld: true });
    await send("one", "a4");
    await task.commit();
    expect(await task.read(endings.name)).toEqual(["a1", "a2", "a3"].map((id) => `${id} CALL_EXPIRED_BY_HAND`));
    expect(await task.read(results.name)).toEqual(["a4"]);
    expect(await task.entries("held")).toEqual([]);
    expect(await task.entries("keys")).toEqual([]);
  });
});
