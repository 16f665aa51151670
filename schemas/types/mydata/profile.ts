// Generated from mydata/profile.avsc by "mulgil types". Do not edit.

/** How complete and how fresh a customer's data is, at a glance. Compacted. */
export interface Profile {
  readonly customerId: string;
  readonly changedAt: number;
  readonly institutions: readonly InstitutionProfile[];
  readonly completeInstitutions: number;
  readonly outstanding: number;
  /** No data of the customer is older; null while some has never been collected. */
  readonly freshAsOf: number | null;
}

export interface InstitutionProfile {
  readonly institution: string;
  readonly consent: ConsentStatus;
  readonly resources: readonly ResourceProfile[];
  /** All of its resources are. */
  readonly complete: boolean;
  readonly completeSince: number | null;
  /** The oldest of what was collected last. */
  readonly freshAsOf: number | null;
  readonly outstanding: number;
}

export type ConsentStatus = "granted" | "expired" | "unknown";

export interface ResourceProfile {
  readonly resource: string;
  readonly assetId: string | null;
  /** It has been collected at least once, and the last request has not failed. */
  readonly complete: boolean;
  readonly completeSince: number | null;
  /** Of the request that succeeded last. */
  readonly collectedAt: number | null;
  /** Of the newest request that has not ended. */
  readonly outstandingSince: number | null;
  /** Code and reason of the newest request, if it failed. */
  readonly lastFailure: string | null;
}

export const profile: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: Profile;
} = {
  avro: {
    type: "record",
    name: "Profile",
    namespace: "mydata",
    doc: "How complete and how fresh a customer's data is, at a glance. Compacted.",
    topic: "mydata.profiles",
    key: "customerId",
    partitions: 8,
    fields: [
      { name: "customerId", type: "string" },
      { name: "changedAt", type: { type: "long", logicalType: "timestamp-millis" } },
      {
        name: "institutions",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "InstitutionProfile",
            fields: [
              { name: "institution", type: "string" },
              {
                name: "consent",
                type: { type: "enum", name: "ConsentStatus", symbols: ["granted", "expired", "unknown"] },
              },
              {
                name: "resources",
                type: {
                  type: "array",
                  items: {
                    type: "record",
                    name: "ResourceProfile",
                    fields: [
                      { name: "resource", type: "string" },
                      { name: "assetId", type: ["null", "string"], default: null },
                      {
                        name: "complete",
                        type: "boolean",
                        doc: "It has been collected at least once, and the last request has not failed.",
                      },
                      {
                        name: "completeSince",
                        type: ["null", { type: "long", logicalType: "timestamp-millis" }],
                        default: null,
                      },
                      {
                        name: "collectedAt",
                        type: ["null", { type: "long", logicalType: "timestamp-millis" }],
                        default: null,
                        doc: "Of the request that succeeded last.",
                      },
                      {
                        name: "outstandingSince",
                        type: ["null", { type: "long", logicalType: "timestamp-millis" }],
                        default: null,
                        doc: "Of the newest request that has not ended.",
                      },
                      {
                        name: "lastFailure",
                        type: ["null", "string"],
                        default: null,
                        doc: "Code and reason of the newest request, if it failed.",
                      },
                    ],
                  },
                },
              },
              { name: "complete", type: "boolean", doc: "All of its resources are." },
              {
                name: "completeSince",
                type: ["null", { type: "long", logicalType: "timestamp-millis" }],
                default: null,
              },
              {
                name: "freshAsOf",
                type: ["null", { type: "long", logicalType: "timestamp-millis" }],
                default: null,
                doc: "The oldest of what was collected last.",
              },
              { name: "outstanding", type: "int" },
            ],
          },
        },
      },
      { name: "completeInstitutions", type: "int" },
      { name: "outstanding", type: "int" },
      {
        name: "freshAsOf",
        type: ["null", { type: "long", logicalType: "timestamp-millis" }],
        default: null,
        doc: "No data of the customer is older; null while some has never been collected.",
      },
    ],
  },
};

export const profiles = {
  name: "mydata.profiles",
  value: profile,
  key: "customerId",
  partitions: 8,
} as const;
