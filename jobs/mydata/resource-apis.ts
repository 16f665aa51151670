import { Decimal } from "mulgil";
import type { Asset, Transaction } from "../../schemas/types/mydata/collected-record.ts";
import type { CollectionRequest } from "../../schemas/types/mydata/collection-request.ts";
import { senseless } from "./failed-call.ts";
import type { Question } from "./institution-client.ts";
import { calendarDateOf, timeOf } from "./seoul-time.ts";

export type Item = Readonly<Record<string, unknown>>;

/** What one entry of a list says. */
export type Said = { readonly asset: Asset } | { readonly transaction: Transaction };

/** How one resource is asked for, and how its entries are read. */
export interface ResourceApi {
  readonly question: (request: CollectionRequest) => Question;
  /** The field of the entries, in front of "_list". */
  readonly list: string;
  /** @throws {FailedCall} if the entry makes no sense */
  readonly read: (item: Item, assetId: string) => Said;
}

const get = (path: string, parameters: Question["parameters"] = {}): Question => ({ method: "GET", path, parameters });
const post = (path: string, parameters: Question["parameters"]): Question => ({ method: "POST", path, parameters });

const daysOf = ({ fromDate, toDate }: CollectionRequest) => ({
  from_date: compact(fromDate),
  to_date: compact(toDate),
});
const compact = (date: string | null): string => (date ?? "").replaceAll("-", "");
const assetOf = ({ assetId }: CollectionRequest): string => assetId ?? "";

/** The wire format of the standard, by resource. */
export const resourceApis: Readonly<Record<string, ResourceApi>> = {
  accounts: {
    question: () => get("/v1/bank/accounts"),
    list: "account",
    read: (item) => ({
      asset: {
        ...{ assetId: text(item, "account_num"), kind: "account", name: text(item, "prod_name") },
        ...{ active: text(item, "account_status") === "01", ...commonOf(item) },
      },
    }),
  },
  balances: {
    question: (request) => post("/v1/bank/accounts/deposit/detail", { account_num: assetOf(request) }),
    list: "detail",
    read: (item, assetId) => ({
      asset: {
        ...{ assetId, kind: "account", name: "", active: true, consented: true, openedOn: null },
        ...{ balance: amount(item, "balance_amt"), currency: text(item, "currency_code") },
      },
    }),
  },
  transactions: {
    question: (request) =>
      post("/v1/bank/accounts/deposit/transactions", { account_num: assetOf(request), ...daysOf(request) }),
    list: "trans",
    read: (item, assetId) => ({
      transaction: {
        ...{ transactionId: text(item, "trans_no"), assetId, occurredAt: time(item, "trans_dtime") },
        ...{ direction: directionOf(text(item, "trans_type")), amount: unsigned(item, "trans_amt") },
        ...{ currency: text(item, "currency_code"), text: text(item, "trans_memo") },
        ...{ balanceAfter: amount(item, "balance_amt"), cancelled: false },
      },
    }),
  },
  cards: {
    question: () => get("/v1/card/cards"),
    list: "card",
    read: (item) => ({
      asset: {
        ...{ assetId: text(item, "card_id"), kind: "card", name: text(item, "card_name") },
        ...{ active: text(item, "card_status") === "01", ...commonOf(item) },
      },
    }),
  },
  approvals: {
    question: (request) =>
      get(`/v1/card/cards/${encodeURIComponent(assetOf(request))}/approval-domestic`, daysOf(request)),
    list: "approved",
    read: (item, assetId) => ({
      transaction: {
        ...{ transactionId: text(item, "approved_num"), assetId, occurredAt: time(item, "approved_dtime") },
        ...{ direction: "out", amount: unsigned(item, "approved_amt"), currency: text(item, "currency_code") },
        ...{ text: text(item, "merchant_name"), balanceAfter: null, cancelled: text(item, "status") !== "APPROVED" },
      },
    }),
  },
  policies: {
    question: () => get("/v1/insu/insurances"),
    list: "insu",
    read: (item) => ({
      asset: {
        ...{ assetId: text(item, "insu_num"), kind: "policy", name: text(item, "prod_name") },
        ...{ active: text(item, "insu_status") === "02", ...commonOf(item) },
      },
    }),
  },
  premiums: {
    question: (request) => post("/v1/insu/insurances/transactions", { insu_num: assetOf(request), ...daysOf(request) }),
    list: "trans",
    read: (item, assetId) => ({
      transaction: {
        ...{ transactionId: text(item, "trans_no"), assetId, occurredAt: time(item, "trans_dtime") },
        ...{ direction: "out", amount: unsigned(item, "paid_amt"), currency: text(item, "currency_code") },
        ...{ text: "INSURANCE PREMIUM", balanceAfter: null, cancelled: false },
      },
    }),
  },
};

const commonOf = (item: Item) => ({
  consented: item["is_consent"] === true,
  openedOn: calendarDateOf(text(item, "issue_date")) ?? null,
  balance: null,
  currency: "KRW",
});

function text(item: Item, field: string): string {
  const value = item[field];
  if (typeof value !== "string" || value === "") throw senseless(`an entry without "${field}"`);
  return value;
}

function time(item: Item, field: string): number {
  const timeMs = timeOf(text(item, field));
  if (timeMs === undefined) throw senseless(`an entry whose "${field}" is no time`);
  return timeMs;
}

function amount(item: Item, field: string): Decimal {
  const written = text(item, field);
  if (!/^-?\d{1,15}(?:\.\d{1,2})?$/.test(written)) throw senseless(`an entry whose "${field}" is no amount`);
  return Decimal.of(written).withScale(2);
}

function unsigned(item: Item, field: string): Decimal {
  const value = amount(item, field);
  if (value.isNegative()) throw senseless(`an entry whose "${field}" is negative`);
  return value;
}

function directionOf(type: string): Transaction["direction"] {
  if (type === "DEPOSIT") return "in";
  if (type === "WITHDRAWAL") return "out";
  throw senseless('an entry whose "trans_type" is neither DEPOSIT nor WITHDRAWAL');
}
