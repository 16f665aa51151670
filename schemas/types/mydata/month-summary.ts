// Generated from mydata/month-summary.avsc by "mulgil types". Do not edit.
import type { Decimal } from "mulgil";

/** What one month comes to, over all assets: derived from its asset months. */
export interface MonthSummary {
  readonly income: Decimal;
  readonly spending: Decimal;
  readonly categories: readonly CategoryTotal[];
  /** Which amounts went to whom, each once. */
  readonly payments: readonly PayeeAmount[];
  /** The last balance of each asset in the month. */
  readonly closings: readonly AssetClosing[];
}

export interface CategoryTotal {
  readonly category: string;
  readonly payments: number;
  readonly spending: Decimal;
}

export interface PayeeAmount {
  readonly payee: string;
  readonly amount: Decimal;
}

export interface AssetClosing {
  readonly asset: string;
  readonly balance: Decimal;
}

export const monthSummary: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: MonthSummary;
} = {
  avro: {
    type: "record",
    name: "MonthSummary",
    namespace: "mydata",
    doc: "What one month comes to, over all assets: derived from its asset months.",
    fields: [
      { name: "income", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 } },
      { name: "spending", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 } },
      {
        name: "categories",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "CategoryTotal",
            fields: [
              { name: "category", type: "string" },
              { name: "payments", type: "int" },
              { name: "spending", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 } },
            ],
          },
        },
      },
      {
        name: "payments",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "PayeeAmount",
            fields: [
              { name: "payee", type: "string", pii: "mask" },
              { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 } },
            ],
          },
        },
        doc: "Which amounts went to whom, each once.",
      },
      {
        name: "closings",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "AssetClosing",
            fields: [
              { name: "asset", type: "string" },
              { name: "balance", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 } },
            ],
          },
        },
        doc: "The last balance of each asset in the month.",
      },
    ],
  },
};
