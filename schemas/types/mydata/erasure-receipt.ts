// Generated from mydata/erasure-receipt.avsc by "mulgil types". Do not edit.

/** By when nothing of what was erased exists in any topic. */
export interface ErasureReceipt {
  readonly orderId: string;
  readonly customerId: string;
  readonly orderedAt: number;
  readonly topics: readonly TopicErasure[];
  /** The latest of them. */
  readonly goneBy: number;
}

export interface TopicErasure {
  readonly topic: string;
  readonly goneBy: number;
  /** Why by then. */
  readonly rule: string;
}

export const erasureReceipt: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: ErasureReceipt;
} = {
  avro: {
    type: "record",
    name: "ErasureReceipt",
    namespace: "mydata",
    doc: "By when nothing of what was erased exists in any topic.",
    topic: "mydata.erasure-receipts",
    key: "customerId",
    partitions: 8,
    fields: [
      { name: "orderId", type: "string" },
      { name: "customerId", type: "string" },
      { name: "orderedAt", type: { type: "long", logicalType: "timestamp-millis" } },
      {
        name: "topics",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "TopicErasure",
            fields: [
              { name: "topic", type: "string" },
              { name: "goneBy", type: { type: "long", logicalType: "timestamp-millis" } },
              { name: "rule", type: "string", doc: "Why by then." },
            ],
          },
        },
      },
      { name: "goneBy", type: { type: "long", logicalType: "timestamp-millis" }, doc: "The latest of them." },
    ],
  },
};

export const erasureReceipts = {
  name: "mydata.erasure-receipts",
  value: erasureReceipt,
  key: "customerId",
  partitions: 8,
} as const;
