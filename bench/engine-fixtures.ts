import { MemoryLevel } from "memory-level";
import { count, sum } from "../runtime/dsl/aggregators.ts";
import { defineJob } from "../runtime/dsl/define-job.ts";
import { topic } from "../runtime/dsl/topic.ts";
import type { Topology } from "../runtime/dsl/topology.ts";
import { tumbling } from "../runtime/dsl/windows.ts";
import { openEmbeddedRegistry } from "../schemas/embedded-registry.ts";
import type { Schema } from "../schemas/schema.ts";
import { createValueDecoder, createValueSerde, type ValueSerde } from "../schemas/value-serde.ts";

/** What the benchmarks of the engine share: a payment event of 17 leaves, about 170 bytes in Avro, and a job over it. */

export interface Payment extends Projected {
  readonly paymentId: string;
  readonly accountId: string;
  readonly currency: string;
  readonly approvalCode: string | null;
  readonly installments: number;
  readonly isOnline: boolean;
  readonly merchant: {
    readonly merchantId: string;
    readonly name: string;
    readonly category: number;
    readonly country: string;
  };
  readonly device: { readonly deviceId: string; readonly system: string; readonly riskScore: number };
}

/** The fields that the job uses. */
export interface Projected {
  readonly customerId: string;
  readonly amount: number;
  readonly status: string;
  readonly occurredAt: number;
}

export const projectedFields = ["customerId", "amount", "status", "occurredAt"] as const;

export const record = (name: string, fields: readonly (readonly [name: string, type: unknown])[]) => ({
  type: "record",
  name,
  fields: fields.map(([field, type]) => ({ name: field, type })),
});

export const paymentSchema: Schema<Payment> = {
  avro: record("Payment", [
    ["paymentId", "string"],
    ["customerId", "string"],
    ["accountId", "string"],
    ["amount", "long"],
    ["currency", "string"],
    ["status", "string"],
    ["occurredAt", { type: "long", logicalType: "timestamp-millis" }],
    ["approvalCode", ["null", "string"]],
    ["installments", "int"],
    ["isOnline", "boolean"],
    [
      "merchant",
      record("Merchant", [
        ["merchantId", "string"],
        ["name", "string"],
        ["category", "int"],
        ["country", "string"],
      ]),
    ],
    [
      "device",
      record("Device", [
        ["deviceId", "string"],
        ["system", "string"],
        ["riskScore", "double"],
      ]),
    ],
  ]),
};

export const payments = topic("payments", { value: paymentSchema, key: "customerId", eventTime: "occurredAt" });
const totals = topic("totals", { value: { avro: "string" } as Schema<unknown>, keyType: "string" });

/** Windows of ten minutes; a tenth of the payments is not approved. */
export const WINDOW_MS = 600_000;
export const WINDOWS = 6;
const START_MS = 1_760_000_400_000;

export const job: Topology = defineJob({
  name: "bench",
  version: 1,
  flow(from) {
    from(payments, { fields: [...projectedFields] })
      .filter((payment) => payment.status === "APPROVED")
      .window(tumbling("10 minutes", { grace: "1 minute" }))
      .aggregate("totals", { payments: count(), total: sum((payment) => payment.amount) })
      .to(totals);
  },
}).topology;

/** The same numbers in each run. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers from 0 to n - 1, small ones more often: Zipf with exponent 0.99. */
function zipf(n: number, random: () => number): () => number {
  const cumulative = new Float64Array(n);
  let sum = 0;
  for (let rank = 0; rank < n; rank++) cumulative[rank] = sum += 1 / (rank + 1) ** 0.99;
  return () => {
    const wanted = random() * sum;
    let [low, high] = [0, n - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulative[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

export interface Events {
  /** Confluent-framed Avro, in order of event time. */
  readonly values: readonly Buffer[];
  readonly decoder: Pick<ValueSerde<Projected>, "decode">;
}

/** The payments of a benchmark, in order: so many of so many customers, spread evenly over the windows. */
export function* makePayments(options: {
  readonly records: number;
  readonly keys: number;
  /** How often which customer pays. @default "zipf", with exponent 0.99 */
  readonly choice?: "zipf" | "uniform";
}): Generator<Payment> {
  const { records, keys } = options;
  const random = seededRandom(7);
  const customer = options.choice === "uniform" ? () => Math.floor(random() * keys) : zipf(keys, random);
  for (let n = 0; n < records; n++) {
    const occurredAt = START_MS + Math.floor((n * WINDOWS * WINDOW_MS) / records);
    yield makePayment(n, occurredAt, customer(), random);
  }
}

/** One approved payment of each of so many customers, all in the first window. */
export function* makeOneWindow(customers: number): Generator<Payment> {
  const random = seededRandom(7);
  for (let n = 0; n < customers; n++) {
    const occurredAt = START_MS + Math.floor((n * WINDOW_MS) / customers);
    yield { ...makePayment(n, occurredAt, n, random), status: "APPROVED" };
  }
}

/** The payments of `makePayments` as bytes, with what decodes them. */
export async function makeEvents(options: { readonly records: number; readonly keys: number }): Promise<Events> {
  const registry = await openEmbeddedRegistry(new MemoryLevel<string, string>());
  const serde = await createValueSerde({ schema: paymentSchema, topic: payments.name, registry });
  const decoder = createValueDecoder<Payment>({ schema: paymentSchema, registry, fields: projectedFields });
  const values = Array.from(makePayments(options), (payment) => serde.encode(payment));
  await decoder.load(decoder.missingId(values[0]!)!);
  return { values, decoder };
}

/** The n-th payment of a benchmark. */
export function makePayment(n: number, occurredAt: number, customer: number, random: () => number): Payment {
  const id = (prefix: string, value: number) => `${prefix}-${String(value).padStart(10, "0")}`;
  return {
    paymentId: id("payment", n),
    // Scattered, as ids are: neighbours in rank are not neighbours in LevelDB.
    customerId: id("customer", (customer * 7_919) % 10_000_019),
    accountId: id("account", customer * 3),
    amount: 100 + Math.floor(random() * 1_000_000),
    currency: "KRW",
    status: random() < 0.9 ? "APPROVED" : "DECLINED",
    occurredAt,
    approvalCode: n % 3 === 0 ? null : "A12345",
    installments: n % 12,
    isOnline: n % 2 === 0,
    merchant: { merchantId: id("merchant", n % 5_000), name: "Corner Coffee", category: 5_814, country: "KR" },
    device: { deviceId: id("device", customer % 50_000), system: "android 16", riskScore: random() },
  };
}
