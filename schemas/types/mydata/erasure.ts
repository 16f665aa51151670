// Generated from mydata/erasure.avsc by "mulgil types". Do not edit.

/** The order to forget a customer, or his data of some institutions: all that was requested up to then. */
export interface Erasure {
  readonly orderId: string;
  readonly customerId: string;
  readonly scope: ErasureScope;
  /** With scope customer: those that were known. */
  readonly institutions: readonly string[];
  readonly reason: ErasureReason;
  /** When leaving or withdrawing was clicked: earlier clicks and consents count no more. */
  readonly clickedAt: number;
  /** The customer has consented anew since he clicked: his consents are not deleted. */
  readonly keepsConsent: boolean;
  /** On the scale of requestedAt. */
  readonly orderedAt: number;
}

export type ErasureScope = "customer" | "institutions";

export type ErasureReason = "left" | "withdrawn";

export const erasure: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: Erasure;
} = {
  avro: {
    type: "record",
    name: "Erasure",
    namespace: "mydata",
    doc: "The order to forget a customer, or his data of some institutions: all that was requested up to then.",
    topic: "mydata.erasures",
    key: "customerId",
    partitions: 8,
    fields: [
      { name: "orderId", type: "string" },
      { name: "customerId", type: "string" },
      { name: "scope", type: { type: "enum", name: "ErasureScope", symbols: ["customer", "institutions"] } },
      {
        name: "institutions",
        type: { type: "array", items: "string" },
        doc: "With scope customer: those that were known.",
      },
      { name: "reason", type: { type: "enum", name: "ErasureReason", symbols: ["left", "withdrawn"] } },
      {
        name: "clickedAt",
        type: { type: "long", logicalType: "timestamp-millis" },
        doc: "When leaving or withdrawing was clicked: earlier clicks and consents count no more.",
      },
      {
        name: "keepsConsent",
        type: "boolean",
        default: false,
        doc: "The customer has consented anew since he clicked: his consents are not deleted.",
      },
      {
        name: "orderedAt",
        type: { type: "long", logicalType: "timestamp-millis" },
        doc: "On the scale of requestedAt.",
      },
    ],
  },
};

export const erasures = {
  name: "mydata.erasures",
  value: erasure,
  key: "customerId",
  partitions: 8,
} as const;
