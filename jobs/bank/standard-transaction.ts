import { Decimal, TerminalError } from "mulgil";
import type { RawTransaction } from "../../schemas/types/bank/raw-transaction.ts";
import type { Transaction } from "../../schemas/types/bank/transaction.ts";

const TYPES: Readonly<Record<string, Transaction["type"]>> = {
  PRIJEM: "CREDIT",
  VYDAJ: "DEBIT",
  // The bank writes some cash withdrawals as a type of their own: money that leaves the account all the same.
  VYBER: "DEBIT",
};

const OPERATIONS: Readonly<Record<string, NonNullable<Transaction["operation"]>>> = {
  VKLAD: "CASH_DEPOSIT",
  VYBER: "CASH_WITHDRAWAL",
  "VYBER KARTOU": "CARD_WITHDRAWAL",
  "PREVOD Z UCTU": "TRANSFER_FROM_BANK",
  "PREVOD NA UCET": "TRANSFER_TO_BANK",
};

const CATEGORIES: Readonly<Record<string, NonNullable<Transaction["category"]>>> = {
  SIPO: "HOUSEHOLD",
  SLUZBY: "STATEMENT_FEE",
  UROK: "INTEREST",
  "SANKC. UROK": "PENALTY_INTEREST",
  DUCHOD: "PENSION",
  POJISTNE: "INSURANCE",
  UVER: "LOAN_PAYMENT",
};

const REQUIRED = ["trans_id", "account_id", "date", "type", "amount", "balance"] as const;

/** The digits in front of the point that a decimal(12, 2) holds. */
const AMOUNT = /^-?\d{1,10}(?:\.\d{1,2})?$/;
const ID_MAX_DIGITS = 15;

/**
 * A row of the bank's file as a typed transaction.
 * @throws {TerminalError} with the code of the first rule that the row breaks: BANK_MISSING_COLUMN, BANK_INVALID_ID,
 * BANK_IMPOSSIBLE_DATE, BANK_UNKNOWN_TYPE, BANK_UNKNOWN_OPERATION, BANK_UNKNOWN_CATEGORY, BANK_INVALID_AMOUNT, BANK_NEGATIVE_AMOUNT
 */
export function standardTransaction(row: RawTransaction): Transaction {
  for (const column of REQUIRED) {
    if (row[column].trim() === "") throw broken("BANK_MISSING_COLUMN", `the column "${column}" is empty or missing`);
  }
  return {
    transactionId: identifier("trans_id", row.trans_id),
    accountId: identifier("account_id", row.account_id),
    date: calendarDate(row.date.trim()),
    type: known(TYPES, row.type.trim(), "BANK_UNKNOWN_TYPE", "type"),
    operation: optional(OPERATIONS, row.operation.trim(), "BANK_UNKNOWN_OPERATION", "operation"),
    amount: unsigned(decimal("amount", row.amount.trim())),
    balance: decimal("balance", row.balance.trim()),
    category: optional(CATEGORIES, row.k_symbol.trim(), "BANK_UNKNOWN_CATEGORY", "k_symbol"),
    counterpartyBank: present(row.bank),
    counterpartyAccount: present(row.account),
  };
}

/** No payload in the message: it stands in headers and logs, and the row itself is in the dead letter. */
function broken(code: string, message: string): TerminalError {
  return new TerminalError(message, { code });
}

function identifier(column: string, text: string): number {
  const digits = text.trim();
  if (!/^\d+$/.test(digits) || digits.length > ID_MAX_DIGITS) {
    throw broken("BANK_INVALID_ID", `the column "${column}" is no number of at most ${ID_MAX_DIGITS} digits`);
  }
  return Number(digits);
}

/** YYMMDD of the twentieth century, the only one the bank's files know. */
function calendarDate(text: string): string {
  const match = /^(\d\d)(\d\d)(\d\d)$/.exec(text);
  if (match !== null) {
    const date = `19${match[1]}-${match[2]}-${match[3]}`;
    const timeMs = Date.parse(`${date}T00:00:00Z`);
    // Some engines roll 31 February over to March; only a day that survives the way back exists.
    if (!Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(date)) return date;
  }
  throw broken("BANK_IMPOSSIBLE_DATE", 'the column "date" is no day of the calendar written YYMMDD');
}

function decimal(column: string, text: string): Decimal {
  if (!AMOUNT.test(text)) {
    throw broken("BANK_INVALID_AMOUNT", `the column "${column}" is no amount of at most ten digits and two decimals`);
  }
  return Decimal.of(text).withScale(2);
}

function unsigned(amount: Decimal): Decimal {
  if (amount.isNegative())
    throw broken("BANK_NEGATIVE_AMOUNT", 'the column "amount" is negative: the type says the direction');
  return amount;
}

function known<T>(words: Readonly<Record<string, T>>, word: string, code: string, column: string): T {
  const meaning = Object.hasOwn(words, word) ? words[word] : undefined;
  if (meaning === undefined) throw broken(code, `the column "${column}" holds a word that the bank does not use`);
  return meaning;
}

function optional<T>(words: Readonly<Record<string, T>>, word: string, code: string, column: string): T | null {
  return word === "" ? null : known(words, word, code, column);
}

/** The bank writes 0 where there is no counterparty. */
function present(text: string): string | null {
  const word = text.trim();
  return word === "" || word === "0" ? null : word;
}
