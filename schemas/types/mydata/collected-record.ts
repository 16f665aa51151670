// Generated from mydata/collected-record.avsc by "mulgil types". Do not edit.
import type { Decimal } from "mulgil";

/** One thing that an institution said, in the form that all institutions share: exactly one of asset, transaction and fact is there. */
export interface CollectedRecord {
  readonly customerId: string;
  readonly institution: string;
  readonly resource: string;
  readonly requestId: string;
  /** Of the request: the version of what is said. */
  readonly requestedAt: number;
  readonly collectedAt: number;
  readonly asset: Asset | null;
  readonly transaction: Transaction | null;
  readonly fact: Fact | null;
}

export interface Asset {
  readonly assetId: string;
  readonly kind: AssetKind;
  readonly name: string;
  readonly active: boolean;
  /** False: listed, and not to be asked about. */
  readonly consented: boolean;
  readonly openedOn: string | null;
  /** As of collectedAt; null where it was not asked for. */
  readonly balance: Decimal | null;
  readonly currency: string;
}

export type AssetKind = "account" | "card" | "policy";

/** A movement of money, whatever kind of institution it comes from. */
export interface Transaction {
  /** Unique in the asset. */
  readonly transactionId: string;
  readonly assetId: string;
  readonly occurredAt: number;
  readonly direction: Direction;
  /** Never negative. */
  readonly amount: Decimal;
  readonly currency: string;
  /** As the institution writes it: payee, merchant. */
  readonly text: string;
  /** Null where the asset has no balance. */
  readonly balanceAfter: Decimal | null;
  /** It was taken back, and counts for nothing. */
  readonly cancelled: boolean;
}

export type Direction = "in" | "out";

/** Something lasting about the data that is no data: closed, unknown. */
export interface Fact {
  readonly assetId: string | null;
  /** The institution's rsp_code. */
  readonly code: string;
  readonly reason: string;
}

export const collectedRecord: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: CollectedRecord;
} = {
  avro: {
    type: "record",
    name: "CollectedRecord",
    namespace: "mydata",
    doc: "One thing that an institution said, in the form that all institutions share: exactly one of asset, transaction and fact is there.",
    topic: "mydata.collected-records",
    key: "customerId",
    partitions: 8,
    fields: [
      { name: "customerId", type: "string" },
      { name: "institution", type: "string" },
      { name: "resource", type: "string" },
      { name: "requestId", type: "string" },
      {
        name: "requestedAt",
        type: { type: "long", logicalType: "timestamp-millis" },
        doc: "Of the request: the version of what is said.",
      },
      { name: "collectedAt", type: { type: "long", logicalType: "timestamp-millis" } },
      {
        name: "asset",
        type: [
          "null",
          {
            type: "record",
            name: "Asset",
            fields: [
              { name: "assetId", type: "string" },
              { name: "kind", type: { type: "enum", name: "AssetKind", symbols: ["account", "card", "policy"] } },
              { name: "name", type: "string" },
              { name: "active", type: "boolean" },
              { name: "consented", type: "boolean", doc: "False: listed, and not to be asked about." },
              { name: "openedOn", type: ["null", { type: "int", logicalType: "date" }], default: null },
              {
                name: "balance",
                type: ["null", { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 }],
                default: null,
                doc: "As of collectedAt; null where it was not asked for.",
              },
              { name: "currency", type: "string", default: "KRW" },
            ],
          },
        ],
        default: null,
      },
      {
        name: "transaction",
        type: [
          "null",
          {
            type: "record",
            name: "Transaction",
            doc: "A movement of money, whatever kind of institution it comes from.",
            fields: [
              { name: "transactionId", type: "string", doc: "Unique in the asset." },
              { name: "assetId", type: "string" },
              { name: "occurredAt", type: { type: "long", logicalType: "timestamp-millis" } },
              { name: "direction", type: { type: "enum", name: "Direction", symbols: ["in", "out"] } },
              {
                name: "amount",
                type: { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 },
                doc: "Never negative.",
              },
              { name: "currency", type: "string" },
              { name: "text", type: "string", pii: "mask", doc: "As the institution writes it: payee, merchant." },
              {
                name: "balanceAfter",
                type: ["null", { type: "bytes", logicalType: "decimal", precision: 18, scale: 2 }],
                default: null,
                doc: "Null where the asset has no balance.",
              },
              { name: "cancelled", type: "boolean", default: false, doc: "It was taken back, and counts for nothing." },
            ],
          },
        ],
        default: null,
      },
      {
        name: "fact",
        type: [
          "null",
          {
            type: "record",
            name: "Fact",
            doc: "Something lasting about the data that is no data: closed, unknown.",
            fields: [
              { name: "assetId", type: ["null", "string"], default: null },
              { name: "code", type: "string", doc: "The institution's rsp_code." },
              { name: "reason", type: "string" },
            ],
          },
        ],
        default: null,
      },
    ],
  },
};

export const collectedRecords = {
  name: "mydata.collected-records",
  value: collectedRecord,
  key: "customerId",
  partitions: 8,
} as const;
