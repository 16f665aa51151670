import { count, Decimal, defineJob, type JobDefinition, sum, tumbling } from "mulgil";
import { type Payment, payments, totals } from "../../runtime/dsl/payments.fixture.ts";

export { customers, payments, totals } from "../../runtime/dsl/payments.fixture.ts";

export const HOUR_MS = 3_600_000;

export const payment = (id: string, customerId: string, paidAt: number, amount = "1.00"): Payment => ({
  id,
  customerId,
  amount: Decimal.of(amount),
  points: 1,
  paidAt,
});

export const hourlyTotals = (rest: Partial<JobDefinition> = {}) =>
  defineJob({
    name: "hourly",
    version: 1,
    commitEvery: "20 ms",
    ...rest,
    flow(from) {
      from(payments)
        .window(tumbling("1 hour", { grace: "none" }))
        .aggregate("hourly", { count: count(), total: sum((one) => one.amount, { scale: 2 }) })
        .to(totals);
    },
  });

/** Totals per payment id, behind a repartition. */
export const totalsById = (rest: Partial<JobDefinition> = {}) =>
  defineJob({
    name: "byId",
    version: 1,
    commitEvery: "20 ms",
    ...rest,
    flow(from) {
      from(payments)
        .keyBy((one) => one.id)
        .aggregate("byId", { count: count(), total: sum((one) => one.amount, { scale: 2 }) })
        .to(totals);
    },
  });
