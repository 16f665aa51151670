// Generated from mydata/collection-request.avsc by "mulgil types". Do not edit.

/** What is asked of one institution for one customer: one resource, of one asset where it has assets. */
export interface CollectionRequest {
  readonly requestId: string;
  readonly customerId: string;
  /** erase: forget the customer's data of this institution. It goes the way of the requests, so that it cannot be overtaken. */
  readonly kind: RequestKind;
  readonly institution: string;
  /** Empty with erase. */
  readonly resource: string;
  /** Null for a list, and with erase. */
  readonly assetId: string | null;
  readonly apiType: ApiType;
  /** The page and action, or schedule, or the request that led to this one. */
  readonly why: string;
  readonly forced: boolean;
  /** Rises with every request and order of a customer: of two requests the one with the higher time decides what is current. */
  readonly requestedAt: number;
  /** Inclusive; null where the resource has no range. */
  readonly fromDate: string | null;
  /** Inclusive. */
  readonly toDate: string | null;
  /** What the institution called the state of the data when it was collected last; null: never. */
  readonly searchTimestamp: string | null;
  readonly authorizationCode: string;
  /** When the consent was granted under which it is asked: tokens belong to it. */
  readonly consentedAt: number;
}

export type RequestKind = "collect" | "erase";

export type ApiType = "scheduled" | "userConsent" | "userRefresh" | "userSearch";

export const collectionRequest: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: CollectionRequest;
} = {
  avro: {
    type: "record",
    name: "CollectionRequest",
    namespace: "mydata",
    doc: "What is asked of one institution for one customer: one resource, of one asset where it has assets.",
    topic: "mydata.collection-requests",
    key: "customerId",
    partitions: 8,
    fields: [
      { name: "requestId", type: "string" },
      { name: "customerId", type: "string" },
      {
        name: "kind",
        type: { type: "enum", name: "RequestKind", symbols: ["collect", "erase"] },
        doc: "erase: forget the customer's data of this institution. It goes the way of the requests, so that it cannot be overtaken.",
      },
      { name: "institution", type: "string" },
      { name: "resource", type: "string", doc: "Empty with erase." },
      { name: "assetId", type: ["null", "string"], default: null, doc: "Null for a list, and with erase." },
      {
        name: "apiType",
        type: { type: "enum", name: "ApiType", symbols: ["scheduled", "userConsent", "userRefresh", "userSearch"] },
      },
      { name: "why", type: "string", doc: "The page and action, or schedule, or the request that led to this one." },
      { name: "forced", type: "boolean" },
      {
        name: "requestedAt",
        type: { type: "long", logicalType: "timestamp-millis" },
        doc: "Rises with every request and order of a customer: of two requests the one with the higher time decides what is current.",
      },
      {
        name: "fromDate",
        type: ["null", { type: "int", logicalType: "date" }],
        default: null,
        doc: "Inclusive; null where the resource has no range.",
      },
      { name: "toDate", type: ["null", { type: "int", logicalType: "date" }], default: null, doc: "Inclusive." },
      {
        name: "searchTimestamp",
        type: ["null", "string"],
        default: null,
        doc: "What the institution called the state of the data when it was collected last; null: never.",
      },
      { name: "authorizationCode", type: "string", pii: "drop" },
      {
        name: "consentedAt",
        type: { type: "long", logicalType: "timestamp-millis" },
        doc: "When the consent was granted under which it is asked: tokens belong to it.",
      },
    ],
  },
};

export const collectionRequests = {
  name: "mydata.collection-requests",
  value: collectionRequest,
  key: "customerId",
  partitions: 8,
} as const;
