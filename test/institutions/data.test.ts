import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bank, type Caller, DAY_MS, HOUR_MS, january, type Reply, START_MS, startCaller } from "./support.ts";

const ACCOUNTS = "/v1/bank/accounts";
const TRANSACTIONS = "/v1/bank/accounts/deposit/transactions";
const PAGES_MAX = 1_000;

interface Transaction {
  readonly trans_no: string;
  readonly trans_dtime: string;
  readonly trans_type: string;
  readonly trans_amt: string;
  readonly balance_amt: string;
  readonly trans_memo: string;
}

const year = { from_date: "20250101", to_date: "20251231" } as const;
const signed = ({ trans_type, trans_amt }: Transaction) => Number(trans_amt) * (trans_type === "DEPOSIT" ? 1 : -1);

/** All pages of a query, one after the other. */
async function pagesOf(caller: Caller, path: string, token: string, body: object): Promise<readonly Reply[]> {
  const pages: Reply[] = [];
  let cursor: string | null = null;
  do {
    const page = await caller.call("bank-01", path, { token, body: { ...body, ...(cursor && { next_page: cursor }) } });
    expect(page.code).toBe("00000");
    pages.push(page);
    cursor = page.body.next_page;
  } while (cursor !== null && pages.length < PAGES_MAX);
  return pages;
}

const transactionsOf = (pages: readonly Reply[]): readonly Transaction[] =>
  pages.flatMap(({ body }) => body.trans_list);

describe("a bank's data", () => {
  it("is the same, byte for byte, on every run with the same seed, and other data with another", async () => {
    const bytes = async (seed: number) => {
      const caller = await startCaller([bank()], { seed });
      const { access: token } = await caller.consent("bank-01");
      const accounts = await caller.call("bank-01", ACCOUNTS, { token });
      const body = { account_num: accounts.body.account_list[0].account_num, ...year };
      const transactions = await caller.call("bank-01", TRANSACTIONS, { token, body });
      return [token, accounts.text, transactions.text];
    };
    const first = await bytes(7);
    expect(await bytes(7)).toEqual(first);
    const other = await bytes(8);
    for (const index of [0, 1, 2]) expect(other[index]).not.toBe(first[index]);
  });

  it("has a year of transactions in order of time, whose balances add up over the ends of months", async () => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    const body = { account_num: await caller.firstAccount("bank-01", token), ...year };
    const all = transactionsOf(await pagesOf(caller, TRANSACTIONS, token, body));
    expect(all.length).toBeGreaterThan(150);
    expect(new Set(all.map(({ trans_no }) => trans_no)).size).toBe(all.length);
    for (const [index, transaction] of all.entries()) {
      expect(Number(transaction.trans_amt)).toBeGreaterThan(0);
      if (index === 0) continue;
      expect(transaction.trans_dtime >= all[index - 1]!.trans_dtime).toBe(true);
      expect(Number(transaction.balance_amt)).toBe(Number(all[index - 1]!.balance_amt) + signed(transaction));
    }
    const memos = all.map(({ trans_memo }) => trans_memo);
    for (const word of ["SALARY", "RENT", "TELECOM", "SUBSCRIPTION"]) {
      const amounts = all.filter(({ trans_memo }) => trans_memo.includes(word)).map(({ trans_amt }) => trans_amt);
      expect([word, amounts.length, new Set(amounts).size]).toEqual([word, 12, 1]);
    }
    expect(memos.some((memo) => /MART|COFFEE|RESTAURANT/.test(memo))).toBe(true);
  });

  it("has a balance that is the one behind the last transaction", async () => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    const account_num = await caller.firstAccount("bank-01", token);
    for (let day = 0; day < 40; day++) {
      caller.clock.advance(DAY_MS);
      const body = { account_num, from_date: "20251201", to_date: "20260331" };
      const last = transactionsOf(await pagesOf(caller, TRANSACTIONS, token, body)).at(-1)!;
      const { body: detail } = await caller.call("bank-01", `${ACCOUNTS}/deposit/detail`, {
        token,
        body: { account_num },
      });
      expect(detail.detail_list[0].balance_amt).toBe(last.balance_amt);
      expect(detail.search_timestamp).toBe(last.trans_dtime);
    }
  });

  it("grows with the clock, never changes what was there, and says UP_TO_DATE in between", async () => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    const body = {
      account_num: await caller.firstAccount("bank-01", token),
      from_date: "20260101",
      to_date: "20260331",
    };
    const ask = (search_timestamp: string) =>
      caller.call("bank-01", TRANSACTIONS, { token, body: { ...body, search_timestamp } });
    let { body: known } = await ask("0");
    let [unchanged, grown] = [0, 0];
    for (let hours = 0; hours < 14 * 24; hours += 6) {
      caller.clock.advance(6 * HOUR_MS);
      const { body: seen, code } = await ask(known.search_timestamp);
      expect(code).toBe("00000");
      if (seen.rsp_msg === "UP_TO_DATE") {
        unchanged++;
        expect(Object.keys(seen).toSorted()).toEqual(["rsp_code", "rsp_msg", "search_timestamp"]);
        expect(seen.search_timestamp).toBe(known.search_timestamp);
        expect((await ask("0")).body.trans_list).toEqual(known.trans_list);
      } else {
        grown++;
        expect(seen.trans_list.length).toBeGreaterThan(known.trans_list.length);
        expect(seen.trans_list.slice(0, known.trans_list.length)).toEqual(known.trans_list);
        known = seen;
      }
    }
    expect(unchanged).toBeGreaterThan(5);
    expect(grown).toBeGreaterThan(5);
  });

  it("shows a transaction in the second in which it happens", async () => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    const body = {
      account_num: await caller.firstAccount("bank-01", token),
      from_date: "20260101",
      to_date: "20260228",
    };
    const list = async () => transactionsOf(await pagesOf(caller, TRANSACTIONS, token, body));
    const before = await list();
    caller.clock.advance(30 * DAY_MS);
    const next = (await list())[before.length]!;
    const [, y, mo, d, h, mi, s] = /^(....)(..)(..)(..)(..)(..)$/.exec(next.trans_dtime)!;
    const atMs = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}+09:00`);
    expect(atMs).toBeGreaterThan(START_MS);
    const again = await startCaller();
    const late = await again.consent("bank-01");
    const seenAt = async (timeMs: number) => {
      again.clock.advanceTo(timeMs);
      return transactionsOf(await pagesOf(again, TRANSACTIONS, late.access, body)).length;
    };
    expect(await seenAt(atMs - 1)).toBe(before.length);
    expect(await seenAt(atMs)).toBe(before.length + 1);
  });

  it("comes in pages that are all items once, whatever the limit", async () => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    const query = {
      account_num: await caller.firstAccount("bank-01", token),
      from_date: "20251101",
      to_date: "20260131",
    };
    const whole = transactionsOf(await pagesOf(caller, TRANSACTIONS, token, query));
    expect(whole.length).toBeGreaterThan(40);
    const size = () => fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom(whole.length, 500));
    await fc.assert(
      fc.asyncProperty(size(), size(), async (limit, pageItemsMax) => {
        caller.configure("bank-01", { pageItemsMax });
        const pages = await pagesOf(caller, TRANSACTIONS, token, { ...query, limit });
        expect(transactionsOf(pages)).toEqual(whole);
        for (const { body } of pages) {
          expect(body.trans_cnt).toBe(body.trans_list.length);
          expect(body.trans_cnt).toBeLessThanOrEqual(Math.min(limit, pageItemsMax));
        }
      }),
      { numRuns: 30 },
    );
  });

  it("keeps cursors good while new items appear, and refuses them for another query", async () => {
    const caller = await startCaller();
    const { access: token } = await caller.consent("bank-01");
    const body = {
      account_num: await caller.firstAccount("bank-01", token),
      from_date: "20260101",
      to_date: "20260131",
    };
    const first = await caller.call("bank-01", TRANSACTIONS, { token, body: { ...body, limit: 3 } });
    caller.clock.advance(10 * DAY_MS);
    const rest = await pagesOf(caller, TRANSACTIONS, token, { ...body, next_page: first.body.next_page });
    const whole = await pagesOf(caller, TRANSACTIONS, token, body);
    expect(transactionsOf([first, ...rest])).toEqual(transactionsOf(whole));
    const foreign = { ...body, to_date: "20260130", next_page: first.body.next_page };
    expect((await caller.call("bank-01", TRANSACTIONS, { token, body: foreign })).code).toBe("40003");
  });

  it("lists accounts that are opened later when they are", async () => {
    const caller = await startCaller();
    caller.clock.advanceTo(Date.UTC(2028, 0, 1));
    const customers = Array.from({ length: 40 }, (_, index) => `customer-${index}`);
    const late: string[] = [];
    for (const customer of customers) {
      const { access: token } = await caller.consent("bank-01", customer);
      const { body } = await caller.call("bank-01", ACCOUNTS, { token });
      for (const account of body.account_list) if (account.issue_date > "20260201") late.push(customer);
    }
    expect(late.length).toBeGreaterThan(0);
    const early = await startCaller();
    const { access: token } = await early.consent("bank-01", late[0]!);
    const { body } = await early.call("bank-01", ACCOUNTS, { token });
    for (const account of body.account_list) expect(account.issue_date <= "20260114").toBe(true);
  });
});

describe("a card company's data", () => {
  it("has approvals by card, and bills that are their sums by month", async () => {
    const caller = await startCaller([{ id: "card-01", industry: "card" }]);
    const { access: token } = await caller.consent("card-01");
    const get = async (path: string) => {
      const { code, body } = await caller.call("card-01", path, { token });
      expect(code).toBe("00000");
      return body;
    };
    const { card_list: cards, card_cnt } = await get("/v1/card/cards");
    expect(card_cnt).toBe(cards.length);
    let sum = 0;
    for (const { card_id } of cards) {
      const { approved_list } = await get(
        `/v1/card/cards/${card_id}/approval-domestic?from_date=20251101&to_date=20251130`,
      );
      expect(approved_list.length).toBeGreaterThan(0);
      for (const approval of approved_list) {
        expect(approval.approved_dtime.slice(0, 6)).toBe("202511");
        sum += Number(approval.approved_amt);
      }
    }
    const { bill_list } = await get("/v1/card/bills?from_month=202512&to_month=202602");
    expect(bill_list.map(({ seqno }: { seqno: string }) => seqno)).toEqual(["202512", "202601"]);
    expect(bill_list[0].charge_amt).toBe(String(sum));
    const { pay_list } = await get("/v1/card/payments");
    expect(pay_list).toEqual([
      { seqno: "202601", pay_due_date: "20260125", currency_code: "KRW", pay_amt: bill_list[1].charge_amt },
    ]);
    caller.clock.advanceTo(Date.parse("2026-01-25T00:00:00+09:00"));
    expect((await get("/v1/card/payments")).pay_list).toEqual([]);
    const billsSeen = async () => (await get("/v1/card/bills?from_month=202512&to_month=202602")).bill_cnt;
    caller.clock.advanceTo(Date.parse("2026-02-13T23:59:59+09:00"));
    expect(await billsSeen()).toBe(2);
    caller.clock.advanceTo(Date.parse("2026-02-14T00:00:00+09:00"));
    expect(await billsSeen()).toBe(3);
    const unknown = "/v1/card/cards/c1/approval-domestic?from_date=20251101&to_date=20251130";
    expect((await caller.call("card-01", unknown, { token })).code).toBe("40402");
    const tooLong = "/v1/card/bills?from_month=202401&to_month=202512";
    expect((await caller.call("card-01", tooLong, { token })).code).toBe("40004");
  });

  it("says UP_TO_DATE of bills and payments until one is issued or paid", async () => {
    const caller = await startCaller([{ id: "card-01", industry: "card" }]);
    const { access: token } = await caller.consent("card-01");
    const asked = async (path: string, stamp: string) =>
      (await caller.call("card-01", `${path}search_timestamp=${stamp}`, { token })).body;
    const [bills, payments] = ["/v1/card/bills?from_month=202512&to_month=202602&", "/v1/card/payments?"];
    const stamps = [(await asked(bills, "0")).search_timestamp, (await asked(payments, "0")).search_timestamp];
    const messages = async () => [(await asked(bills, stamps[0])).rsp_msg, (await asked(payments, stamps[1])).rsp_msg];
    expect(await messages()).toEqual(["UP_TO_DATE", "UP_TO_DATE"]);
    caller.clock.advanceTo(Date.parse("2026-01-25T00:00:00+09:00"));
    expect(await messages()).toEqual(["UP_TO_DATE", "SUCCESS"]);
    caller.clock.advanceTo(Date.parse("2026-02-14T00:00:00+09:00"));
    expect(await messages()).toEqual(["SUCCESS", "SUCCESS"]);
  });
});

describe("an insurer's data", () => {
  it("has policies, and a premium a month", async () => {
    const caller = await startCaller([{ id: "insu-01", industry: "insu" }]);
    const { access: token } = await caller.consent("insu-01");
    const { body: list } = await caller.call("insu-01", "/v1/insu/insurances", { token });
    const { insu_num } = list.insu_list[0];
    const { body: basic } = await caller.call("insu-01", "/v1/insu/insurances/basic", { token, body: { insu_num } });
    const { body: paid } = await caller.call("insu-01", "/v1/insu/insurances/transactions", {
      token,
      body: { insu_num, ...year },
    });
    expect(paid.trans_cnt).toBe(12);
    for (const { paid_amt } of paid.trans_list) expect(paid_amt).toBe(basic.basic_list[0].pay_amt);
    const empty = { insu_num, from_date: january.from_date, to_date: january.from_date };
    const { code } = await caller.call("insu-01", "/v1/insu/insurances/transactions", { token, body: empty });
    expect(code).toBe("00000");
  });
});
