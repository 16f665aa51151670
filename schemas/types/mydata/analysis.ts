// Generated from mydata/analysis.avsc by "mulgil types". Do not edit.
import type { Decimal } from "mulgil";

/** What a customer's money does, over all institutions. Compacted. */
export interface Analysis {
  readonly customerId: string;
  readonly analysedAt: number;
  /** Those with transactions, the earliest first. */
  readonly months: readonly MonthSpending[];
  /** By payee, amount and month. */
  readonly recurring: readonly RecurringPayment[];
  readonly balances: readonly MonthBalance[];
}

export interface MonthSpending {
  /** Like 2026-01, in Asia/Seoul. */
  readonly month: string;
  readonly income: Decimal;
  readonly spending: Decimal;
  /** Those with payments, by name. */
  readonly categories: readonly CategorySpending[];
}

export interface CategorySpending {
  readonly category: string;
  readonly payments: number;
  readonly spending: Decimal;
}

/** The same amount to the same payee in months on end. */
export interface RecurringPayment {
  readonly payee: string;
  readonly amount: Decimal;
  readonly fromMonth: string;
  readonly toMonth: string;
  readonly months: number;
}

/** Of all accounts together at the end of a month. */
export interface MonthBalance {
  readonly month: string;
  readonly balance: Decimal;
}

export const analysis: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: Analysis;
} = {
  avro: {
    type: "record",
    name: "Analysis",
    namespace: "mydata",
    doc: "What a customer's money does, over all institutions. Compacted.",
    topic: "mydata.analyses",
    key: "customerId",
    partitions: 8,
    fields: [
      { name: "customerId", type: "string" },
      { name: "analysedAt", type: { type: "long", logicalType: "timestamp-millis" } },
      {
        name: "months",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "MonthSpending",
            fields: [
              { name: "month", type: "string", doc: "Like 2026-01, in Asia/Seoul." },
              { name: "income", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 } },
              { name: "spending", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 } },
              {
                name: "categories",
                type: {
                  type: "array",
                  items: {
                    type: "record",
                    name: "CategorySpending",
                    fields: [
                      { name: "category", type: "string" },
                      { name: "payments", type: "int" },
                      { name: "spending", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 } },
                    ],
                  },
                },
                doc: "Those with payments, by name.",
              },
            ],
          },
        },
        doc: "Those with transactions, the earliest first.",
      },
      {
        name: "recurring",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "RecurringPayment",
            doc: "The same amount to the same payee in months on end.",
            fields: [
              { name: "payee", type: "string", pii: "mask" },
              { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 } },
              { name: "fromMonth", type: "string" },
              { name: "toMonth", type: "string" },
              { name: "months", type: "int" },
            ],
          },
        },
        doc: "By payee, amount and month.",
      },
      {
        name: "balances",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "MonthBalance",
            doc: "Of all accounts together at the end of a month.",
            fields: [
              { name: "month", type: "string" },
              { name: "balance", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 } },
            ],
          },
        },
      },
    ],
  },
};

export const analyses = {
  name: "mydata.analyses",
  value: analysis,
  key: "customerId",
  partitions: 8,
} as const;
