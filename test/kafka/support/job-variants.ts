import { count, type Delivery, defineJob, sum, tumbling } from "mulgil";
import { type PaymentsJob, paymentsJob } from "./payments-job.ts";

export type JobVariant = keyof typeof jobVariants;

/** The payments job, with a function that throws at a payment below zero, and no key for one without a shop. */
function guardedJob(name: string, delivery: Delivery = "exactly-once"): PaymentsJob {
  const { source, copies, hours, late } = paymentsJob(name, delivery);
  const job = defineJob({
    name,
    version: 1,
    delivery,
    commitEvery: "200 ms",
    flow(from) {
      const payments = from(source).filter(({ amount }) => {
        if (amount < 0) throw new Error("a payment below zero");
        return true;
      });
      payments.to(copies);
      const totals = payments
        .keyBy(({ shop }) => (shop === "" ? (null as unknown as string) : shop))
        .window(tumbling("1 hour", { grace: "3 hours" }))
        .aggregate("hours", { payments: count(), total: sum(({ amount }) => amount) });
      totals.to(hours);
      totals.late.to(late);
    },
  });
  return { source, copies, hours, late, job };
}

/** The payments of each card in all, without a window: its changelog is only compacted. The sums are in `hours`, all of them of hour 0. */
function totalsJob(name: string, delivery: Delivery = "exactly-once"): PaymentsJob {
  const { source, copies, hours, late } = paymentsJob(name, delivery);
  const job = defineJob({
    name,
    version: 1,
    delivery,
    commitEvery: "200 ms",
    flow(from) {
      const payments = from(source);
      payments.to(copies);
      payments
        .aggregate("totals", { payments: count(), total: sum(({ amount }) => amount) })
        .map(({ payments, total }) => ({ windowStartMs: 0, payments, total }))
        .to(hours);
    },
  });
  return { source, copies, hours, late, job };
}

/** The payments job, with a second copy of all state. */
function standbysJob(name: string, delivery: Delivery = "exactly-once"): PaymentsJob {
  const payments = paymentsJob(name, delivery);
  return { ...payments, job: { ...payments.job, standbys: 1 } };
}

export const jobVariants = { payments: paymentsJob, guarded: guardedJob, totals: totalsJob, standbys: standbysJob };
