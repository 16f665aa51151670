import type { Analysis } from "../../schemas/types/mydata/analysis.ts";
import type { ClassifiedTransaction } from "../../schemas/types/mydata/classified-transaction.ts";
import type { Erasure } from "../../schemas/types/mydata/erasure.ts";

/** An analysis to compare: amounts as text, rows as arrays. */
export const plain = ({ months, recurring, balances }: Analysis) => ({
  months: months.map(({ month, income, spending, categories }) => ({
    ...{ month, income: String(income), spending: String(spending) },
    categories: categories.map((one) => [one.category, one.payments, String(one.spending)]),
  })),
  recurring: recurring.map((one) => [one.payee, String(one.amount), one.fromMonth, one.toMonth, one.months]),
  balances: balances.map(({ month, balance }) => [month, String(balance)]),
});

interface Row {
  readonly month: string;
  readonly asset: string;
  readonly at: number;
  readonly id: string;
  readonly cents: number;
  readonly balanceCents: number | null;
  readonly version: number;
  readonly transaction: ClassifiedTransaction;
}

/**
 * What must come out of everything that was collected and ordered, in whatever order: written for being obvious, with nothing in common with the job. Null: nothing
 * is left.
 */
export function expectedAnalysis(
  inputs: readonly (ClassifiedTransaction | Erasure)[],
): ReturnType<typeof plain> | null {
  const orders = inputs.filter((input) => "orderId" in input);
  const isForgotten = ({ institution, requestedAt }: ClassifiedTransaction) =>
    orders.some(
      (order) =>
        (order.scope === "customer" || order.institutions.includes(institution)) && requestedAt <= order.orderedAt,
    );
  const rows = new Map<string, Row>();
  for (const transaction of inputs) {
    if ("orderId" in transaction || isForgotten(transaction)) continue;
    const asset = `${transaction.institution}/${transaction.assetId}`;
    const key = `${asset}/${transaction.transactionId}`;
    if ((rows.get(key)?.version ?? -1) >= transaction.requestedAt) continue;
    rows.set(key, {
      month: new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Seoul", year: "numeric", month: "2-digit" }).format(
        transaction.occurredAt,
      ),
      ...{ asset, at: transaction.occurredAt, id: transaction.transactionId, version: transaction.requestedAt },
      cents: Math.round(Number(String(transaction.amount)) * 100),
      balanceCents:
        transaction.balanceAfter === null ? null : Math.round(Number(String(transaction.balanceAfter)) * 100),
      transaction,
    });
  }
  if (rows.size === 0) return null;
  const all = [...rows.values()];
  const live = all.filter(({ transaction }) => !transaction.cancelled);
  const months = [...new Set(all.map(({ month }) => month))].sort();
  return {
    months: months.map((month) => monthOf(month, live)),
    recurring: recurringOf(live),
    balances: balancesOf(months, live),
  };
}

const won = (cents: number): string => (cents / 100).toFixed(2);
const sumOf = (rows: readonly Row[]): number => rows.reduce((sum, { cents }) => sum + cents, 0);
const isSpent = ({ transaction }: Row) => transaction.direction === "out" && transaction.category !== "transfer";

function monthOf(month: string, live: readonly Row[]) {
  const own = live.filter((row) => row.month === month && row.transaction.category !== "transfer");
  const spent = own.filter(isSpent);
  const categories = [...new Set(spent.map(({ transaction }) => transaction.category))].sort();
  return {
    month,
    income: won(sumOf(own.filter(({ transaction }) => transaction.direction === "in"))),
    spending: won(sumOf(spent)),
    categories: categories.map((category) => {
      const those = spent.filter(({ transaction }) => transaction.category === category);
      return [category, those.length, won(sumOf(those))];
    }),
  };
}

const order = (a: string, b: string): number => Number(a > b) - Number(a < b);
const ordinal = (month: string): number => Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1;
const monthAt = (n: number): string => `${Math.floor(n / 12)}-${String((n % 12) + 1).padStart(2, "0")}`;

function recurringOf(live: readonly Row[]) {
  const found: [string, number, string, string, number][] = [];
  const pairs = new Set(live.filter(isSpent).map(({ transaction, cents }) => `${transaction.payee}|${cents}`));
  for (const pair of pairs) {
    const [payee, cents] = [pair.split("|")[0]!, Number(pair.split("|")[1])];
    const paidIn = new Set(
      live
        .filter((row) => isSpent(row) && row.transaction.payee === payee && row.cents === cents)
        .map(({ month }) => ordinal(month)),
    );
    for (const start of paidIn) {
      if (paidIn.has(start - 1)) continue;
      let end = start;
      while (paidIn.has(end + 1)) end++;
      if (end - start >= 2) found.push([payee, cents, monthAt(start), monthAt(end), end - start + 1]);
    }
  }
  return found
    .sort((a, b) => order(a[0], b[0]) || a[1] - b[1] || order(a[2], b[2]))
    .map(([payee, cents, from, to, months]) => [payee, won(cents), from, to, months]);
}

function balancesOf(months: readonly string[], live: readonly Row[]) {
  return months.flatMap((month) => {
    const closings = [...new Set(live.map(({ asset }) => asset))].flatMap((asset) => {
      const said = live.filter((row) => row.asset === asset && row.month <= month && row.balanceCents !== null);
      if (said.length === 0) return [];
      const last = said.reduce((a, b) => (b.at > a.at || (b.at === a.at && b.id > a.id) ? b : a));
      return [last.balanceCents!];
    });
    return closings.length === 0 ? [] : [[month, won(closings.reduce((sum, cents) => sum + cents, 0))]];
  });
}
