// Generated from mydata/erasure-memory.avsc by "mulgil types". Do not edit.

/** What a step remembers of a customer's erasures: times, and no data. It has two clocks: that of requests, and that of clicks and consents. */
export interface ErasureMemory {
  /** All that was requested up to then is forgotten. */
  readonly customerAt: number | null;
  /** When leaving was clicked: earlier clicks and consents count no more. */
  readonly clickedAt: number;
  readonly institutions: readonly InstitutionErasure[];
}

export interface InstitutionErasure {
  readonly institution: string;
  readonly erasedAt: number;
  readonly clickedAt: number;
}

export const erasureMemory: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: ErasureMemory;
} = {
  avro: {
    type: "record",
    name: "ErasureMemory",
    namespace: "mydata",
    doc: "What a step remembers of a customer's erasures: times, and no data. It has two clocks: that of requests, and that of clicks and consents.",
    fields: [
      {
        name: "customerAt",
        type: ["null", { type: "long", logicalType: "timestamp-millis" }],
        default: null,
        doc: "All that was requested up to then is forgotten.",
      },
      {
        name: "clickedAt",
        type: { type: "long", logicalType: "timestamp-millis" },
        default: 0,
        doc: "When leaving was clicked: earlier clicks and consents count no more.",
      },
      {
        name: "institutions",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "InstitutionErasure",
            fields: [
              { name: "institution", type: "string" },
              { name: "erasedAt", type: { type: "long", logicalType: "timestamp-millis" } },
              { name: "clickedAt", type: { type: "long", logicalType: "timestamp-millis" } },
            ],
          },
        },
      },
    ],
  },
};
