// Generated from bank/raw-transaction.avsc by "mulgil types". Do not edit.

/** A row of the bank's transaction file, as it is written there. A column that a row does not have is empty. */
export interface RawTransaction {
  readonly trans_id: string;
  /** The key: rows of one account stay in the order of the file. */
  readonly account_id: string;
  /** YYMMDD */
  readonly date: string;
  /** PRIJEM, VYDAJ or VYBER */
  readonly type: string;
  readonly operation: string;
  /** With two decimals; the sign is in the type. */
  readonly amount: string;
  /** After the transaction. */
  readonly balance: string;
  readonly k_symbol: string;
  readonly bank: string;
  readonly account: string;
}

export const rawTransaction: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: RawTransaction;
} = {
  avro: {
    type: "record",
    name: "RawTransaction",
    namespace: "bank",
    doc: "A row of the bank's transaction file, as it is written there. A column that a row does not have is empty.",
    topic: "bank.raw-transactions",
    key: "account_id",
    partitions: 4,
    fields: [
      { name: "trans_id", type: "string", default: "" },
      {
        name: "account_id",
        type: "string",
        default: "",
        doc: "The key: rows of one account stay in the order of the file.",
      },
      { name: "date", type: "string", default: "", doc: "YYMMDD" },
      { name: "type", type: "string", default: "", doc: "PRIJEM, VYDAJ or VYBER" },
      { name: "operation", type: "string", default: "" },
      { name: "amount", type: "string", default: "", doc: "With two decimals; the sign is in the type." },
      { name: "balance", type: "string", default: "", doc: "After the transaction." },
      { name: "k_symbol", type: "string", default: "" },
      { name: "bank", type: "string", default: "" },
      { name: "account", type: "string", default: "", pii: "hash" },
    ],
  },
};

export const rawTransactions = {
  name: "bank.raw-transactions",
  value: rawTransaction,
  key: "account_id",
  partitions: 4,
} as const;
