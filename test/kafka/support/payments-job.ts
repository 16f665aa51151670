import { MemoryLevel } from "memory-level";
import { count, type Delivery, defineJob, type Schema, sum, tumbling } from "mulgil";
import { SeededRandom } from "../../../runtime/testing/seeded-random.ts";
import { openEmbeddedRegistry } from "../../../schemas/embedded-registry.ts";
import { type SchemaRegistry, subjectOfValue } from "../../../schemas/registry.ts";

export interface Payment {
  readonly id: number;
  readonly card: string;
  readonly shop: string;
  readonly amount: number;
  readonly at: number;
}

export interface ShopMinute {
  readonly windowStartMs: number;
  readonly payments: number;
  readonly total: number;
}

const record = <T>(name: string, fields: Readonly<Record<string, unknown>>): Schema<T> => ({
  avro: { type: "record", name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) },
});
const millis = { type: "long", logicalType: "timestamp-millis" };
const payment = record<Payment>("Payment", { id: "long", card: "string", shop: "string", amount: "long", at: millis });
const shopMinute = record<ShopMinute>("ShopMinute", { windowStartMs: millis, payments: "long", total: "long" });

const WINDOW_MS = 60_000;
/** Twenty payments in a second of event time. */
const PAYMENT_EVERY_MS = 50;
const OUT_OF_ORDER_MS = 5_000;
const CARDS = 2_000;
const SHOPS = 100;

export type PaymentsJob = ReturnType<typeof paymentsJob>;

/**
 * Every payment passed through, and sums by shop and minute behind a repartition. Topics and job have names of their own, so that tests share
 * a broker. A window closes an hour of event time after its end; what comes later, because a part of the job stood still for so long, is in `late`.
 */
export function paymentsJob(name: string, delivery: Delivery = "exactly-once") {
  const source = { name: `${name}.payments`, value: payment, key: "card", eventTime: "at" } as const;
  const copies = { name: `${name}.copies`, value: payment, key: "card" } as const;
  const minutes = { name: `${name}.minutes`, value: shopMinute, keyType: "string" } as const;
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
        .window(tumbling("1 minute", { grace: "1 hour" }))
        .aggregate("minutes", { payments: count(), total: sum(({ amount }) => amount) });
      totals.to(minutes);
      totals.late.to(late);
    },
  });
  return { source, copies, minutes, late, job };
}

/** In memory, and the same in every process: ids are given in the order of registration. */
export async function openPaymentsRegistry({ source, copies, minutes, late }: PaymentsJob): Promise<SchemaRegistry> {
  const registry = await openEmbeddedRegistry(new MemoryLevel());
  for (const { name, value } of [source, copies, minutes, late])
    await registry.register(subjectOfValue(name), value.avro);
  return registry;
}

/** Without an end, and always the same: event times of thirty years ago, somewhat out of order, few cards and shops with most of the payments. */
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

export const minuteId = (shop: string, windowStartMs: number): string => `${shop}@${windowStartMs}`;

/** What the job should have computed, computed plainly. */
export function plainMinutes(payments: Iterable<Payment>): ReadonlyMap<string, ShopMinute> {
  const minutes = new Map<string, ShopMinute>();
  for (const { shop, amount, at } of payments) {
    const windowStartMs = Math.floor(at / WINDOW_MS) * WINDOW_MS;
    const id = minuteId(shop, windowStartMs);
    const before = minutes.get(id) ?? { windowStartMs, payments: 0, total: 0 };
    minutes.set(id, { windowStartMs, payments: before.payments + 1, total: before.total + amount });
  }
  return minutes;
}
