import { describe, expect, it } from "vitest";
import { bank, DAY_MS, HOUR_MS, january, SECOND_MS, START_MS, startCaller } from "./support.ts";

const ACCOUNTS = "/v1/bank/accounts";
const TRANSACTIONS = "/v1/bank/accounts/deposit/transactions";

describe("headers", () => {
  it("refuses a call without an x-api-tran-id of 25 characters, and echoes a good one", async () => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    const short = await caller.call("bank-01", ACCOUNTS, { token, headers: { "x-api-tran-id": "short" } });
    expect([short.status, short.code]).toEqual([400, "40001"]);
    const id = "ABCDEFGHIJKLMNOPQRSTUVWXY";
    const good = await caller.call("bank-01", ACCOUNTS, { token, headers: { "x-api-tran-id": id } });
    expect([good.status, good.code, good.headers.get("x-api-tran-id")]).toEqual([200, "00000", id]);
  });

  it("refuses an unknown x-api-type", async () => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    for (const apiType of ["scheduled", "user-consent", "user-refresh", "user-search"])
      expect((await caller.call("bank-01", ACCOUNTS, { token, apiType })).code).toBe("00000");
    expect((await caller.call("bank-01", ACCOUNTS, { token, apiType: "manual" })).code).toBe("40001");
  });

  it("counts a repeated x-api-tran-id, and rejects it where it is told to", async () => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    const call = () =>
      caller.call("bank-01", ACCOUNTS, { token, headers: { "x-api-tran-id": "ABCDEFGHIJKLMNOPQRSTUVWXY" } });
    expect((await call()).code).toBe("00000");
    expect((await call()).code).toBe("00000");
    expect(caller.institutions.stats("bank-01").repeatedTransactionIds).toBe(1);
    caller.configure("bank-01", { rejectsRepeatedTransactionIds: true });
    expect((await call()).code).toBe("40001");
    expect(caller.institutions.stats("bank-01").repeatedTransactionIds).toBe(2);
  });
});

describe("tokens", () => {
  it("refuses no token, a forged one, a refresh token, and one of another institution", async () => {
    const caller = await startCaller([bank(), { id: "bank-02", industry: "bank" }]);
    const { access, refresh } = await caller.consent("bank-01");
    const codeOf = async (token?: string, institution = "bank-01") =>
      (await caller.call(institution, ACCOUNTS, token === undefined ? {} : { token })).code;
    expect(await codeOf(access)).toBe("00000");
    expect(await codeOf()).toBe("40101");
    expect(await codeOf(access.replace("customer-1", "customer-2"))).toBe("40101");
    expect(await codeOf(refresh)).toBe("40101");
    expect(await codeOf(access, "bank-02")).toBe("40104");
  });

  it("lets an access token expire, and gives a new one for the refresh token until the consent is over", async () => {
    const caller = await startCaller([bank({ accessTokenMs: HOUR_MS, consentMs: DAY_MS })]);
    const { access, refresh } = await caller.consent("bank-01");
    const codeOf = async (token: string) => (await caller.call("bank-01", ACCOUNTS, { token })).code;
    const refreshed = () =>
      caller.call("bank-01", "/oauth/2.0/token", { body: { grant_type: "refresh_token", refresh_token: refresh } });
    caller.clock.advance(HOUR_MS - 1);
    expect(await codeOf(access)).toBe("00000");
    caller.clock.advance(1);
    expect(await codeOf(access)).toBe("40105");
    const { body } = await refreshed();
    expect(body.expires_in).toBe(3_600);
    expect(body.consent_expires_in).toBe(23 * 3_600);
    expect(await codeOf(body.access_token)).toBe("00000");
    caller.clock.advanceTo(START_MS + DAY_MS);
    expect(await codeOf(body.access_token)).toBe("40106");
    expect((await refreshed()).code).toBe("40106");
    const again = await caller.consent("bank-01");
    expect(await codeOf(again.access)).toBe("00000");
  });

  it("ends a refresh token at its own time", async () => {
    const caller = await startCaller([bank({ refreshTokenMs: HOUR_MS })]);
    const { access, refresh } = await caller.consent("bank-01");
    caller.clock.advance(HOUR_MS);
    const body = { grant_type: "refresh_token", refresh_token: refresh };
    expect((await caller.call("bank-01", "/oauth/2.0/token", { body })).code).toBe("40106");
    expect((await caller.call("bank-01", ACCOUNTS, { token: access })).code).toBe("00000");
  });

  it("revokes an access token without the consent, and with a refresh token the consent", async () => {
    const caller = await startCaller();
    const { access, refresh } = await caller.consent("bank-01");
    const other = await caller.consent("bank-01", "customer-2");
    const codeOf = async (token: string) => (await caller.call("bank-01", ACCOUNTS, { token })).code;
    const revoke = async (token: string) =>
      (await caller.call("bank-01", "/oauth/2.0/revoke", { body: { token } })).code;
    expect(await revoke(access)).toBe("00000");
    expect(await codeOf(access)).toBe("40101");
    const { body } = await caller.call("bank-01", "/oauth/2.0/token", {
      body: `grant_type=refresh_token&refresh_token=${encodeURIComponent(refresh)}`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect(await codeOf(body.access_token)).toBe("00000");
    expect(await revoke(refresh)).toBe("00000");
    expect(await codeOf(body.access_token)).toBe("40106");
    expect(await codeOf((await caller.consent("bank-01")).access)).toBe("00000");
    expect(await codeOf(other.access)).toBe("00000");
  });

  it("refuses a grant of an unknown type, a code that is no customer, and a body that is no object", async () => {
    const caller = await startCaller();
    const codeOf = async (body: object | string) => (await caller.call("bank-01", "/oauth/2.0/token", { body })).code;
    expect(await codeOf({ grant_type: "password" })).toBe("40002");
    expect(await codeOf({ grant_type: "authorization_code", code: "no spaces" })).toBe("40002");
    expect(await codeOf({ grant_type: "authorization_code" })).toBe("40002");
    expect(await codeOf("[1]")).toBe("40002");
    expect(await codeOf("{")).toBe("40002");
  });

  it("takes JSON that curl calls a form", async () => {
    const caller = await startCaller();
    const { code } = await caller.call("bank-01", "/oauth/2.0/token", {
      body: { grant_type: "authorization_code", code: "customer-1" },
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect(code).toBe("00000");
  });

  it("accepts tokens after a restart with the same seed, and none of another seed", async () => {
    const { access: token } = await (await startCaller()).consent("bank-01");
    expect((await (await startCaller()).call("bank-01", ACCOUNTS, { token })).code).toBe("00000");
    const other = await startCaller([bank()], { seed: 8 });
    expect((await other.call("bank-01", ACCOUNTS, { token })).code).toBe("40101");
  });

  it("lets a withdrawal also end tokens of the time before a restart", async () => {
    const { access: token } = await (await startCaller()).consent("bank-01");
    const caller = await startCaller();
    caller.institutions.withdrawConsent("bank-01", "customer-1");
    expect((await caller.call("bank-01", ACCOUNTS, { token })).code).toBe("40106");
  });
});

describe("scheduled calls", () => {
  it("are answered inside the windows only, user calls always", async () => {
    const windows = [
      { from: "01:00", to: "05:00" },
      { from: "22:30", to: "00:30" },
    ];
    const caller = await startCaller([bank({ scheduledWindows: windows, scheduledPerWeekMax: null })]);
    const { access: token } = await caller.consent("bank-01");
    const scheduled = () => caller.call("bank-01", ACCOUNTS, { token, apiType: "scheduled" });
    const outside = await scheduled();
    expect([outside.status, outside.code]).toEqual([500, "50009"]);
    expect(outside.headers.get("retry-after")).toBe(String(12.5 * 3_600));
    expect(outside.body.window_opens_at).toBe("2026-01-14T13:30:00.000Z");
    expect((await caller.call("bank-01", ACCOUNTS, { token })).code).toBe("00000");
    for (const [time, code] of [
      ["2026-01-14T22:29:59+09:00", "50009"],
      ["2026-01-14T22:30:00+09:00", "00000"],
      ["2026-01-15T00:29:59+09:00", "00000"],
      ["2026-01-15T00:30:00+09:00", "50009"],
      ["2026-01-15T01:00:00+09:00", "00000"],
      ["2026-01-15T04:59:59+09:00", "00000"],
      ["2026-01-15T05:00:00+09:00", "50009"],
    ] as const) {
      caller.clock.advanceTo(Date.parse(time));
      expect([time, (await scheduled()).code]).toEqual([time, code]);
    }
  });

  it("are answered once a week for each customer, resource and asset, again from Monday on", async () => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    const other = await caller.consent("bank-01", "customer-2");
    const account = await caller.firstAccount("bank-01", token);
    const scheduled = (of = token) => caller.call("bank-01", ACCOUNTS, { token: of, apiType: "scheduled" });
    expect((await scheduled()).code).toBe("00000");
    const second = await scheduled();
    expect([second.status, second.code]).toEqual([429, "42901"]);
    const mondayMs = Date.parse("2026-01-19T00:00:00+09:00");
    expect(second.headers.get("retry-after")).toBe(String((mondayMs - START_MS) / SECOND_MS));
    expect((await scheduled(other.access)).code).toBe("00000");
    expect((await caller.call("bank-01", ACCOUNTS, { token })).code).toBe("00000");
    const body = { account_num: account, ...january };
    expect((await caller.call("bank-01", TRANSACTIONS, { token, apiType: "scheduled", body })).code).toBe("00000");
    expect((await caller.call("bank-01", TRANSACTIONS, { token, apiType: "scheduled", body })).code).toBe("42901");
    caller.clock.advanceTo(mondayMs - 1);
    expect((await scheduled()).code).toBe("42901");
    caller.clock.advanceTo(mondayMs);
    expect((await scheduled()).code).toBe("00000");
    expect((await scheduled()).code).toBe("42901");
  });

  it("may be repeated after an error until the first success", async () => {
    const caller = await startCaller([bank({ errors: { serverErrorRate: 1 } })]);
    caller.configure("bank-01", { errors: {} });
    const { access: token } = await caller.consent("bank-01");
    const scheduled = async () => (await caller.call("bank-01", ACCOUNTS, { token, apiType: "scheduled" })).code;
    caller.configure("bank-01", { errors: { serverErrorRate: 1 } });
    expect([await scheduled(), await scheduled()]).toEqual(["50001", "50001"]);
    caller.configure("bank-01", { errors: { okWithErrorRate: 1, okWithErrorCode: "50003" } });
    expect(await scheduled()).toBe("50003");
    caller.configure("bank-01", { errors: {} });
    expect([await scheduled(), await scheduled()]).toEqual(["00000", "42901"]);
  });

  it("count when the last page was answered: one that stopped between pages begins anew, one that has begun may go on", async () => {
    const caller = await startCaller([bank({ pageItemsMax: 5 })]);
    const { access: token } = await caller.consent("bank-01");
    const account = await caller.firstAccount("bank-01", token);
    const page = (cursor?: string) =>
      caller.call("bank-01", TRANSACTIONS, {
        token,
        apiType: "scheduled",
        body: { account_num: account, ...january, ...(cursor && { next_page: cursor }) },
      });
    const first = await page();
    expect(first.body.next_page).not.toBeNull();
    let reply = await page();
    expect(reply.code).toBe("00000");
    while (reply.body.next_page !== null) reply = await page(reply.body.next_page);
    expect((await page()).code).toBe("42901");
    expect((await page(first.body.next_page)).code).toBe("00000");
  });

  it("ask for 31 days at most, other calls for 366", async () => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    const account = await caller.firstAccount("bank-01", token);
    const codeOf = async (apiType: string, from_date: string, to_date: string) =>
      (
        await caller.call("bank-01", TRANSACTIONS, {
          token,
          apiType,
          body: { account_num: account, from_date, to_date },
        })
      ).code;
    expect(await codeOf("scheduled", "20251201", "20260101")).toBe("40004");
    expect(await codeOf("scheduled", "20251202", "20260101")).toBe("00000");
    expect(await codeOf("user-refresh", "20250101", "20260102")).toBe("40004");
    expect(await codeOf("user-refresh", "20250101", "20260101")).toBe("00000");
  });
});

describe("parameters", () => {
  it.each([
    [{}, "40002"],
    [{ from_date: "20260101" }, "40002"],
    [{ from_date: "20260131", to_date: "20260101" }, "40002"],
    [{ from_date: "20260230", to_date: "20260301" }, "40002"],
    [{ ...january, limit: 0 }, "40002"],
    [{ ...january, limit: "ten" }, "40002"],
    [{ ...january, limit: 501 }, "40004"],
    [{ ...january, limit: 500 }, "00000"],
    [{ ...january, next_page: "bm9uZQ" }, "40003"],
    [{ ...january, search_timestamp: "yesterday" }, "40002"],
    [{ ...january, search_timestamp: "0", next_page: "bm9uZQ" }, "40002"],
    [{ ...january, account_num: ["1"] }, "40002"],
    [{ ...january, account_num: "999" }, "40402"],
  ])("%j gives %s", async (parameters, code) => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    const body = { account_num: await caller.firstAccount("bank-01", token), ...parameters };
    expect((await caller.call("bank-01", TRANSACTIONS, { token, body })).code).toBe(code);
  });

  it("answers 40402 for what is not a path of the institution", async () => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    const reply = await caller.call("bank-01", "/v1/card/cards", { token });
    expect([reply.status, reply.code]).toEqual([404, "40402"]);
  });

  it("keeps the accounts of customers apart", async () => {
    const caller = await startCaller();
    const one = await caller.consent("bank-01");
    const two = await caller.consent("bank-01", "customer-2");
    const body = { account_num: await caller.firstAccount("bank-01", one.access), ...january };
    expect((await caller.call("bank-01", TRANSACTIONS, { token: two.access, body })).code).toBe("40402");
  });
});

describe("assets", () => {
  it("lists assets that the consent does not cover, and refuses them", async () => {
    const caller = await startCaller([bank({ uncoveredAssetsRate: 1 })]);
    const { access: token } = await caller.consent("bank-01");
    const { body } = await caller.call("bank-01", ACCOUNTS, { token });
    expect(body.account_list[0].is_consent).toBe(false);
    const detail = await caller.call("bank-01", `${ACCOUNTS}/deposit/detail`, {
      token,
      body: { account_num: body.account_list[0].account_num },
    });
    expect([detail.status, detail.code]).toEqual([403, "40301"]);
  });

  it("lists closed assets, and has nothing else to say of them", async () => {
    const caller = await startCaller([bank({ closedAssetsRate: 1 })]);
    const { access: token } = await caller.consent("bank-01");
    const { body } = await caller.call("bank-01", ACCOUNTS, { token });
    expect(body.account_list[0].account_status).toBe("03");
    const basic = await caller.call("bank-01", `${ACCOUNTS}/deposit/basic`, {
      token,
      body: { account_num: body.account_list[0].account_num },
    });
    expect([basic.status, basic.code]).toEqual([404, "40403"]);
  });
});
