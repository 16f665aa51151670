// Generated from mydata/ledger-index.avsc by "mulgil types". Do not edit.

/** Which asset months there are of a customer: maps cannot be enumerated, and all of it has to be found to be erased. */
export interface LedgerIndex {
  readonly assets: readonly IndexedAsset[];
  /** Whose summaries are not up to date. */
  readonly changedMonths: readonly string[];
}

export interface IndexedAsset {
  readonly institution: string;
  readonly assetId: string;
  readonly months: readonly string[];
}

export const ledgerIndex: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: LedgerIndex;
} = {
  avro: {
    type: "record",
    name: "LedgerIndex",
    namespace: "mydata",
    doc: "Which asset months there are of a customer: maps cannot be enumerated, and all of it has to be found to be erased.",
    fields: [
      {
        name: "assets",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "IndexedAsset",
            fields: [
              { name: "institution", type: "string" },
              { name: "assetId", type: "string" },
              { name: "months", type: { type: "array", items: "string" } },
            ],
          },
        },
      },
      { name: "changedMonths", type: { type: "array", items: "string" }, doc: "Whose summaries are not up to date." },
    ],
  },
};
