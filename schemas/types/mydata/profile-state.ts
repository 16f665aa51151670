// Generated from mydata/profile-state.avsc by "mulgil types". Do not edit.

/** What a customer's profile is made of. */
export interface ProfileState {
  readonly grants: readonly ProfiledGrant[];
  readonly consentChangedAt: number;
  readonly refusals: readonly ProfiledRefusal[];
  readonly items: readonly ProfiledItem[];
}

export interface ProfiledGrant {
  readonly institution: string;
  readonly grantedAt: number;
  readonly expiresAt: number;
}

export interface ProfiledRefusal {
  readonly institution: string;
  readonly requestedAt: number;
}

export interface ProfiledItem {
  readonly institution: string;
  readonly resource: string;
  readonly assetId: string | null;
  /** Of the newest request that was heard of. */
  readonly lastRequestedAt: number;
  /** Requests that have not ended. */
  readonly open: readonly OpenRequest[];
  /** Requests whose end was seen before they were: topics are read side by side. */
  readonly ended: readonly OpenRequest[];
  /** Times are those of the requests. */
  readonly succeededAt: number | null;
  readonly completeSince: number | null;
  readonly failedAt: number | null;
  readonly failure: string | null;
}

export interface OpenRequest {
  readonly requestId: string;
  readonly requestedAt: number;
}

export const profileState: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: ProfileState;
} = {
  avro: {
    type: "record",
    name: "ProfileState",
    namespace: "mydata",
    doc: "What a customer's profile is made of.",
    fields: [
      {
        name: "grants",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "ProfiledGrant",
            fields: [
              { name: "institution", type: "string" },
              { name: "grantedAt", type: { type: "long", logicalType: "timestamp-millis" } },
              { name: "expiresAt", type: { type: "long", logicalType: "timestamp-millis" } },
            ],
          },
        },
      },
      { name: "consentChangedAt", type: { type: "long", logicalType: "timestamp-millis" } },
      {
        name: "refusals",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "ProfiledRefusal",
            fields: [
              { name: "institution", type: "string" },
              { name: "requestedAt", type: { type: "long", logicalType: "timestamp-millis" } },
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
            name: "ProfiledItem",
            fields: [
              { name: "institution", type: "string" },
              { name: "resource", type: "string" },
              { name: "assetId", type: ["null", "string"], default: null },
              {
                name: "lastRequestedAt",
                type: { type: "long", logicalType: "timestamp-millis" },
                doc: "Of the newest request that was heard of.",
              },
              {
                name: "open",
                type: {
                  type: "array",
                  items: {
                    type: "record",
                    name: "OpenRequest",
                    fields: [
                      { name: "requestId", type: "string" },
                      { name: "requestedAt", type: { type: "long", logicalType: "timestamp-millis" } },
                    ],
                  },
                },
                doc: "Requests that have not ended.",
              },
              {
                name: "ended",
                type: { type: "array", items: "OpenRequest" },
                doc: "Requests whose end was seen before they were: topics are read side by side.",
              },
              {
                name: "succeededAt",
                type: ["null", { type: "long", logicalType: "timestamp-millis" }],
                default: null,
                doc: "Times are those of the requests.",
              },
              {
                name: "completeSince",
                type: ["null", { type: "long", logicalType: "timestamp-millis" }],
                default: null,
              },
              { name: "failedAt", type: ["null", { type: "long", logicalType: "timestamp-millis" }], default: null },
              { name: "failure", type: ["null", "string"], default: null },
            ],
          },
        },
      },
    ],
  },
};
