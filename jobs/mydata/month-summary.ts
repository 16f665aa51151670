import { Decimal } from "mulgil";
import type { KnownTransaction } from "../../schemas/types/mydata/asset-month.ts";
import type { MonthSummary } from "../../schemas/types/mydata/month-summary.ts";
import { NEUTRAL_CATEGORY } from "./categorise.ts";

/** The transactions of one asset in the month. */
export interface AssetTransactions {
  /** Unique over all institutions. */
  readonly asset: string;
  readonly transactions: readonly KnownTransaction[];
}

const NOTHING = Decimal.zero(2);

/** What a month comes to. The order of assets and transactions makes no difference. */
export function summarise(assets: readonly AssetTransactions[]): MonthSummary {
  const counted = assets.flatMap(({ transactions }) => transactions.filter(({ cancelled }) => !cancelled));
  const moved = counted.filter(({ category }) => category !== NEUTRAL_CATEGORY);
  const paid = moved.filter(({ direction }) => direction === "out");
  return {
    income: totalOf(moved.filter(({ direction }) => direction === "in")),
    spending: totalOf(paid),
    categories: [...Map.groupBy(paid, ({ category }) => category)]
      .map(([category, payments]) => ({ category, payments: payments.length, spending: totalOf(payments) }))
      .sort((a, b) => compareTexts(a.category, b.category)),
    payments: paymentsIn(paid),
    closings: assets.flatMap(({ asset, transactions }) => {
      const balance = closingOf(transactions);
      return balance === undefined ? [] : [{ asset, balance }];
    }),
  };
}

const totalOf = (transactions: readonly KnownTransaction[]): Decimal =>
  transactions.reduce((total, { amount }) => total.plus(amount), NOTHING);

function paymentsIn(paid: readonly KnownTransaction[]): MonthSummary["payments"] {
  const each = new Map(paid.map(({ payee, amount }) => [`${payee}\n${amount}`, { payee, amount }]));
  return [...each.values()].sort((a, b) => compareTexts(a.payee, b.payee) || a.amount.compare(b.amount));
}

/** The balance behind the last transaction that says one. */
function closingOf(transactions: readonly KnownTransaction[]): Decimal | undefined {
  const last = transactions
    .filter(({ balanceAfter, cancelled }) => balanceAfter !== null && !cancelled)
    .sort((a, b) => a.occurredAt - b.occurredAt || compareTexts(a.transactionId, b.transactionId))
    .at(-1);
  return last?.balanceAfter ?? undefined;
}

/** By code units, as every machine does it. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
