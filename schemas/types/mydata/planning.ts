// Generated from mydata/planning.avsc by "mulgil types". Do not edit.

/** What the planner knows of a customer. */
export interface Planning {
  readonly grants: readonly PlannedGrant[];
  readonly items: readonly PlannedItem[];
  /** The last ones, to know those that come twice. */
  readonly handledEvents: readonly string[];
  /** No request and no order of the customer has a later one. */
  readonly lastRequestedAt: number;
  readonly consentChangedAt: number;
}

export interface PlannedGrant {
  readonly institution: string;
  readonly resources: readonly string[];
  readonly authorizationCode: string;
  readonly grantedAt: number;
  readonly expiresAt: number;
  /** The institution says that consent is over: until it is granted anew. */
  readonly refused: boolean;
  readonly nextScheduledAt: number | null;
}

export interface PlannedItem {
  readonly institution: string;
  readonly resource: string;
  readonly assetId: string | null;
  /** Of the newest request that succeeded. */
  readonly requestedAt: number | null;
  readonly collectedAt: number | null;
  readonly coveredTo: string | null;
  readonly searchTimestamp: string | null;
  readonly outstanding: Outstanding | null;
}

export interface Outstanding {
  readonly requestId: string;
  readonly requestedAt: number;
}

export const planning: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: Planning;
} = {
  avro: {
    type: "record",
    name: "Planning",
    namespace: "mydata",
    doc: "What the planner knows of a customer.",
    fields: [
      {
        name: "grants",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "PlannedGrant",
            fields: [
              { name: "institution", type: "string" },
              { name: "resources", type: { type: "array", items: "string" } },
              { name: "authorizationCode", type: "string", pii: "drop" },
              { name: "grantedAt", type: { type: "long", logicalType: "timestamp-millis" } },
              { name: "expiresAt", type: { type: "long", logicalType: "timestamp-millis" } },
              {
                name: "refused",
                type: "boolean",
                doc: "The institution says that consent is over: until it is granted anew.",
              },
              {
                name: "nextScheduledAt",
                type: ["null", { type: "long", logicalType: "timestamp-millis" }],
                default: null,
              },
            ],
          },
        },
      },
      {
        name: "items",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "PlannedItem",
            fields: [
              { name: "institution", type: "string" },
              { name: "resource", type: "string" },
              { name: "assetId", type: ["null", "string"], default: null },
              {
                name: "requestedAt",
                type: ["null", { type: "long", logicalType: "timestamp-millis" }],
                default: null,
                doc: "Of the newest request that succeeded.",
              },
              { name: "collectedAt", type: ["null", { type: "long", logicalType: "timestamp-millis" }], default: null },
              { name: "coveredTo", type: ["null", { type: "int", logicalType: "date" }], default: null },
              { name: "searchTimestamp", type: ["null", "string"], default: null },
              {
                name: "outstanding",
                type: [
                  "null",
                  {
                    type: "record",
                    name: "Outstanding",
                    fields: [
                      { name: "requestId", type: "string" },
                      { name: "requestedAt", type: { type: "long", logicalType: "timestamp-millis" } },
                    ],
                  },
                ],
                default: null,
              },
            ],
          },
        },
      },
      {
        name: "handledEvents",
        type: { type: "array", items: "string" },
        doc: "The last ones, to know those that come twice.",
      },
      {
        name: "lastRequestedAt",
        type: { type: "long", logicalType: "timestamp-millis" },
        doc: "No request and no order of the customer has a later one.",
      },
      { name: "consentChangedAt", type: { type: "long", logicalType: "timestamp-millis" }, default: 0 },
    ],
  },
};
