import type { IndustryData, Listing, Query } from "../resource.ts";
import { dateOf, stampOf } from "../seoul-time.ts";

/** An account as the bank's paths show it, wherever its movements come from. */
export interface BankAccount {
  readonly id: string;
  readonly issuedMs: number;
  readonly isSavings: boolean;
  readonly currency: string;
  /** In [from, to), in order. */
  transactionsBetween(fromMs: number, toMs: number): readonly BankTransaction[];
  balanceAt(timeMs: number): { readonly amount: string; readonly sinceMs: number };
}

export interface BankTransaction {
  readonly number: string;
  readonly atMs: number;
  readonly type: "DEPOSIT" | "WITHDRAWAL";
  readonly amount: string;
  readonly balance: string;
  readonly memo: string;
}

export type AccountsOf = (customer: string, nowMs: number) => readonly BankAccount[];

/** The resources of a bank over its accounts. */
export function bankData(accountsOf: AccountsOf): IndustryData {
  const find = ({ customer, assetId, nowMs }: Query) => accountsOf(customer, nowMs).find(({ id }) => id === assetId)!;
  const deposit = { method: "POST", assetParameter: "account_num" } as const;
  return {
    hasAsset: (customer, assetId, nowMs) => accountsOf(customer, nowMs).some(({ id }) => id === assetId),
    resources: [
      { method: "GET", path: "/accounts", name: "account", read: (query) => list(accountsOf, query) },
      { ...deposit, path: "/accounts/deposit/basic", name: "basic", read: (query) => basic(find(query)) },
      { ...deposit, path: "/accounts/deposit/detail", name: "detail", read: (query) => detail(find(query), query) },
      {
        ...deposit,
        path: "/accounts/deposit/transactions",
        name: "trans",
        range: "dates",
        read: (query) => transactions(find(query), query),
      },
    ],
  };
}

function list(accountsOf: AccountsOf, { customer, nowMs, isCovered, isClosed }: Query): Listing {
  const accounts = accountsOf(customer, nowMs).toSorted((a, b) => a.issuedMs - b.issuedMs);
  return {
    changedMs: accounts.at(-1)?.issuedMs ?? 0,
    items: accounts.map(({ id, issuedMs, isSavings }) => ({
      account_num: id,
      seqno: "1",
      is_consent: isCovered(id),
      prod_name: isSavings ? "Savings account" : "Everyday account",
      account_type: isSavings ? "1002" : "1001",
      account_status: isClosed(id) ? "03" : "01",
      issue_date: dateOf(issuedMs),
    })),
  };
}

const basic = ({ issuedMs, isSavings, currency }: BankAccount): Listing => ({
  changedMs: issuedMs,
  items: [
    {
      currency_code: currency,
      saving_method: isSavings ? "01" : "00",
      issue_date: dateOf(issuedMs),
      offered_rate: isSavings ? "2.75" : "0.10",
    },
  ],
});

function detail(account: BankAccount, { nowMs }: Query): Listing {
  const { amount, sinceMs } = account.balanceAt(nowMs);
  return {
    changedMs: sinceMs,
    items: [{ currency_code: account.currency, balance_amt: amount, withdrawable_amt: amount }],
  };
}

function transactions(account: BankAccount, { fromMs, toMs }: Query): Listing {
  const found = account.transactionsBetween(fromMs, toMs);
  return {
    changedMs: found.at(-1)?.atMs ?? account.issuedMs,
    items: found.map(({ number, atMs, type, amount, balance, memo }) => ({
      trans_no: number,
      trans_dtime: stampOf(atMs),
      trans_type: type,
      currency_code: account.currency,
      trans_amt: amount,
      balance_amt: balance,
      trans_memo: memo,
    })),
  };
}
