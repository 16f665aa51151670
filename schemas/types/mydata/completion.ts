// Generated from mydata/completion.avsc by "mulgil types". Do not edit.

/** How a collection request ended. There is exactly one for every request that no erasure took away. */
export interface Completion {
  readonly requestId: string;
  readonly customerId: string;
  readonly institution: string;
  readonly resource: string;
  readonly assetId: string | null;
  readonly apiType: ApiType;
  readonly outcome: CompletionOutcome;
  /** The institution's rsp_code, or the code of the dead letter. */
  readonly code: string | null;
  readonly reason: string | null;
  readonly attempts: number;
  readonly requestedAt: number;
  readonly completedAt: number;
  readonly fromDate: string | null;
  readonly toDate: string | null;
  readonly searchTimestamp: string | null;
  /** How many records were collected. */
  readonly records: number;
  readonly pages: number;
  /** Of a list: the assets that may be asked about. */
  readonly assetIds: readonly string[];
}

export type ApiType = "scheduled" | "userConsent" | "userRefresh" | "userSearch";

export type CompletionOutcome = "succeeded" | "unchanged" | "superseded" | "failed";

export const completion: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: Completion;
} = {
  avro: {
    type: "record",
    name: "Completion",
    namespace: "mydata",
    doc: "How a collection request ended. There is exactly one for every request that no erasure took away.",
    topic: "mydata.completions",
    key: "customerId",
    partitions: 8,
    fields: [
      { name: "requestId", type: "string" },
      { name: "customerId", type: "string" },
      { name: "institution", type: "string" },
      { name: "resource", type: "string" },
      { name: "assetId", type: ["null", "string"], default: null },
      {
        name: "apiType",
        type: { type: "enum", name: "ApiType", symbols: ["scheduled", "userConsent", "userRefresh", "userSearch"] },
      },
      {
        name: "outcome",
        type: { type: "enum", name: "CompletionOutcome", symbols: ["succeeded", "unchanged", "superseded", "failed"] },
      },
      {
        name: "code",
        type: ["null", "string"],
        default: null,
        doc: "The institution's rsp_code, or the code of the dead letter.",
      },
      { name: "reason", type: ["null", "string"], default: null },
      { name: "attempts", type: "int" },
      { name: "requestedAt", type: { type: "long", logicalType: "timestamp-millis" } },
      { name: "completedAt", type: { type: "long", logicalType: "timestamp-millis" } },
      { name: "fromDate", type: ["null", { type: "int", logicalType: "date" }], default: null },
      { name: "toDate", type: ["null", { type: "int", logicalType: "date" }], default: null },
      { name: "searchTimestamp", type: ["null", "string"], default: null },
      { name: "records", type: "int", doc: "How many records were collected." },
      { name: "pages", type: "int" },
      {
        name: "assetIds",
        type: { type: "array", items: "string" },
        default: [],
        doc: "Of a list: the assets that may be asked about.",
      },
    ],
  },
};

export const completions = {
  name: "mydata.completions",
  value: completion,
  key: "customerId",
  partitions: 8,
} as const;
