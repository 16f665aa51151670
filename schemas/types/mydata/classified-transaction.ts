// Generated from mydata/classified-transaction.avsc by "mulgil types". Do not edit.
import type { Decimal } from "mulgil";

/** A transaction with its category. */
export interface ClassifiedTransaction {
  readonly customerId: string;
  readonly institution: string;
  readonly assetId: string;
  readonly transactionId: string;
  /** Of the request that collected it: the version. */
  readonly requestedAt: number;
  readonly occurredAt: number;
  readonly direction: ClassifiedDirection;
  readonly amount: Decimal;
  readonly currency: string;
  readonly balanceAfter: Decimal | null;
  readonly cancelled: boolean;
  readonly category: string;
  /** The text without what changes from one payment to the next. */
  readonly payee: string;
}

export type ClassifiedDirection = "in" | "out";

export const classifiedTransaction: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: ClassifiedTransaction;
} = {
  avro: {
    type: "record",
    name: "ClassifiedTransaction",
    namespace: "mydata",
    doc: "A transaction with its category.",
    topic: "mydata.classified-transactions",
    key: "customerId",
    partitions: 8,
    fields: [
      { name: "customerId", type: "string" },
      { name: "institution", type: "string" },
      { name: "assetId", type: "string" },
      { name: "transactionId", type: "string" },
      {
        name: "requestedAt",
        type: { type: "long", logicalType: "timestamp-millis" },
        doc: "Of the request that collected it: the version.",
      },
      { name: "occurredAt", type: { type: "long", logicalType: "timestamp-millis" } },
      { name: "direction", type: { type: "enum", name: "ClassifiedDirection", symbols: ["in", "out"] } },
      { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 } },
      { name: "currency", type: "string" },
      {
        name: "balanceAfter",
        type: ["null", { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 }],
        default: null,
      },
      { name: "cancelled", type: "boolean" },
      { name: "category", type: "string" },
      {
        name: "payee",
        type: "string",
        pii: "mask",
        doc: "The text without what changes from one payment to the next.",
      },
    ],
  },
};

export const classifiedTransactions = {
  name: "mydata.classified-transactions",
  value: classifiedTransaction,
  key: "customerId",
  partitions: 8,
} as const;
