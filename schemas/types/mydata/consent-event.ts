// Generated from mydata/consent-event.avsc by "mulgil types". Do not edit.

/** An institution refuses a customer's data: consent is over, or never covered it. For whoever keeps consents, and the customer. */
export interface ConsentEvent {
  readonly customerId: string;
  readonly institution: string;
  readonly resource: string;
  readonly assetId: string | null;
  readonly code: string;
  readonly reason: string;
  /** Of the request that was refused: a consent that was granted later is not meant. */
  readonly requestedAt: number;
  readonly occurredAt: number;
}

export const consentEvent: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: ConsentEvent;
} = {
  avro: {
    type: "record",
    name: "ConsentEvent",
    namespace: "mydata",
    doc: "An institution refuses a customer's data: consent is over, or never covered it. For whoever keeps consents, and the customer.",
    topic: "mydata.consent-events",
    key: "customerId",
    partitions: 8,
    fields: [
      { name: "customerId", type: "string" },
      { name: "institution", type: "string" },
      { name: "resource", type: "string" },
      { name: "assetId", type: ["null", "string"], default: null },
      { name: "code", type: "string" },
      { name: "reason", type: "string" },
      {
        name: "requestedAt",
        type: { type: "long", logicalType: "timestamp-millis" },
        doc: "Of the request that was refused: a consent that was granted later is not meant.",
      },
      { name: "occurredAt", type: { type: "long", logicalType: "timestamp-millis" } },
    ],
  },
};

export const consentEvents = {
  name: "mydata.consent-events",
  value: consentEvent,
  key: "customerId",
  partitions: 8,
} as const;
