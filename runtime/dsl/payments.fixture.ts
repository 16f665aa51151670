import type { Decimal } from "../../schemas/decimal.ts";
import type { Schema } from "../../schemas/schema.ts";

/** Topics that the tests of the definition language share. */
export interface Payment {
  readonly id: string;
  readonly customerId: string;
  readonly amount: Decimal;
  readonly points: number;
  readonly paidAt: number;
}

export const paymentSchema: Schema<Payment> = {
  avro: {
    type: "record",
    name: "Payment",
    fields: [
      { name: "id", type: "string" },
      { name: "customerId", type: "string" },
      { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 } },
      { name: "points", type: "long" },
      { name: "paidAt", type: { type: "long", logicalType: "timestamp-millis" } },
    ],
  },
};

export const payments = {
  name: "shop.payments",
  value: paymentSchema,
  key: "customerId",
  eventTime: "paidAt",
} as const;

export interface Total {
  readonly count: number;
  readonly total: Decimal;
}

export const totalSchema: Schema<Total> = {
  avro: {
    type: "record",
    name: "Total",
    fields: [
      { name: "count", type: "long" },
      { name: "total", type: { type: "bytes", logicalType: "decimal", precision: 14, scale: 2 } },
    ],
  },
};

export const totals = { name: "shop.totals", value: totalSchema, keyType: "string" } as const;

export interface Customer {
  readonly customerId: string;
  readonly name: string;
}

export const customers = {
  name: "shop.customers",
  value: {
    avro: {
      type: "record",
      name: "Customer",
      fields: [
        { name: "customerId", type: "string" },
        { name: "name", type: "string" },
      ],
    },
  } as Schema<Customer>,
  key: "customerId",
} as const;
