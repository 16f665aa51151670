// Generated from mydata/erasure-memory.avsc by "mulgil types". Do not edit.

/** What a step remembers of a customer's erasures: times, and no data. */
export interface ErasureMemory {
  /** Everything that was requested up to then is forgotten. */
  readonly customerAt: number | null;
  readonly institutions: readonly InstitutionErasure[];
  /** By the clock of user events: what was clicked before counts no more. */
  readonly leftAt: number;
}

export interface InstitutionErasure {
  readonly institution: string;
  readonly erasedAt: number;
}

export const erasureMemory: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: ErasureMemory;
} = {
  avro: {
    type: "record",
    name: "ErasureMemory",
    namespace: "mydata",
    doc: "What a step remembers of a customer's erasures: times, and no data.",
    fields: [
      {
        name: "customerAt",
        type: ["null", { type: "long", logicalType: "timestamp-millis" }],
        default: null,
        doc: "Everything that was requested up to then is forgotten.",
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
            ],
          },
        },
      },
      {
        name: "leftAt",
        type: { type: "long", logicalType: "timestamp-millis" },
        default: 0,
        doc: "By the clock of user events: what was clicked before counts no more.",
      },
    ],
  },
};
