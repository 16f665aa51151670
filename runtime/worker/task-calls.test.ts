import { describe, expect, it } from "vitest";
import type { CallOptions } from "../dsl/call.ts";
import { dead, done, type Outcome, retry } from "../dsl/outcome.ts";
import { InvariantError } from "../errors/errors.ts";
import { PARCEL_HEADER } from "../resilience/parcel.ts";
import { CallTask, callingJob, endings, type Request, requests, results } from "./call-task.fixture.ts";

const SECOND = 1_000;
const TIER = "caller.fetch.retry.10seconds";

const byCustomer = { orderKey: ({ customer }: Request) => customer };
const erasure = { subject: ({ customer }: Request) => customer, isOrder: ({ id }: Request) => id.endsWith("!") };

type Answer = Outcome<Request> | Promise<Outcome<Request>>;

/** A task whose calls the test answers, and the ids that were called for, in order. */
async function calling(
  answer: (id: string, value: Request) => Answer,
  options: Partial<CallOptions<string, Request, Request>> = {},
) {
  const calls: string[] = [];
  const job = callingJob({
    tiers: ["10 seconds"],
    handler: (value) => {
      calls.push(value.id);
      return answer(value.id, value);
    },
    ...options,
  });
  return { task: await CallTask.open(job), calls };
}

describe("a restart", () => {
  it("calls again for what had not ended, in order, and for nothing that had", async () => {
    let isStuck = true;
    const { task, calls } = await calling((id, value) =>
      isStuck && (id === "a1" || id === "c1") ? new Promise(() => undefined) : done(value),
    );
    await task.send("a1", "b1", "c1", "d1");
    await task.commit();
    expect(task.committed.get(requests.name)?.offset).toBe(0);
    isStuck = false;
    calls.length = 0;
    await task.restart();
    await task.settle();
    expect(calls).toEqual(["a1", "c1"]);
    await task.commit();
    expect((await task.read(results.name)).sort()).toEqual(["a1", "b1", "c1", "d1"]);
    expect(task.committed.get(requests.name)?.offset).toBe(4);
    expect(await task.inputEntries()).toEqual(new Map());
  });

  it("calls for everything from where somebody has set the position, whatever had ended", async () => {
    const { task, calls } = await calling((id, value) => (id === "c1" ? new Promise(() => undefined) : done(value)));
    await task.send("a1", "b1", "c1", "d1");
    await task.commit();
    calls.length = 0;
    task.committed.set(requests.name, { topic: requests.name, partition: 0, offset: 1, metadata: "" });
    await task.restart();
    await task.settle();
    expect(calls).toEqual(["b1", "c1", "d1"]);
  });

  it("knows what waits for each institution, and keeps that in entries of their own", async () => {
    const { task } = await calling(() => retry("down"), { tiers: ["1 hour"] });
    for (const bank of ["one", "two"]) task.append(requests.name, task.encoded(`a-${bank}`, bank));
    await task.settle();
    await task.commit();
    const waits = { kind: "waiting", widthMs: 10_000, counts: [[task.clock.now(), 1]] };
    await task.restart();
    const entries = await task.inputEntries();
    expect(entries.get("/waiting/one")).toEqual(waits);
    expect(entries.get("/waiting/two")).toEqual(waits);
    task.append(requests.name, task.encoded("b-two", "two"));
    await task.settle();
    task.changelogs.length = 0;
    await task.commit();
    const changed = task.changelogs.flatMap(({ records }) => records.map(({ key }) => key!.subarray(1).toString()));
    expect(changed).toEqual(["/waiting/two"]);
    expect((await task.inputEntries()).get("/waiting/two")).toMatchObject({ counts: [[task.clock.now(), 2]] });
  });

  it("commits though the policy of an institution that records wait for cannot be had any more", async () => {
    let isKnown = true;
    const { task } = await calling(() => retry("down"), {
      policy: () => {
        if (!isKnown) throw new TypeError("no such institution");
        return {};
      },
    });
    await task.send("a1");
    await task.commit();
    isKnown = false;
    await task.restart();
    await task.commit();
    expect(task.task.failure).toBeUndefined();
    await task.advance(10 * SECOND);
    await task.commit();
    expect(task.task.failure).toBeUndefined();
    expect(task.deadLetters.map(({ headers }) => headers["code"])).toEqual(["CALL_ADDRESS"]);
    await task.task.close();
  });
});

describe("what somebody else has written to a tier", () => {
  it.each([
    ["no header at all", undefined],
    ["an empty header", Buffer.alloc(0)],
    ["bytes", Buffer.from("what?")],
    ["a layout of another version", Buffer.from([9, 0, 0])],
  ])("is a dead letter from there: %s", async (_what, header) => {
    const { task, calls } = await calling((_id, value) => done(value), byCustomer);
    const headers = { mine: Buffer.from("x"), ...(header && { [PARCEL_HEADER]: header }) };
    task.append(TIER, { ...task.encoded("a1"), headers });
    await task.send("b1");
    await task.advance(10 * SECOND);
    await task.commit();
    expect(task.task.failure).toBeUndefined();
    expect(task.deadLetters).toMatchObject([{ headers: { code: "CALL_TIER_RECORD", topic: TIER, offset: "0" } }]);
    expect(task.deadLetters[0]!.record.headers!["mine"]).toEqual(Buffer.from("x"));
    expect(task.committed.get(TIER)?.offset).toBe(1);
    expect(calls).toEqual(["b1"]);
  });

  it("is not called for if it is a copy of what was there: its key has moved on", async () => {
    let isUp = false;
    const { task } = await calling((_id, value) => (isUp ? done(value) : retry("down")), byCustomer);
    await task.send("a1");
    await task.commit();
    isUp = true;
    const [copied] = task.log.from(TIER, 0);
    await task.advance(10 * SECOND);
    task.append(TIER, copied!);
    await task.advance(10 * SECOND);
    await task.commit();
    expect(await task.read(results.name)).toEqual(["a1"]);
    expect(await task.read(endings.name)).toEqual(["a1 superseded"]);
  });
});

describe("a record that cannot be decoded when it comes out of a tier", () => {
  it("is a dead letter with its first place, and those behind it go on", async () => {
    let isUp = false;
    const { task } = await calling((_id, value) => (isUp ? done(value) : retry("down")), byCustomer);
    await task.send("a1", "a2");
    await task.commit();
    isUp = true;
    const [head] = task.log.from(TIER, 0);
    // What a broken disk, or a registry that lost a schema's content, would make of it.
    (head!.value as Buffer).fill(0xff, 5);
    await task.advance(10 * SECOND);
    await task.commit();
    expect(task.deadLetters).toMatchObject([{ headers: { topic: requests.name, offset: "0" } }]);
    expect(await task.read(results.name)).toEqual(["a2"]);
    expect(await task.entries("keys")).toEqual([]);
    expect(await task.inputEntries()).toEqual(new Map());
  });
});

describe("a handler in JavaScript", () => {
  it.each([
    ["nothing", undefined],
    ["done without values", { kind: "done" }],
    ["retry without a reason", { kind: "retry", failure: "error" }],
    ["retry of an unknown kind of failure", { kind: "retry", reason: "busy", failure: "tired" }],
    ["dead without a code", { kind: "dead", reason: "gone" }],
    ["wait until a text", { kind: "wait", reason: "closed", untilMs: "tomorrow" }],
    ["something else", { kind: "fine" }],
  ])("has made an error if it returns %s: the call is tried again", async (_what, returned) => {
    let answer: unknown = returned;
    const { task, calls } = await calling((_id, value) => (answer === "good" ? done(value) : (answer as Answer)));
    await task.send("a1");
    expect(task.task.failure).toBeUndefined();
    await task.commit();
    answer = "good";
    await task.advance(10 * SECOND);
    await task.commit();
    expect(await task.read(results.name)).toEqual(["a1"]);
    expect(calls).toEqual(["a1", "a1"]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    "may wait until %s: then it waits as the back-off has it",
    async (untilMs) => {
      const { task, calls } = await calling((_id, value) =>
        calls.length === 1 ? { kind: "wait", reason: "closed", untilMs, scope: "resource" } : done(value),
      );
      await task.send("a1");
      await task.commit();
      await task.advance(10 * SECOND);
      expect(calls).toEqual(["a1", "a1"]);
    },
  );
});

describe("an order to forget somebody", () => {
  it("lets nothing more be called for them that waits for its institution", async () => {
    const ends: (() => void)[] = [];
    const { task, calls } = await calling(
      (_id, value) => new Promise((resolve) => ends.push(() => resolve(done(value)))),
      { erasure, policy: { concurrency: 1, queue: 1 } },
    );
    await task.send("b1", "b2", "a1", "a2", "a!");
    for (let n = 0; n < 4; n++) {
      for (const end of ends.splice(0)) end();
      await task.advance(SECOND);
    }
    expect(calls).toEqual(["b1", "b2"]);
    expect(await task.read(endings.name)).toEqual([]);
    await task.commit();
    expect(await task.read(endings.name)).toEqual(["a! erased"]);
    expect((await task.read(results.name)).sort()).toEqual(["b1", "b2"]);
  });

  it("is obeyed for as many as are taken up", async () => {
    let ask: AbortSignal | undefined;
    const { task, calls } = await calling((_id, value) => done(value), {
      ...byCustomer,
      erasure,
      concurrency: 20_000,
      handler: (value, { signal }) => {
        calls.push(value.id);
        ask = signal;
        return new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    });
    task.append(requests.name, ...Array.from({ length: 30_000 }, (_, index) => task.encoded(`a${index}`)));
    await task.settle();
    await task.send("a!");
    expect(ask!.aborted).toBe(true);
    expect(task.task.failure).toBeUndefined();
    expect(task.task.callsUnderWay).toBe(0);
    expect(calls).toEqual(["a0"]);
  });

  it("writes nothing of them, also where what comes out of a tier cannot be read any more", async () => {
    let isReadable = true;
    const { task } = await calling(() => retry("down"), {
      ...byCustomer,
      order: "lastSuccessWins",
      erasure,
      version: () => {
        if (!isReadable) throw new TypeError("no version");
        return 1;
      },
    });
    await task.send("a1");
    await task.commit();
    await task.send("a!");
    await task.commit();
    isReadable = false;
    await task.advance(10 * SECOND);
    await task.commit();
    expect(task.deadLetters).toEqual([]);
    expect(await task.read(endings.name)).toEqual(["a! erased"]);
    expect(await task.entries("keys")).toEqual([]);
    expect(await task.inputEntries()).toEqual(new Map());
  });

  it("makes room behind the head, which comes out of its tier later", async () => {
    const { task } = await calling(() => retry("down"), { ...byCustomer, erasure, heldMax: 2 });
    for (const id of ["a1", "a2", "a3", "a!", "a4", "a5"]) await task.send(id);
    await task.commit();
    expect(task.deadLetters).toEqual([]);
    expect(await task.entries("held")).toHaveLength(2);
  });

  it("frees what waited behind it, where a new version of the job takes a record in a tier for an order", async () => {
    let isOrder = false;
    const { task } = await calling((_id, value) => (isOrder ? done(value) : retry("down")), {
      ...byCustomer,
      erasure: { subject: ({ id }) => id, isOrder: ({ id }) => isOrder && id === "a1" },
    });
    await task.send("a1", "a2");
    await task.commit();
    isOrder = true;
    await task.advance(10 * SECOND);
    await task.commit();
    expect(await task.read(results.name)).toEqual(["a2"]);
    expect(await task.entries("keys")).toEqual([]);
  });
});

describe("a dead letter of a call", () => {
  it("says how often and since when the record was called for, as the step behind hears it", async () => {
    const failures: unknown[] = [];
    const { task } = await calling((id) => (id === "a1" ? dead("GONE", "gone") : retry("busy")), {
      policy: { retry: { attemptsMax: 2 } },
    });
    const firstCallMs = task.clock.now();
    await task.send("a1", "b1");
    await task.commit();
    await task.advance(10 * SECOND);
    await task.commit();
    for (const { headers } of task.deadLetters)
      failures.push([headers["code"], headers["attempts"], headers["firstCall"]]);
    expect(failures).toEqual([
      ["GONE", "1", String(firstCallMs)],
      ["CALL_ATTEMPTS", "2", String(firstCallMs)],
    ]);
  });
});

describe("texts that a name was cut into", () => {
  it("are one key, in memory as in state, where they hold halves of characters", async () => {
    const halves = ["\ud83d", "\ude00"];
    let calls = 0;
    const { task } = await calling(() => new Promise(() => void calls++), {
      orderKey: ({ id }) => halves[Number(id.slice(1))]!,
    });
    await task.send("a0", "a1");
    expect(calls).toBe(1);
  });
});

describe("a task whose tiers hold what is not due", () => {
  it("may start again at once: that is read again; but not while something else is to be done", async () => {
    const { task } = await calling((id, value) => (id === "a1" ? retry("down") : done(value)), byCustomer);
    await task.send("a1");
    expect(task.task.isIdleUntilDue).toBe(false);
    await task.commit();
    await task.commit();
    expect([task.task.waiting, task.task.isBusy, task.task.isIdleUntilDue]).toEqual([1, true, true]);
    task.clock.advance(10 * SECOND);
    expect(task.task.isIdleUntilDue).toBe(false);
  });
});

describe("a commit", () => {
  it("takes nothing of a call whose end failed halfway, whenever that was", async () => {
    for (let ticks = 0; ticks < 60; ticks++) {
      let end = (): void => undefined;
      const { task } = await calling(
        (_id, value) =>
          new Promise((resolve) => {
            end = () => resolve({ kind: "done", values: [value, new Proxy(value, brokenWhenRead)] });
          }),
      );
      await task.send("a1");
      end();
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      await task.task.beginCommit();
      await task.task.settled();
      await task.settle();
      await task.commit();
      expect(task.task.failure, `after ${ticks} ticks`).toBeInstanceOf(InvariantError);
      expect(await task.read(results.name), `after ${ticks} ticks`).toEqual([]);
    }
  });
});

/** What is not about a record, wherever it happens. */
const brokenWhenRead: ProxyHandler<Request> = {
  get() {
    throw new InvariantError("broken");
  },
};
