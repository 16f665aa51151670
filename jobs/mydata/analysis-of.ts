import { Decimal } from "mulgil";
import type { Analysis, RecurringPayment } from "../../schemas/types/mydata/analysis.ts";
import type { MonthSummary } from "../../schemas/types/mydata/month-summary.ts";
import { compareTexts } from "./month-summary.ts";
import { monthAfter } from "./seoul-time.ts";

export interface SummarisedMonth {
  /** Like "2026-01". */
  readonly month: string;
  readonly summary: MonthSummary;
}

const RECURRING_MONTHS_MIN = 3;

/** What the months, in order, say together. */
export function analysisOf(customerId: string, analysedAt: number, months: readonly SummarisedMonth[]): Analysis {
  return {
    customerId,
    analysedAt,
    months: months.map(({ month, summary: { income, spending, categories } }) => ({
      ...{ month, income, spending, categories },
    })),
    recurring: recurringIn(months),
    balances: balancesOf(months),
  };
}

/** The same amount to the same payee in three months on end, or more. */
function recurringIn(months: readonly SummarisedMonth[]): RecurringPayment[] {
  const runs: RecurringPayment[] = [];
  const open = new Map<string, RecurringPayment>();
  for (const { month, summary } of months)
    for (const { payee, amount } of summary.payments) {
      const key = `${payee}\n${amount}`;
      const run = open.get(key);
      const isNext = run !== undefined && monthAfter(run.toMonth) === month;
      if (run !== undefined && !isNext) runs.push(run);
      open.set(key, {
        ...{ payee, amount, toMonth: month },
        fromMonth: isNext ? run.fromMonth : month,
        months: isNext ? run.months + 1 : 1,
      });
    }
  return [...runs, ...open.values()]
    .filter(({ months }) => months >= RECURRING_MONTHS_MIN)
    .sort(
      (a, b) => compareTexts(a.payee, b.payee) || a.amount.compare(b.amount) || compareTexts(a.fromMonth, b.fromMonth),
    );
}

/** An asset without transactions in a month has the balance of the month before. */
function balancesOf(months: readonly SummarisedMonth[]): Analysis["balances"] {
  const known = new Map<string, Decimal>();
  return months.flatMap(({ month, summary }) => {
    for (const { asset, balance } of summary.closings) known.set(asset, balance);
    if (known.size === 0) return [];
    const balance = [...known.values()].reduce((total, one) => total.plus(one), Decimal.zero(2));
    return [{ month, balance }];
  });
}
