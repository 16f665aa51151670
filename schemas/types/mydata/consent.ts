// Generated from mydata/consent.avsc by "mulgil types". Do not edit.

/** What a customer has consented to, as of now: one record a customer, so that a tombstone forgets him. Compacted. */
export interface Consent {
  readonly customerId: string;
  readonly grants: readonly Grant[];
  readonly changedAt: number;
}

/** Consent to one institution. */
export interface Grant {
  readonly institution: string;
  /** Of this institution, as resources.ts calls them: accounts, transactions, … */
  readonly resources: readonly string[];
  /** What the institution gives the first tokens for. */
  readonly authorizationCode: string;
  readonly grantedAt: number;
  readonly expiresAt: number;
}

export const consent: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: Consent;
} = {
  avro: {
    type: "record",
    name: "Consent",
    namespace: "mydata",
    doc: "What a customer has consented to, as of now: one record a customer, so that a tombstone forgets him. Compacted.",
    topic: "mydata.consents",
    key: "customerId",
    partitions: 8,
    fields: [
      { name: "customerId", type: "string" },
      {
        name: "grants",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "Grant",
            doc: "Consent to one institution.",
            fields: [
              { name: "institution", type: "string" },
              {
                name: "resources",
                type: { type: "array", items: "string" },
                doc: "Of this institution, as resources.ts calls them: accounts, transactions, …",
              },
              {
                name: "authorizationCode",
                type: "string",
                pii: "drop",
                doc: "What the institution gives the first tokens for.",
              },
              { name: "grantedAt", type: { type: "long", logicalType: "timestamp-millis" } },
              { name: "expiresAt", type: { type: "long", logicalType: "timestamp-millis" } },
            ],
          },
        },
      },
      { name: "changedAt", type: { type: "long", logicalType: "timestamp-millis" } },
    ],
  },
};

export const consents = {
  name: "mydata.consents",
  value: consent,
  key: "customerId",
  partitions: 8,
} as const;
