import { describe, expect, it } from "vitest";
import { completionOfDead, completionOfSuperseded } from "./collector.ts";
import { FakeInstitution, fakeInstitution, ok, page, refused, request, transaction } from "./institution.fixture.ts";
import { START_MS } from "./mydata.fixture.ts";
import { responseClasses } from "./response-codes.ts";
import { TokenCache } from "./token-cache.ts";

describe("a collection", () => {
  it("asks as the standard says, and normalises what is answered", async () => {
    const fake = fakeInstitution(() => page(1, 1));
    const { records, completions, outcome } = await fake.run(request({ searchTimestamp: "20260101000000" }));
    expect(fake.questions).toEqual([
      {
        method: "POST",
        url: "http://127.0.0.1:1/bank-01/v1/bank/accounts/deposit/transactions",
        parameters: {
          ...{ account_num: "a1", from_date: "20251208", to_date: "20260107" },
          ...{ limit: "500", search_timestamp: "20260101000000" },
        },
        headers: {
          authorization: "Bearer a1",
          "content-type": "application/json",
          "x-api-tran-id": "0000000000000000000000002",
          "x-api-type": "user-search",
          "x-mulgil-idempotency-key": "key-1",
        },
      },
    ]);
    expect(records).toMatchObject([
      {
        ...{ customerId: "ann", institution: "bank-01", resource: "transactions", requestId: "r1" },
        ...{ requestedAt: START_MS, collectedAt: START_MS + 500, asset: null, fact: null },
        transaction: {
          ...{ transactionId: "t1", assetId: "a1", occurredAt: Date.parse("2026-01-05T12:14:55+09:00") },
          ...{ direction: "out", currency: "KRW", text: "HANGANG COFFEE 12", cancelled: false },
        },
      },
    ]);
    expect(String(records[0]!.transaction!.amount)).toBe("4500.00");
    expect(completions).toMatchObject([
      {
        ...{ requestId: "r1", outcome: "succeeded", code: "00000", attempts: 3, records: 1, pages: 1 },
        ...{ searchTimestamp: "20260106000000", completedAt: START_MS + 500, toDate: "2026-01-07" },
      },
    ]);
    expect(outcome.kind === "done" && outcome.values.at(-1)!.kind).toBe("completion");
  });

  it("of a list names the assets that may be asked about", async () => {
    const account = (n: number, change: object = {}) => ({
      ...{ account_num: `a${n}`, is_consent: true, prod_name: "Everyday", account_status: "01" },
      ...{ issue_date: "20210301", ...change },
    });
    const fake = fakeInstitution(() =>
      ok({ account_list: [account(1), account(2, { is_consent: false }), account(3, { account_status: "03" })] }),
    );
    const { records, completions } = await fake.run(
      request({ resource: "accounts", assetId: null, fromDate: null, toDate: null }),
    );
    expect(fake.questions[0]).toMatchObject({ method: "GET", parameters: { limit: "500", search_timestamp: "0" } });
    expect(records.map(({ asset }) => [asset!.assetId, asset!.active, asset!.consented, asset!.openedOn])).toEqual([
      ["a1", true, true, "2021-03-01"],
      ["a2", true, false, "2021-03-01"],
      ["a3", false, true, "2021-03-01"],
    ]);
    expect(completions[0]!.assetIds).toEqual(["a1"]);
  });

  it.each([
    ["card-01", "cards", "GET", "/v1/card/cards", { card_list: [] }],
    ["card-01", "approvals", "GET", "/v1/card/cards/a1/approval-domestic", { approved_list: [] }],
    ["insu-01", "policies", "GET", "/v1/insu/insurances", { insu_list: [] }],
    ["insu-01", "premiums", "POST", "/v1/insu/insurances/transactions", { trans_list: [] }],
    ["bank-01", "balances", "POST", "/v1/bank/accounts/deposit/detail", { detail_list: [] }],
  ])("of %s knows the path of %s", async (institution, resource, method, path, body) => {
    const fake = fakeInstitution(() => ok(body));
    expect((await fake.run(request({ institution, resource }))).completions[0]!.outcome).toBe("succeeded");
    const { url, method: used } = fake.questions[0]!;
    expect([used, new URL(url).pathname]).toEqual([method, `/${institution}${path}`]);
  });

  it("reads approvals, premiums and balances into the one shape", async () => {
    const approved = {
      ...{ approved_num: "p1", approved_dtime: "20260105121455", status: "CANCELLED", merchant_name: "MART" },
      ...{ currency_code: "KRW", approved_amt: "12.5" },
    };
    const approval = await fakeInstitution(() => ok({ approved_list: [approved] })).run(
      request({ institution: "card-01", resource: "approvals" }),
    );
    expect(approval.records[0]!.transaction).toMatchObject({ direction: "out", cancelled: true, balanceAfter: null });
    const detail = { currency_code: "KRW", balance_amt: "-7" };
    const balance = await fakeInstitution(() => ok({ detail_list: [detail] })).run(request({ resource: "balances" }));
    expect(String(balance.records[0]!.asset!.balance)).toBe("-7.00");
    const paid = { trans_no: "202601", trans_dtime: "20260125090000", currency_code: "KRW", paid_amt: "87000" };
    const premium = await fakeInstitution(() => ok({ trans_list: [paid] })).run(
      request({ institution: "insu-01", resource: "premiums" }),
    );
    expect(premium.records[0]!.transaction).toMatchObject({ transactionId: "202601", text: "INSURANCE PREMIUM" });
  });

  it("that finds nothing new is unchanged, and says nothing", async () => {
    const answer = { rsp_msg: "UP_TO_DATE", search_timestamp: "20260106000000" };
    const { records, completions } = await fakeInstitution(() => ok(answer)).run();
    expect(records).toEqual([]);
    expect(completions).toMatchObject([{ outcome: "unchanged", searchTimestamp: "20260106000000" }]);
  });
});

describe("pages", () => {
  it("are asked for to the end, with the search timestamp on the first one only, each under a number of its own", async () => {
    const pages = [page(1, 2, "c1"), page(3, 4, "c2"), page(5, 5)];
    const fake = fakeInstitution(() => pages.shift()!);
    const { records, completions } = await fake.run();
    expect(records.map(({ transaction }) => transaction!.transactionId)).toEqual(["t1", "t2", "t3", "t4", "t5"]);
    expect(completions).toMatchObject([{ records: 5, pages: 3 }]);
    const starts = fake.questions.map(({ parameters }) => [parameters["search_timestamp"], parameters["next_page"]]);
    expect(starts).toEqual([
      ["0", undefined],
      [undefined, "c1"],
      [undefined, "c2"],
    ]);
    expect(new Set(fake.sent.map(({ headers }) => headers["x-api-tran-id"])).size).toBe(fake.sent.length);
  });

  it("that come twice count once", async () => {
    const pages = [page(1, 2, "c0"), page(1, 2, "c1"), page(3, 3, "c1b"), page(3, 3)];
    const { records } = await fakeInstitution(() => pages.shift()!).run();
    expect(records.map(({ transaction }) => transaction!.transactionId)).toEqual(["t1", "t2", "t3"]);
  });

  it("that lead in a circle are trouble of the institution, found as soon as the circle closes", async () => {
    const fake = fakeInstitution(({ parameters }) => page(1, 2, parameters["next_page"] === "c1" ? "c2" : "c1"));
    const { outcome } = await fake.run();
    expect(outcome).toMatchObject({ kind: "retry", failure: "error", reason: expect.stringContaining("cursor") });
    expect(fake.questions).toHaveLength(3);
  });

  it("that never end are trouble of the institution", async () => {
    let n = 0;
    const fake = fakeInstitution(() => page(1, 1, `c${++n}`));
    expect((await fake.run()).outcome).toMatchObject({ kind: "retry", reason: expect.stringContaining("1000 pages") });
  });

  it("are not read for more entries than a resource can have", async () => {
    let n = 0;
    const entries = () => Array.from({ length: 5_000 }, () => transaction(++n));
    const fake = fakeInstitution(() => ok({ trans_list: entries(), next_page: `c${n}` }));
    expect((await fake.run()).outcome).toMatchObject({ kind: "retry", reason: expect.stringContaining("entries") });
    expect(fake.questions).toHaveLength(21);
  });
});

describe("tokens", () => {
  it("are got with the code of the consent, once for all collections", async () => {
    const fake = fakeInstitution(() => page(1, 1));
    await Promise.all([fake.run(), fake.run(request({ requestId: "r2", assetId: "a2" }))]);
    await fake.run();
    expect(fake.tokenRequests.map(({ parameters }) => parameters)).toEqual([
      { grant_type: "authorization_code", code: "code-of-ann" },
    ]);
  });

  it.each(["40101", "40105"])(
    "refused with %s between two pages are renewed, and the page is asked for again",
    async (code) => {
      const pages = [page(1, 1, "c1"), refused(code), page(2, 2)];
      const fake = fakeInstitution(() => pages.shift()!);
      const { records } = await fake.run();
      expect(records).toHaveLength(2);
      expect(fake.tokenRequests.map(({ parameters }) => parameters["grant_type"])).toEqual([
        "authorization_code",
        "refresh_token",
      ]);
      expect(
        fake.questions.map(({ headers, parameters }) => [headers["authorization"], parameters["next_page"]]),
      ).toEqual([
        ["Bearer a1", undefined],
        ["Bearer a1", "c1"],
        ["Bearer a2", "c1"],
      ]);
    },
  );

  it("are renewed once in a collection; a refusal behind that is tried again later, and is not the institution's trouble", async () => {
    const pages = [refused("40101"), page(1, 1, "c1"), refused("40101")];
    const fake = fakeInstitution(() => pages.shift()!);
    expect((await fake.run()).outcome).toMatchObject({ kind: "retry", failure: "rejected" });
    expect(fake.tokenRequests).toHaveLength(2);
  });

  it("are renewed once by several collections that are refused together", async () => {
    const fake = fakeInstitution(({ headers }) =>
      headers["authorization"] === "Bearer a1" ? refused("40105") : page(1, 1),
    );
    const outcomes = await Promise.all([fake.run(), fake.run(request({ assetId: "a2" }))]);
    expect(outcomes.map(({ outcome }) => outcome.kind)).toEqual(["done", "done"]);
    expect(fake.tokenRequests).toHaveLength(2);
  });

  it("that the institution does not give end the collection as any refusal does", async () => {
    const fake = new FakeInstitution(() => refused("40106"));
    expect((await fake.run()).completions).toMatchObject([{ outcome: "failed", code: "40106" }]);
    const down = new FakeInstitution(() => refused("50008", { maintenance_until: "2026-01-07T03:00:00Z" }));
    expect((await down.run()).outcome).toMatchObject({ kind: "wait", scope: "resource" });
  });

  it("belong to a consent: under a new one they are got anew", async () => {
    const fake = fakeInstitution(({ headers }) =>
      headers["authorization"] === "Bearer a1" ? refused("40106") : page(1, 1),
    );
    expect((await fake.run()).refusals).toHaveLength(1);
    expect((await fake.run()).refusals).toHaveLength(1);
    expect(fake.tokenRequests).toHaveLength(1);
    expect((await fake.run(request({ consentedAt: START_MS }))).records).toHaveLength(1);
    expect(fake.tokenRequests).toHaveLength(2);
  });

  it("of the holders that were used last are kept, and those of others got anew", async () => {
    let grants = 0;
    const cache = new TokenCache(
      {
        grant: async () => ({ access: `a${++grants}`, refresh: "r" }),
        refresh: async () => ({ access: "never", refresh: "r" }),
      },
      2,
    );
    const { signal } = new AbortController();
    const token = (customerId: string) => cache.accessToken(request({ customerId }), signal);
    expect([await token("ann"), await token("bob"), await token("ann"), await token("cho")]).toEqual([
      ...["a1", "a2", "a1", "a3"],
    ]);
    expect([await token("ann"), await token("bob")]).toEqual(["a1", "a4"]);
  });

  it("that could not be got are asked for anew", async () => {
    let isDown = true;
    const fake: FakeInstitution = new FakeInstitution(({ url }) => {
      if (!url.includes("/oauth/")) return page(1, 1);
      return isDown ? refused("50001") : fake.issue();
    });
    expect((await fake.run()).outcome.kind).toBe("retry");
    isDown = false;
    expect((await fake.run()).outcome.kind).toBe("done");
  });
});

describe("a refusal", () => {
  const outcomes: Readonly<Record<string, object>> = {
    "bad-request": { kind: "dead", code: "MYDATA_BAD_REQUEST" },
    token: { kind: "retry", failure: "rejected" },
    consent: { kind: "done" },
    terminal: { kind: "done" },
    throttled: { kind: "retry", failure: "throttled" },
    temporary: { kind: "retry", failure: "error" },
    maintenance: { kind: "wait", scope: "resource" },
    "outside-window": { kind: "wait", scope: "record" },
  };
  const codes = Object.entries(responseClasses).filter(([, found]) => found !== "ok");

  it.each(codes)("with %s (%s) has the outcome of its class, also under HTTP status 200", async (code, found) => {
    for (const status of [Number(code.slice(0, 3)), 200]) {
      const { outcome } = await fakeInstitution(() => ({ ...refused(code), status })).run();
      expect(outcome).toMatchObject(outcomes[found]!);
    }
  });

  it("of consent ends the request, and tells whoever keeps consents", async () => {
    const { completions, refusals, records } = await fakeInstitution(() => refused("40106")).run();
    expect(records).toEqual([]);
    expect(refusals).toEqual([
      {
        ...{ customerId: "ann", institution: "bank-01", resource: "transactions", assetId: "a1" },
        ...{ code: "40106", reason: "REFUSED", requestedAt: START_MS, occurredAt: START_MS + 500 },
      },
    ]);
    expect(completions).toMatchObject([{ outcome: "failed", code: "40106", reason: "REFUSED", attempts: 3 }]);
  });

  it("that is a fact about the data is stored as one", async () => {
    const { completions, records } = await fakeInstitution(() => refused("40403")).run();
    expect(records).toMatchObject([{ fact: { assetId: "a1", code: "40403", reason: "REFUSED" }, transaction: null }]);
    expect(completions).toMatchObject([{ outcome: "succeeded", code: "40403", records: 1 }]);
  });

  it("with a maintenance waits until it is over, with all that goes to the institution", async () => {
    const until = "2026-01-07T03:00:00.000Z";
    const { outcome } = await fakeInstitution(() => refused("50008", { maintenance_until: until })).run();
    expect(outcome).toMatchObject({ kind: "wait", scope: "resource", untilMs: Date.parse(until) });
    const vague = await fakeInstitution(() => refused("50008", {}, { "retry-after": "60" })).run();
    expect(vague.outcome).toMatchObject({ kind: "wait", untilMs: START_MS + 500 + 60_000 });
  });

  it("outside the window waits for the next one", async () => {
    const asked = request({ institution: "card-01", resource: "approvals", apiType: "scheduled" });
    const { outcome } = await fakeInstitution(() => refused("50009")).run(asked);
    expect(outcome).toMatchObject({ kind: "wait", untilMs: Date.parse("2026-01-07T22:00:00+09:00") });
    const elsewhere = fakeInstitution(() => refused("50009", {}, { "retry-after": "120" }));
    expect((await elsewhere.run()).outcome).toMatchObject({ kind: "wait", untilMs: START_MS + 500 + 120_000 });
  });

  it("of too many requests obeys Retry-After, and takes a long one for a quota that is used up", async () => {
    const burst = await fakeInstitution(() => refused("42901", {}, { "retry-after": "7" })).run();
    expect(burst.outcome).toMatchObject({ kind: "retry", failure: "throttled", afterMs: 7_000 });
    const quota = await fakeInstitution(() => refused("42901", {}, { "retry-after": "86400" })).run();
    expect(quota.outcome).toMatchObject({ kind: "wait", scope: "record", untilMs: START_MS + 500 + 86_400_000 });
  });
});

describe("answers that are none", () => {
  it.each([
    ["a proxy's page", new Response("upstream is away\n", { status: 503 })],
    ["half a body", new Response('{"rsp_code": "000')],
    ["a success with an error's status", Response.json({ rsp_code: "00000", trans_list: [] }, { status: 500 })],
    ["no list", Response.json({ rsp_code: "00000", rsp_msg: "SUCCESS" })],
    ["a list of nonsense", Response.json({ rsp_code: "00000", trans_list: [7] })],
    ["a list, bare", Response.json([1, 2])],
    [
      "an amount that is none",
      Response.json({ rsp_code: "00000", trans_list: [transaction(1, { trans_amt: "1e9" })] }),
    ],
    ["an amount below zero", Response.json({ rsp_code: "00000", trans_list: [transaction(1, { trans_amt: "-1" })] })],
    [
      "a day that is none",
      Response.json({ rsp_code: "00000", trans_list: [transaction(1, { trans_dtime: "20260231000000" })] }),
    ],
    ["a type that is none", Response.json({ rsp_code: "00000", trans_list: [transaction(1, { trans_type: "GIFT" })] })],
    ["a code that nobody knows", Response.json({ rsp_code: "59999", rsp_msg: "?" })],
  ])("are tried again: %s", async (_name, response) => {
    expect((await fakeInstitution(() => response).run()).outcome).toMatchObject({ kind: "retry", failure: "error" });
  });

  it("are not read for ever", async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    expect((await fakeInstitution(() => new Response(endless)).run()).outcome.kind).toBe("retry");
    expect(sent).toBeLessThan(8 * 1024 * 1024);
  });

  it("say what could not be reached", async () => {
    const failed = new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
    const { outcome } = await fakeInstitution(() => Promise.reject(failed)).run();
    expect(outcome).toMatchObject({ kind: "retry", reason: "unreachable: connect ECONNREFUSED" });
  });
});

describe("the time-out", () => {
  it("ends a body that drips, as a time-out and not as an answer", async () => {
    const controller = new AbortController();
    const drip = new ReadableStream<Uint8Array>({
      start(stream) {
        stream.enqueue(new TextEncoder().encode('{"rsp_code": "0000'));
        controller.signal.addEventListener("abort", () => stream.error(controller.signal.reason));
      },
    });
    const running = fakeInstitution(() => new Response(drip)).run(request(), controller.signal);
    controller.abort(new Error("time is up"));
    await expect(running).rejects.toThrow("time is up");
  });
});

describe("what ended without an answer", () => {
  it("completes all the same: dead letters as failed, overtaken requests as superseded", () => {
    const failure = { value: request(), resource: "bank-01", code: "CALL_ATTEMPTS", reason: "50001", attempts: 10 };
    expect(completionOfDead({ ...failure, firstCallMs: START_MS }, START_MS + 9)).toMatchObject({
      ...{ requestId: "r1", outcome: "failed", code: "CALL_ATTEMPTS", reason: "50001", attempts: 10 },
      completedAt: START_MS + 9,
    });
    expect(completionOfSuperseded(request(), START_MS + 9)).toMatchObject({ requestId: "r1", outcome: "superseded" });
  });

  it("is a dead letter at once if there is no such resource", async () => {
    const { outcome } = await fakeInstitution(() => ok()).run(request({ resource: "dreams" }));
    expect(outcome).toMatchObject({ kind: "dead", code: "MYDATA_UNKNOWN_RESOURCE" });
  });
});
