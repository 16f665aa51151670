import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { BANK_COLUMNS, type BankRow } from "../../demo/generate-bank.ts";
import { hashOf } from "../random-of.ts";
import { dateOf, startOfDate } from "../seoul-time.ts";
import type { AccountsOf, BankAccount, BankTransaction } from "./bank.ts";

const NOON_MS = 12 * 3_600_000;
const YEAR_DIGITS = 4;

const CATEGORIES: Readonly<Record<string, string>> = {
  SIPO: "HOUSEHOLD",
  SLUZBY: "STATEMENT FEE",
  UROK: "INTEREST",
  "SANKC. UROK": "PENALTY INTEREST",
  DUCHOD: "PENSION",
  POJISTNE: "INSURANCE",
  UVER: "LOAN PAYMENT",
};

const OPERATIONS: Readonly<Record<string, string>> = {
  VKLAD: "CASH DEPOSIT",
  VYBER: "CASH WITHDRAWAL",
  "VYBER KARTOU": "CARD WITHDRAWAL",
  "PREVOD Z UCTU": "TRANSFER FROM BANK",
  "PREVOD NA UCET": "TRANSFER TO BANK",
};

/**
 * The accounts of a file of the Berka bank. Its last year is taken for the year of `nowMs`, so that what the file has behind today appears as time passes.
 * A customer whose id is the number of an account has that account; any other has one that follows from the id.
 */
export function berkaAccounts(file: string, nowMs: number): AccountsOf {
  const accounts = readAccounts(file, nowMs);
  const numbers = [...accounts.keys()];
  return (customer, now) => {
    const account = accounts.get(customer) ?? accounts.get(numbers[hashOf(customer) % numbers.length]!)!;
    return account.issuedMs <= now ? [account] : [];
  };
}

function readAccounts(file: string, nowMs: number): ReadonlyMap<string, BankAccount> {
  const bytes = readFileSync(file);
  const rows: BankRow[] = parse(file.endsWith(".gz") ? gunzipSync(bytes) : bytes, { columns: true });
  if (rows.length === 0 || BANK_COLUMNS.some((column) => rows[0]![column] === undefined))
    throw new TypeError(`${file} is no file of the Berka bank: it needs rows with ${BANK_COLUMNS.join(", ")}`);
  const lastYear = Math.max(...new Set(rows.map(({ date }) => Number(date.slice(0, 2)))));
  const years = Number(dateOf(nowMs).slice(0, YEAR_DIGITS)) - lastYear;
  const byAccount = Map.groupBy(rows, ({ account_id }) => account_id);
  return new Map(
    [...byAccount].map(([id, own]) => [
      id,
      accountOf(
        id,
        own.flatMap((row) => toTransaction(row, years)),
      ),
    ]),
  );
}

/** None for a row without a possible date: the generated file has such rows on purpose, and the 29th of February may have no counterpart. */
function toTransaction(row: BankRow, years: number): readonly BankTransaction[] {
  const dayMs = startOfDate(`${Number(row.date.slice(0, 2)) + years}${row.date.slice(2)}`);
  if (dayMs === undefined) return [];
  return [
    {
      number: row.trans_id,
      atMs: dayMs + NOON_MS,
      type: row.type === "PRIJEM" ? "DEPOSIT" : "WITHDRAWAL",
      amount: row.amount,
      balance: row.balance,
      memo: CATEGORIES[row.k_symbol.trim()] ?? OPERATIONS[row.operation] ?? "OTHER",
    },
  ];
}

function accountOf(id: string, unordered: readonly BankTransaction[]): BankAccount {
  const transactions = unordered.toSorted((a, b) => a.atMs - b.atMs);
  const issuedMs = transactions[0]?.atMs ?? Infinity;
  return {
    id,
    issuedMs,
    isSavings: false,
    currency: "CZK",
    transactionsBetween: (fromMs, toMs) => transactions.filter(({ atMs }) => atMs >= fromMs && atMs < toMs),
    balanceAt(timeMs) {
      const latest = transactions.findLast(({ atMs }) => atMs <= timeMs);
      return { amount: latest?.balance ?? "0.00", sinceMs: latest?.atMs ?? issuedMs };
    },
  };
}
