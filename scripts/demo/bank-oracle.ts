import { DatabaseSync } from "node:sqlite";
import type { BankRow } from "./generate-bank.ts";

/** The totals of one account and month, as in the topic: amounts with two decimals. */
export interface AccountMonthTotals {
  readonly accountId: number;
  /** Like 1993-04. */
  readonly month: string;
  readonly credits: { readonly count: number; readonly total: string };
  readonly debits: { readonly count: number; readonly total: string };
}

const GROUP_BY = `
  SELECT account_id AS accountId,
         '19' || substr(date, 1, 2) || '-' || substr(date, 3, 2) AS month,
         sum(type = 'PRIJEM') AS creditCount,
         sum(iif(type = 'PRIJEM', cents, 0)) AS creditCents,
         sum(type <> 'PRIJEM') AS debitCount,
         sum(iif(type <> 'PRIJEM', cents, 0)) AS debitCents
  FROM transactions
  GROUP BY account_id, month
  ORDER BY account_id, month`;

/** What a database says about good rows of the bank's file: a plain GROUP BY, in whole hundredths, so exact. */
export function groupBy(
  rows: Iterable<Pick<BankRow, "account_id" | "date" | "type" | "amount">>,
): readonly AccountMonthTotals[] {
  const database = new DatabaseSync(":memory:");
  try {
    database.exec("CREATE TABLE transactions (account_id INTEGER, date TEXT, type TEXT, cents INTEGER); BEGIN");
    const insert = database.prepare("INSERT INTO transactions VALUES (?, ?, ?, ?)");
    for (const { account_id, date, type, amount } of rows)
      insert.run(Number(account_id), date, type, hundredths(amount));
    database.exec("COMMIT");
    return database.prepare(GROUP_BY).all().map(totals);
  } finally {
    database.close();
  }
}

function totals(found: Readonly<Record<string, unknown>>): AccountMonthTotals {
  const { accountId, month, creditCount, creditCents, debitCount, debitCents } = found as Readonly<
    Record<string, number>
  > & { readonly month: string };
  return {
    accountId: accountId!,
    month,
    credits: { count: creditCount!, total: decimal(creditCents!) },
    debits: { count: debitCount!, total: decimal(debitCents!) },
  };
}

/** "700.00" is 70000; without floating point. */
function hundredths(amount: string): number {
  const match = /^(\d+)\.(\d\d)$/.exec(amount);
  if (match === null) throw new TypeError(`the oracle takes amounts with two decimals, not ${JSON.stringify(amount)}`);
  return Number(match[1]) * 100 + Number(match[2]);
}

const decimal = (cents: number): string => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
