// Generated from bank/account-month.avsc by "mulgil types". Do not edit.
import type { Decimal } from "mulgil";

/** What went in and out of an account in a calendar month of Europe/Prague, so far. */
export interface AccountMonth {
  readonly accountId: number;
  /** Like 1993-04. */
  readonly month: string;
  readonly credits: MonthTotal;
  readonly debits: MonthTotal;
}

export interface MonthTotal {
  readonly count: number;
  readonly total: Decimal;
}

export const accountMonth: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: AccountMonth;
} = {
  avro: {
    type: "record",
    name: "AccountMonth",
    namespace: "bank",
    doc: "What went in and out of an account in a calendar month of Europe/Prague, so far.",
    topic: "bank.account-months",
    key: "accountId",
    partitions: 4,
    fields: [
      { name: "accountId", type: "long" },
      { name: "month", type: "string", doc: "Like 1993-04." },
      {
        name: "credits",
        type: {
          type: "record",
          name: "MonthTotal",
          fields: [
            { name: "count", type: "long" },
            { name: "total", type: { type: "bytes", logicalType: "decimal", precision: 14, scale: 2 } },
          ],
        },
      },
      { name: "debits", type: "MonthTotal" },
    ],
  },
};

export const accountMonths = {
  name: "bank.account-months",
  value: accountMonth,
  key: "accountId",
  partitions: 4,
} as const;
