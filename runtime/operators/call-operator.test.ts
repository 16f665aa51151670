import { describe, expect, it } from "vitest";
import type { Schema } from "../../schemas/schema.ts";
import type { CallOptions } from "../dsl/call.ts";
import { defineJob } from "../dsl/define-job.ts";
import { dead, done, type Outcome, retry, wait } from "../dsl/outcome.ts";
import { topic } from "../dsl/topic.ts";
import { RetriableError, TerminalError } from "../errors/errors.ts";
import { TestDriver } from "../testing/test-driver.ts";

interface Request {
  readonly id: string;
  readonly customer: string;
  readonly bank: string;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const requestSchema: Schema<Request> = {
  avro: {
    type: "record",
    name: "Request",
    fields: ["id", "customer", "bank"].map((name) => ({ name, type: "string" })),
  },
};
const requests = topic("test.requests", { value: requestSchema, key: "customer" });
const results = topic("test.results", { value: requestSchema, key: "customer" });
const ended = topic("test.ended", { value: requestSchema, key: "customer" });

type Handler = (id: string, attempt: number) => Outcome<Request> | Promise<Outcome<Request>>;

/** A job that calls for each request, and the calls that it made. */
async function calling(
  handler: Handler,
  options: Partial<CallOptions<string, Request, Request>> = {},
): Promise<{
  driver: TestDriver;
  calls: string[];
  send: (...ids: string[]) => Promise<void>;
  ids: () => Promise<string[]>;
  endedIds: () => Promise<string[]>;
}> {
  const calls: string[] = [];
  const job = defineJob({
    name: "caller",
    version: 1,
    flow(from) {
      const called = from(requests).call("fetch", {
        resource: ({ bank }) => bank,
        handler: async (value, { attempt }) => {
          calls.push(`${value.id}#${attempt}`);
          const outcome = await handler(value.id, attempt);
          return outcome.kind === "done" && outcome.values.length === 0 ? done(value) : outcome;
        },
        ...options,
      });
      called.to(results);
      called.dead.map(({ value, code }) => ({ ...value, id: `${value.id} ${code}` })).to(ended);
      called.superseded.map((value) => ({ ...value, id: `${value.id} superseded` })).to(ended);
      called.erased.map((value) => ({ ...value, id: `${value.id} erased` })).to(ended);
    },
  });
  const driver = await TestDriver.open(job);
  return {
    driver,
    calls,
    send: async (...ids) => {
      for (const id of ids) await driver.pipe(requests, { id, customer: id[0]!, bank: "one" });
    },
    ids: async () => (await driver.read(results)).map(({ value }) => value.id),
    endedIds: async () => (await driver.read(ended)).map(({ value }) => value.id),
  };
}

const byCustomer = { orderKey: ({ customer }: Request) => customer };

describe("a call", () => {
  it("sends on what its handler returns, under the record's key", async () => {
    const { driver, send } = await calling(() => done());
    await send("a1");
    expect(await driver.read(results)).toMatchObject([{ key: "a", value: { id: "a1" } }]);
    expect(driver.deadLetters()).toEqual([]);
  });

  it("tries again behind the tier that the back-off names, counting attempts", async () => {
    const { driver, calls, send, ids } = await calling((_id, attempt) => (attempt < 3 ? retry("busy") : done()));
    await send("a1");
    await driver.advanceTo(driver.nowMs + 9 * SECOND);
    expect(calls).toEqual(["a1#1"]);
    await driver.advanceTo(driver.nowMs + 1 * SECOND);
    expect(calls).toEqual(["a1#1", "a1#2"]);
    await driver.advanceTo(driver.nowMs + 59 * SECOND);
    expect(calls).toHaveLength(2);
    expect(await ids()).toEqual([]);
    await driver.advanceTo(driver.nowMs + 1 * SECOND);
    expect(await ids()).toEqual(["a1"]);
  });

  it("sends to the DLQ, with the bytes and the reason, what is dead or has used up its attempts", async () => {
    const { driver, calls, send, endedIds } = await calling(
      (id) => (id === "a1" ? dead("BAD_REQUEST", "no such thing") : retry("busy")),
      {
        policy: { retry: { attemptsMax: 3 } },
        tiers: ["10 seconds"],
      },
    );
    await send("a1", "b1");
    expect(driver.deadLetters()).toMatchObject([{ code: "BAD_REQUEST", message: "no such thing", step: "fetch" }]);
    for (let n = 0; n < 5; n++) await driver.advanceTo(driver.nowMs + 10 * SECOND);
    expect(calls).toEqual(["a1#1", "b1#1", "b1#2", "b1#3"]);
    const [letter] = driver.deadLetters();
    expect(letter).toMatchObject({ code: "CALL_ATTEMPTS", message: "3 calls failed, the last one: busy" });
    expect(letter!.key).toEqual(Buffer.from("b"));
    expect(await endedIds()).toEqual(["a1 BAD_REQUEST", "b1 CALL_ATTEMPTS"]);
  });

  it("takes errors for outcomes: terminal ones are dead, all others are tried again", async () => {
    const { driver, calls, send } = await calling((id) => {
      throw id === "a1"
        ? new TerminalError("broken", { code: "BROKEN" })
        : id === "b1"
          ? new RetriableError("later", { afterMs: 2 * MINUTE })
          : new Error("what?");
    });
    await send("a1", "b1", "c1");
    expect(driver.deadLetters()).toMatchObject([{ code: "BROKEN" }]);
    await driver.advanceTo(driver.nowMs + 10 * SECOND);
    expect(calls).toEqual(["a1#1", "b1#1", "c1#1", "c1#2"]);
    await driver.advanceTo(driver.nowMs + MINUTE);
    await driver.advanceTo(driver.nowMs + MINUTE);
    expect(calls.filter((call) => call.startsWith("b1"))).toEqual(["b1#1", "b1#2"]);
  });

  it("waits without spending attempts or age, hopping through the tiers until the time that was named", async () => {
    let isOpen = false;
    const { driver, calls, send, ids } = await calling(() => done(), {
      policy: {
        closedUntil: (nowMs) => (isOpen ? undefined : nowMs + 3 * HOUR),
        retry: { attemptsMax: 1, ageMax: "1 minute" },
      },
    });
    await send("a1");
    for (let hours = 0; hours < 24; hours++) await driver.advanceTo(driver.nowMs + HOUR);
    expect(calls).toEqual([]);
    isOpen = true;
    for (let hours = 0; hours < 4; hours++) await driver.advanceTo(driver.nowMs + HOUR);
    expect(await ids()).toEqual(["a1"]);
    expect(calls).toEqual(["a1#1"]);
    expect(driver.deadLetters()).toEqual([]);
  });

  it("aborts the signal at the time-out, and does not wait for a handler that ignores it", async () => {
    let signal: AbortSignal | undefined;
    const { driver, calls, send } = await calling(() => new Promise(() => undefined), {
      policy: { timeout: "5 seconds" },
      handler: (_value, context) => {
        signal = context.signal;
        calls.push(`#${context.attempt} until ${context.deadlineMs - driver.nowMs}`);
        return new Promise(() => undefined);
      },
    });
    await send("a1");
    expect(signal!.aborted).toBe(false);
    await driver.advanceTo(driver.nowMs + 5 * SECOND);
    expect(signal!.aborted).toBe(true);
    await driver.advanceTo(driver.nowMs + 10 * SECOND);
    expect(calls).toEqual(["#1 until 5000", "#2 until 5000"]);
  });

  it("gives the same idempotency key to every call of a record, and another to every record", async () => {
    const keys: string[] = [];
    const { driver, send } = await calling(() => done(), {
      handler: (value, { idempotencyKey, attempt }) => {
        keys.push(idempotencyKey);
        return attempt < 2 ? retry("busy") : done(value);
      },
    });
    await send("a1", "b1");
    await driver.advanceTo(driver.nowMs + 10 * SECOND);
    expect(keys[2]).toBe(keys[0]);
    expect(keys[3]).toBe(keys[1]);
    expect(new Set(keys).size).toBe(2);
  });

  it("runs the steps in front again for every attempt, and a record that they no longer let pass has ended", async () => {
    let passes = true;
    const calls: string[] = [];
    const job = defineJob({
      name: "caller",
      version: 1,
      flow: (from) =>
        from(requests)
          .filter(() => passes)
          .map((value) => ({ ...value, id: `${value.id}!` }), requestSchema)
          .call("fetch", {
            resource: ({ bank }) => bank,
            ...byCustomer,
            handler: async (value) => {
              calls.push(value.id);
              return calls.length === 1 ? retry("busy") : done(value);
            },
          })
          .to(results),
    });
    const driver = await TestDriver.open(job);
    const send = (id: string) => driver.pipe(requests, { id, customer: "a", bank: "one" });
    await send("a1");
    await send("a2");
    passes = false;
    await driver.advanceTo(driver.nowMs + 10 * SECOND);
    passes = true;
    await send("a3");
    expect(calls).toEqual(["a1!", "a3!"]);
  });

  it("reads through a topic of its own where one record in front becomes several", async () => {
    const job = defineJob({
      name: "caller",
      version: 1,
      flow: (from) =>
        from(requests)
          .flatMap((value) => [value, { ...value, id: `${value.id}'` }], requestSchema)
          .call("fetch", { resource: ({ bank }) => bank, handler: (value) => done(value) })
          .to(results),
    });
    const driver = await TestDriver.open(job);
    await driver.pipe(requests, { id: "a1", customer: "a", bank: "one" });
    expect((await driver.read(results)).map(({ value }) => value.id)).toEqual(["a1", "a1'"]);
  });

  it("is a dead letter where nobody knows what it belongs to", async () => {
    const { driver, send, ids } = await calling(() => done(), { resource: ({ id }) => (id === "a1" ? "" : "bank") });
    await send("a1", "b1");
    expect(driver.deadLetters()).toMatchObject([
      { code: "CALL_ADDRESS", message: expect.stringContaining("resource gave") },
    ]);
    expect(await ids()).toEqual(["b1"]);
  });
});

describe("a call in strict order", () => {
  it("calls records of one key one after the other, and others at once", async () => {
    const ends: (() => void)[] = [];
    const { driver, calls, send } = await calling(
      () => new Promise((resolve) => ends.push(() => resolve(done()))),
      byCustomer,
    );
    await send("a1", "a2", "b1");
    expect(calls).toEqual(["a1#1", "b1#1"]);
    ends[0]!();
    await driver.commit();
    expect(calls).toEqual(["a1#1", "b1#1", "a2#1"]);
  });

  it("keeps later records of a key behind one that waits, and lets them go in order when that has ended", async () => {
    let isUp = false;
    const { driver, calls, send, ids } = await calling(
      (id) => (isUp || id[0] === "b" ? done() : retry("down")),
      byCustomer,
    );
    await send("a1", "a2", "b1", "a3");
    expect(calls).toEqual(["a1#1", "b1#1"]);
    expect(await driver.store("fetch.held")).toHaveLength(2);
    isUp = true;
    await driver.advanceTo(driver.nowMs + 10 * SECOND);
    expect(await ids()).toEqual(["b1", "a1", "a2", "a3"]);
    expect(await driver.store("fetch.held")).toEqual([]);
    expect(await driver.store("fetch.keys")).toEqual([]);
  });

  it("goes on with the next one when the one in front is dead", async () => {
    const { driver, send, ids } = await calling(
      (id, attempt) => (id === "a1" ? (attempt === 1 ? retry("busy") : dead("GONE", "gone")) : done()),
      byCustomer,
    );
    await send("a1", "a2");
    await driver.advanceTo(driver.nowMs + 10 * SECOND);
    expect(await ids()).toEqual(["a2"]);
    expect(driver.deadLetters()).toMatchObject([{ code: "GONE" }]);
  });

  it("sends to the DLQ what comes when as many wait as may", async () => {
    const { driver, send, ids } = await calling((_id, attempt) => (attempt === 1 ? retry("busy") : done()), {
      ...byCustomer,
      heldMax: 2,
    });
    await send("a1", "a2", "a3", "a4", "b1");
    expect(driver.deadLetters()).toMatchObject([
      { code: "CALL_HELD_FULL", message: expect.stringContaining("2 records of its order key") },
    ]);
    for (let n = 0; n < 4; n++) await driver.advanceTo(driver.nowMs + 10 * SECOND);
    expect((await ids()).filter((id) => id !== "b1")).toEqual(["a1", "a2", "a3"]);
  });
});

describe("a call of which the last success wins", () => {
  it("drops an older record that comes back after a newer success, and says so", async () => {
    const { driver, calls, send, ids, endedIds } = await calling((id) => (id === "a1" ? retry("busy") : done()), {
      ...byCustomer,
      order: "lastSuccessWins",
    });
    await send("a1", "a2");
    expect(await ids()).toEqual(["a2"]);
    await driver.advanceTo(driver.nowMs + 10 * SECOND);
    expect(calls).toEqual(["a1#1", "a2#1"]);
    expect(await endedIds()).toEqual(["a1 superseded"]);
    expect(await driver.store("fetch.keys")).toEqual([]);
  });

  it("lets an older record succeed where the newer one has not", async () => {
    const { driver, send, ids } = await calling(
      (id, attempt) => (attempt === 1 || id === "a2" ? retry("busy") : done()),
      { ...byCustomer, order: "lastSuccessWins" },
    );
    await send("a1", "a2");
    await driver.advanceTo(driver.nowMs + 10 * SECOND);
    expect(await ids()).toEqual(["a1"]);
  });

  it("goes by the declared version, also where older ones come later", async () => {
    const { send, ids, endedIds } = await calling(() => done(), {
      ...byCustomer,
      order: "lastSuccessWins",
      version: ({ id }) => Number(id.slice(1)),
    });
    await send("a5", "a3", "a7");
    expect(await ids()).toEqual(["a5", "a7"]);
    expect(await endedIds()).toEqual(["a3 superseded"]);
  });
});

describe("an order to forget somebody", () => {
  const erasure = { subject: ({ customer }: Request) => customer, isOrder: ({ id }: Request) => id.endsWith("!") };

  it("drops what is under way, held and in tiers of that subject, and nothing that comes after", async () => {
    const signals: AbortSignal[] = [];
    let isUp = false;
    const { driver, send, ids, endedIds, calls } = await calling(() => done(), {
      ...byCustomer,
      erasure,
      handler: (value, { signal }) => {
        calls.push(value.id);
        if (value.id === "c1") {
          signals.push(signal);
          return new Promise(() => undefined);
        }
        return isUp ? done(value) : retry("down");
      },
    });
    await send("a1", "a2", "b1", "c1", "c2", "a!", "c!");
    expect(signals[0]!.aborted).toBe(true);
    expect(await endedIds()).toEqual(["a! erased", "c! erased"]);
    expect(await driver.store("fetch.held")).toEqual([]);
    isUp = true;
    await send("a3");
    await driver.advanceTo(driver.nowMs + 10 * SECOND);
    expect((await ids()).sort()).toEqual(["a3", "b1"]);
    expect(calls.filter((id) => id === "a2" || id === "c2")).toEqual([]);
  });
});

describe("waiting for an institution", () => {
  it("spends no attempt when the handler says wait, and calls nobody there until then if it says so of the institution", async () => {
    let isDown = true;
    const { driver, calls, send, ids } = await calling((_id) => {
      if (!isDown) return done();
      return wait("maintenance", { untilMs: driver.nowMs + 2 * MINUTE, scope: "resource" });
    });
    await send("a1", "b1");
    expect(calls).toEqual(["a1#1"]);
    isDown = false;
    await driver.advanceTo(driver.nowMs + MINUTE);
    expect(calls).toEqual(["a1#1"]);
    await driver.advanceTo(driver.nowMs + MINUTE);
    expect((await ids()).sort()).toEqual(["a1", "b1"]);
    expect(calls.slice(1).sort()).toEqual(["a1#1", "b1#1"]);
  });
});
