// Generated from mydata/asset-month.avsc by "mulgil types". Do not edit.
import type { Decimal } from "mulgil";

/** The transactions of one asset in one month, as they were collected last. */
export interface AssetMonth {
  readonly transactions: readonly KnownTransaction[];
}

export interface KnownTransaction {
  readonly transactionId: string;
  readonly requestedAt: number;
  readonly occurredAt: number;
  readonly direction: KnownDirection;
  readonly amount: Decimal;
  readonly balanceAfter: Decimal | null;
  readonly cancelled: boolean;
  readonly category: string;
  readonly payee: string;
}

export type KnownDirection = "in" | "out";

export const assetMonth: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: AssetMonth;
} = {
  avro: {
    type: "record",
    name: "AssetMonth",
    namespace: "mydata",
    doc: "The transactions of one asset in one month, as they were collected last.",
    fields: [
      {
        name: "transactions",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "KnownTransaction",
            fields: [
              { name: "transactionId", type: "string" },
              { name: "requestedAt", type: { type: "long", logicalType: "timestamp-millis" } },
              { name: "occurredAt", type: { type: "long", logicalType: "timestamp-millis" } },
              { name: "direction", type: { type: "enum", name: "KnownDirection", symbols: ["in", "out"] } },
              { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 } },
              {
                name: "balanceAfter",
                type: ["null", { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 }],
                default: null,
              },
              { name: "cancelled", type: "boolean" },
              { name: "category", type: "string" },
              { name: "payee", type: "string", pii: "mask" },
            ],
          },
        },
      },
    ],
  },
};
