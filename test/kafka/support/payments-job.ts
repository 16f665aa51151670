import { count, type Delivery, defineJob, type Schema, sum, tumbling } from "mulgil";
import { SeededRandom } from "../../../runtime/testing/seeded-random.ts";

export interface Payment {
  readonly id: number;
  readonly card: string;
  readonly shop: string;
  readonly amount: number;
  readonly at: number;
}

export interface ShopHour {
  readonly windowStartMs: number;
  readonly payments: number;
  readonly total: number;
}

const record = <T>(name: string, fields: Readonly<Record<string, unknown>>): Schema<T> => ({
  avro: { type: "record", name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) },
});
const millis = { type: "long", logicalType: "timestamp-millis" };
const payment = record<Payment>("Payment", { id: "long", card: "string", shop: "string", amount: "long", at: millis });
const shopHour = record<ShopHour>("ShopHour", { windowStartMs: millis, payments: "long", total: "long" });

const WINDOW_MS = 3_600_000;
/** Of event time, so that windows close; an hour has 36,000 payments. */
const PAYMENT_EVERY_MS = 100;
/** Windows go on changing for seconds of a test: what is wrong with a state that was restored shows, as nothing is done with it otherwise. */
const OUT_OF_ORDER_MS = 3_600_000;
const CARDS = 2_000;
const SHOPS = 100;

export type PaymentsJob = ReturnType<typeof paymentsJob>;

/**
 * Every payment passed through, and sums by shop and hour behind a repartition. Topics and job have names of their own, so that tests share
 * a broker. A window closes three hours of event time after its end; what comes later, because a part of the job stood still for so long, is in `late`.
 */
export function paymentsJob(name: string, delivery: Delivery = "exactly-once") {
  const source = { name: `${name}.payments`, value: payment, key: "card", eventTime: "at" } as const;
  const copies = { name: `${name}.copies`, value: payment, key: "card" } as const;
  const hours = { name: `${name}.hours`, value: shopHour, keyType: "string" } as const;
  const late = { name: `${name}.late`, value: payment, keyType: "string" } as const;
  const job = defineJob({
    name,
    version: 1,
    delivery,
    commitEvery: "200 ms",
    flow(from) {
      const payments = from(source);
      payments.to(copies);
      const totals = payments
        .keyBy(({ shop }) => shop)
        .window(tumbling("1 hour", { grace: "3 hours" }))
        .aggregate("hours", { payments: count(), total: sum(({ amount }) => amount) });
      totals.to(hours);
      totals.late.to(late);
    },
  });
  return { source, copies, hours, late, job };
}

export const topicsOf = ({ source, copies, hours, late }: PaymentsJob) => [source, copies, hours, late] as const;

/** Without an end, and always the same: event times of thirty years ago, far out of order, few cards and shops with most of the payments. */
export function* endlessPayments(): Generator<Payment, never> {
  const random = new SeededRandom(7);
  const startMs = Date.UTC(1996, 0, 1);
  const skewed = (below: number) => Math.floor(below * random.next() ** 3);
  for (let id = 0; ; id++) {
    yield {
      id,
      card: `card-${skewed(CARDS)}`,
      shop: `shop-${skewed(SHOPS)}`,
      amount: 1 + random.below(1_000),
      at: startMs + id * PAYMENT_EVERY_MS - random.below(OUT_OF_ORDER_MS),
    };
  }
}

export const generatePayments = (howMany: number): readonly Payment[] => endlessPayments().take(howMany).toArray();

export const hourId = (shop: string, windowStartMs: number): string => `${shop}@${windowStartMs}`;

/** What the job should have computed, computed plainly. */
export function plainHours(payments: Iterable<Payment>): ReadonlyMap<string, ShopHour> {
  const hours = new Map<string, ShopHour>();
  for (const { shop, amount, at } of payments) {
    const windowStartMs = Math.floor(at / WINDOW_MS) * WINDOW_MS;
    const id = hourId(shop, windowStartMs);
    const before = hours.get(id) ?? { windowStartMs, payments: 0, total: 0 };
    hours.set(id, { windowStartMs, payments: before.payments + 1, total: before.total + amount });
  }
  return hours;
}
