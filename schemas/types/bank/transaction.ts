// Generated from bank/transaction.avsc by "mulgil types". Do not edit.
import type { Decimal } from "mulgil";

/** A movement on an account, with types and in English. */
export interface Transaction {
  readonly transactionId: number;
  readonly accountId: number;
  /** The bank's calendar day, Europe/Prague. */
  readonly date: string;
  readonly type: TransactionType;
  /** Null where the bank itself booked, as for interest. */
  readonly operation: Operation | null;
  /** Never negative; the sign is in the type. */
  readonly amount: Decimal;
  /** After the transaction, as the bank rounded it. */
  readonly balance: Decimal;
  readonly category: Category | null;
  readonly counterpartyBank: string | null;
  readonly counterpartyAccount: string | null;
}

export type TransactionType = "CREDIT" | "DEBIT";

export type Operation =
  | "CASH_DEPOSIT"
  | "CASH_WITHDRAWAL"
  | "CARD_WITHDRAWAL"
  | "TRANSFER_FROM_BANK"
  | "TRANSFER_TO_BANK";

export type Category =
  | "HOUSEHOLD"
  | "STATEMENT_FEE"
  | "INTEREST"
  | "PENALTY_INTEREST"
  | "PENSION"
  | "INSURANCE"
  | "LOAN_PAYMENT";

export const transaction: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: Transaction;
} = {
  avro: {
    type: "record",
    name: "Transaction",
    namespace: "bank",
    doc: "A movement on an account, with types and in English.",
    topic: "bank.transactions",
    key: "accountId",
    eventTime: "date",
    partitions: 4,
    fields: [
      { name: "transactionId", type: "long" },
      { name: "accountId", type: "long" },
      { name: "date", type: { type: "int", logicalType: "date" }, doc: "The bank's calendar day, Europe/Prague." },
      { name: "type", type: { type: "enum", name: "TransactionType", symbols: ["CREDIT", "DEBIT"] } },
      {
        name: "operation",
        type: [
          "null",
          {
            type: "enum",
            name: "Operation",
            symbols: ["CASH_DEPOSIT", "CASH_WITHDRAWAL", "CARD_WITHDRAWAL", "TRANSFER_FROM_BANK", "TRANSFER_TO_BANK"],
          },
        ],
        default: null,
        doc: "Null where the bank itself booked, as for interest.",
      },
      {
        name: "amount",
        type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 },
        doc: "Never negative; the sign is in the type.",
      },
      {
        name: "balance",
        type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 },
        doc: "After the transaction, as the bank rounded it.",
      },
      {
        name: "category",
        type: [
          "null",
          {
            type: "enum",
            name: "Category",
            symbols: [
              "HOUSEHOLD",
              "STATEMENT_FEE",
              "INTEREST",
              "PENALTY_INTEREST",
              "PENSION",
              "INSURANCE",
              "LOAN_PAYMENT",
            ],
          },
        ],
        default: null,
      },
      { name: "counterpartyBank", type: ["null", "string"], default: null },
      { name: "counterpartyAccount", type: ["null", "string"], default: null, pii: "hash" },
    ],
  },
};

export const transactions = {
  name: "bank.transactions",
  value: transaction,
  key: "accountId",
  eventTime: "date",
  partitions: 4,
} as const;
