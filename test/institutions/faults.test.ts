import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Behaviour } from "../../scripts/institutions/behaviour.ts";
import { bank, type Caller, HOUR_MS, january, SECOND_MS, START_MS, startCaller } from "./support.ts";

const ACCOUNTS = "/v1/bank/accounts";
const TRANSACTIONS = "/v1/bank/accounts/deposit/transactions";

const codeOf = async (caller: Caller, token: string) => (await caller.call("bank-01", ACCOUNTS, { token })).code;
const stats = (caller: Caller) => caller.institutions.stats("bank-01");

/** What a call came to: its code, its status if it has none, or that there was no answer. */
async function outcomeOf(caller: Caller, token: string): Promise<string> {
  try {
    const { code, status } = await caller.call("bank-01", ACCOUNTS, { token });
    return code ?? String(status);
  } catch (error) {
    const { cause } = error as { readonly cause?: { readonly code?: string } };
    return cause?.code ?? (error as Error).name;
  }
}

async function start(behaviour: Partial<Behaviour> = {}): Promise<{ caller: Caller; token: string }> {
  const caller = await startCaller();
  const { access: token } = await caller.consent("bank-01");
  caller.configure("bank-01", behaviour);
  return { caller, token };
}

describe("an outage", () => {
  it("resets connections, between its beginning and its end", async () => {
    const { caller, token } = await start({
      outage: { kind: "reset", fromMs: START_MS + SECOND_MS, untilMs: START_MS + HOUR_MS },
    });
    expect(await outcomeOf(caller, token)).toBe("00000");
    caller.clock.advance(SECOND_MS);
    expect(await outcomeOf(caller, token)).toMatch(/ECONNRESET|UND_ERR_SOCKET/);
    caller.clock.advanceTo(START_MS + HOUR_MS - 1);
    expect(await outcomeOf(caller, token)).toMatch(/ECONNRESET|UND_ERR_SOCKET/);
    caller.clock.advanceTo(START_MS + HOUR_MS);
    expect(await outcomeOf(caller, token)).toBe("00000");
    await expect.poll(() => stats(caller).unanswered.reset).toBe(2);
  });

  it("answers 503 without a code", async () => {
    const { caller, token } = await start({ outage: { kind: "unavailable" } });
    expect(await outcomeOf(caller, token)).toBe("503");
    caller.configure("bank-01", { outage: null });
    expect(await outcomeOf(caller, token)).toBe("00000");
    await expect.poll(() => stats(caller).unanswered.unavailable).toBe(1);
  });

  it("never answers until the client gives up", async () => {
    const { caller, token } = await start({ outage: { kind: "silent" } });
    const given = new AbortController();
    const call = caller.call("bank-01", ACCOUNTS, { token, signal: given.signal });
    const ended = expect(call).rejects.toThrow(/abort/);
    await expect.poll(() => stats(caller).inFlight).toBe(1);
    caller.clock.advance(HOUR_MS);
    expect(stats(caller).inFlight).toBe(1);
    given.abort();
    await ended;
    await expect.poll(() => stats(caller).inFlight).toBe(0);
    expect(stats(caller).unanswered.silent).toBe(1);
  });

  it("of one institution leaves the others alone", async () => {
    const caller = await startCaller([bank(), { id: "bank-02", industry: "bank" }]);
    const { access: token } = await caller.consent("bank-02");
    caller.configure("bank-01", { outage: { kind: "reset" } });
    expect((await caller.call("bank-02", ACCOUNTS, { token })).code).toBe("00000");
    expect(await outcomeOf(caller, token)).not.toBe("00000");
  });
});

it("flaps: up, down, up again", async () => {
  const { caller, token } = await start({
    flapping: { kind: "unavailable", upMs: 3 * SECOND_MS, downMs: 2 * SECOND_MS, sinceMs: START_MS },
  });
  const seen: string[] = [];
  for (let second = 0; second < 10; second++) {
    seen.push(await outcomeOf(caller, token));
    caller.clock.advance(SECOND_MS);
  }
  const period = ["00000", "00000", "00000", "503", "503"];
  expect(seen).toEqual([...period, ...period]);
});

it("is in maintenance, and says until when", async () => {
  const { caller, token } = await start({ maintenance: { fromMs: START_MS, untilMs: START_MS + HOUR_MS } });
  const reply = await caller.call("bank-01", ACCOUNTS, { token });
  expect([reply.status, reply.code]).toEqual([503, "50008"]);
  expect(reply.body.maintenance_until).toBe(new Date(START_MS + HOUR_MS).toISOString());
  expect(reply.headers.get("retry-after")).toBe("3600");
  caller.clock.advance(HOUR_MS);
  expect(await codeOf(caller, token)).toBe("00000");
});

it("limits calls a second, and says when to come back", async () => {
  const { caller, token } = await start({ callsPerSecondMax: 5 });
  const codes = async (count: number) => {
    const seen: string[] = [];
    for (let call = 0; call < count; call++) seen.push(await codeOf(caller, token));
    return seen;
  };
  expect(await codes(7)).toEqual(["00000", "00000", "00000", "00000", "00000", "42901", "42901"]);
  const refused = await caller.call("bank-01", ACCOUNTS, { token });
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
  caller.clock.advance(400);
  expect(await codes(3)).toEqual(["00000", "00000", "42901"]);
  caller.configure("bank-01", { callsPerSecondMax: 0.1 });
  caller.clock.advance(10 * SECOND_MS);
  expect(await codes(1)).toEqual(["00000"]);
  expect((await caller.call("bank-01", ACCOUNTS, { token })).headers.get("retry-after")).toBe("10");
});

describe("errors", () => {
  it("are answers of 500, resets, and 200 with an error, by their rates", async () => {
    const { caller, token } = await start({
      errors: { serverErrorRate: 0.2, connectionResetRate: 0.2, okWithErrorRate: 0.2, okWithErrorCode: "50004" },
    });
    const seen = new Map<string, number>();
    const calls = 200;
    for (let call = 0; call < calls; call++) {
      const outcome = (await outcomeOf(caller, token)).replace(/ECONNRESET|UND_ERR_SOCKET/, "reset");
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    }
    expect([...seen.keys()].toSorted()).toEqual(["00000", "50001", "50004", "reset"]);
    for (const outcome of ["50001", "50004", "reset"]) {
      expect(seen.get(outcome)! / calls).toBeGreaterThan(0.1);
      expect(seen.get(outcome)! / calls).toBeLessThan(0.3);
    }
    await expect.poll(() => stats(caller).unanswered.reset).toBe(seen.get("reset"));
    expect(stats(caller).answersByCode).toMatchObject({ "50001": seen.get("50001"), "50004": seen.get("50004") });
  });

  it("come to the same calls on every run with the same seed", async () => {
    const run = async () => {
      const { caller, token } = await start({ errors: { serverErrorRate: 0.5 } });
      const seen: string[] = [];
      for (let call = 0; call < 40; call++) seen.push(await codeOf(caller, token));
      return seen;
    };
    const first = await run();
    expect(new Set(first).size).toBe(2);
    expect(await run()).toEqual(first);
  });

  it("of 200 have the status of success and the code of an error", async () => {
    const { caller, token } = await start({ errors: { okWithErrorRate: 1, okWithErrorCode: "50006" } });
    const reply = await caller.call("bank-01", ACCOUNTS, { token });
    expect([reply.status, reply.code, reply.body.account_list]).toEqual([200, "50006", undefined]);
  });
});

describe("a slow institution", () => {
  it("answers when its latency has passed, and not before", async () => {
    const { caller, token } = await start({ latency: { kind: "fixed", ms: 5_000 } });
    let isAnswered = false;
    const call = caller.call("bank-01", ACCOUNTS, { token }).then((reply) => {
      isAnswered = true;
      return reply;
    });
    await expect.poll(() => caller.clock.nextMs).toBe(START_MS + 5_000);
    caller.clock.advance(4_999);
    expect([isAnswered, stats(caller).inFlight]).toEqual([false, 1]);
    caller.clock.advance(1);
    expect((await call).code).toBe("00000");
  });

  it("forgets a call whose client has left", async () => {
    const { caller, token } = await start({ latency: { kind: "fixed", ms: 5_000 } });
    const given = new AbortController();
    const call = caller.call("bank-01", ACCOUNTS, { token, signal: given.signal, idempotencyKey: "request-1" });
    const ended = expect(call).rejects.toThrow(/abort/);
    await expect.poll(() => caller.clock.nextMs).toBe(START_MS + 5_000);
    given.abort();
    await ended;
    await expect.poll(() => stats(caller).inFlight).toBe(0);
    expect(caller.clock.nextMs).toBe(Infinity);
    expect(stats(caller).unanswered.abandoned).toBe(1);
    expect(caller.institutions.deliveries("bank-01")).toEqual([]);
  });

  it("ends calls under way when it is closed", async () => {
    const { caller, token } = await start({ latency: { kind: "fixed", ms: 5_000 } });
    const ended = expect(codeOf(caller, token)).rejects.toThrow("fetch failed");
    await expect.poll(() => caller.clock.nextMs).toBe(START_MS + 5_000);
    await caller.institutions.close();
    await ended;
    await expect.poll(() => caller.clock.nextMs).toBe(Infinity);
  });

  it("takes many calls at once, and counts them", async () => {
    const { caller, token } = await start({ latency: { kind: "fixed", ms: 5_000 } });
    const calls = Array.from({ length: 20 }, () => codeOf(caller, token));
    await expect.poll(() => stats(caller).inFlight).toBe(20);
    caller.clock.advance(5_000);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["00000"]));
    await expect.poll(() => stats(caller)).toMatchObject({ inFlight: 0, inFlightMax: 20 });
  });
});

describe("a slow drip", () => {
  it("sends the body in pieces over its time", async () => {
    const { caller, token } = await start({ slowDrip: { overMs: 10_000, pieces: 5 } });
    const received = rawCall(caller, token);
    const lengths: number[] = [];
    await expect.poll(() => received.text()).toContain("\r\n\r\n");
    for (let piece = 0; piece < 5; piece++) {
      const before = received.text().length;
      lengths.push(before);
      await caller.advanceToNextTimer();
      await expect.poll(() => received.text().length).toBeGreaterThan(before);
    }
    expect(caller.clock.now()).toBe(START_MS + 10_000);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
    const [head, body] = received.text().split("\r\n\r\n");
    expect(Number(/content-length: (\d+)/.exec(head!)![1])).toBe(body!.length);
    expect(JSON.parse(body!).rsp_code).toBe("00000");
  });

  it("takes all of its time, however small the body is", async () => {
    const { caller, token } = await start({ slowDrip: { overMs: 10_000, pieces: 1_000 } });
    const call = caller.call("bank-01", ACCOUNTS, { token });
    await expect.poll(() => caller.clock.nextMs).toBeLessThan(Infinity);
    caller.clock.advance(9_999);
    expect(stats(caller).inFlight).toBe(1);
    caller.clock.advance(1);
    expect((await call).code).toBe("00000");
  });

  it("does not count as answered when the client leaves in the middle", async () => {
    const { caller, token } = await start({ slowDrip: { overMs: 10_000, pieces: 5 } });
    const received = rawCall(caller, token);
    await expect.poll(() => received.text()).toContain("\r\n\r\n");
    await caller.advanceToNextTimer();
    received.leave();
    await expect.poll(() => stats(caller)).toMatchObject({ inFlight: 0, unanswered: { abandoned: 1 } });
    expect(caller.clock.nextMs).toBe(Infinity);
  });
});

describe("cursors", () => {
  const transactions = (caller: Caller, token: string, body: object) =>
    caller.call("bank-01", TRANSACTIONS, { token, body: { ...january, limit: 5, ...body } });

  it("go round in circles where they are told to", async () => {
    const { caller, token } = await start({ cursors: "looping" });
    const account_num = await caller.firstAccount("bank-01", token);
    const first = await transactions(caller, token, { account_num });
    const seen = new Set<string>();
    let cursor: string = first.body.next_page;
    while (!seen.has(cursor)) {
      seen.add(cursor);
      cursor = (await transactions(caller, token, { account_num, next_page: cursor })).body.next_page;
      expect(cursor).not.toBeNull();
    }
    const again = await transactions(caller, token, { account_num, next_page: [...seen].at(-1) });
    expect(again.body.trans_list).toEqual(first.body.trans_list);
    expect(caller.institutions.deliveries("bank-01")).toEqual([]);
  });

  it("bring every page twice where they are told to", async () => {
    const { caller, token } = await start();
    const account_num = await caller.firstAccount("bank-01", token);
    const pages = async () => {
      const lists: object[] = [];
      const cursors: (string | null)[] = [];
      let cursor: string | null | undefined;
      do {
        const { body } = await transactions(caller, token, { account_num, ...(cursor && { next_page: cursor }) });
        lists.push(body.trans_list);
        cursor = body.next_page as string | null;
        cursors.push(cursor);
      } while (cursor !== null);
      expect(new Set(cursors).size).toBe(cursors.length);
      return lists;
    };
    const once = await pages();
    caller.configure("bank-01", { cursors: "duplicated" });
    expect(await pages()).toEqual(once.flatMap((page) => [page, page]));
  });
});

it("revokes the token between pages", async () => {
  const { caller, token } = await start({ tokenRevokedBetweenPagesRate: 1 });
  const account_num = await caller.firstAccount("bank-01", token);
  expect(await codeOf(caller, token)).toBe("00000");
  const page = (body: object, access: string) =>
    caller.call("bank-01", TRANSACTIONS, { token: access, body: { account_num, ...january, limit: 5, ...body } });
  const first = await page({}, token);
  expect(first.code).toBe("00000");
  expect((await page({ next_page: first.body.next_page }, token)).code).toBe("40101");
  const renewed = await caller.consent("bank-01");
  expect((await page({ next_page: first.body.next_page }, renewed.access)).code).toBe("00000");
});

/** A call that shows what has arrived so far. */
function rawCall(caller: Caller, token: string): { text(): string; leave(): void } {
  const { hostname, port, pathname } = new URL(caller.institutions.url("bank-01") + ACCOUNTS);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  socket.write(
    [
      `GET ${pathname} HTTP/1.1`,
      "host: institutions",
      `authorization: Bearer ${token}`,
      `x-api-tran-id: ${caller.transactionId()}`,
      "x-api-type: user-refresh",
      "\r\n",
    ].join("\r\n"),
  );
  return { text: () => text, leave: () => void socket.destroy() };
}
