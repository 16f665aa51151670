import { count, defineJob, sum, tumbling, when } from "mulgil";
import { accountMonths } from "../../schemas/types/bank/account-month.ts";
import { type Transaction, transactions } from "../../schemas/types/bank/transaction.ts";

const amount = (transaction: Transaction) => transaction.amount;

/**
 * What went in and out of each account in each calendar month. Partitions are read side by side, so the days of an account's
 * neighbours run ahead of its own: by as much as the whole file at worst, which spans one year. The grace is longer than that:
 * no order in which workers read can make a transaction late. Months stay in state for the grace; at one entry an account and
 * month that is cheap.
 */
export default defineJob({
  name: "account-months",
  version: 1,
  flow(from) {
    from(transactions)
      .window(tumbling("1 month", { zone: "Europe/Prague", grace: "400 days" }))
      .aggregate("account-months", {
        credits: when(({ type }) => type === "CREDIT", { count: count(), total: sum(amount, { scale: 2 }) }),
        debits: when(({ type }) => type === "DEBIT", { count: count(), total: sum(amount, { scale: 2 }) }),
      })
      .map(({ credits, debits }, { key, window }) => ({ accountId: key, month: window.label, credits, debits }))
      .to(accountMonths);
  },
});
