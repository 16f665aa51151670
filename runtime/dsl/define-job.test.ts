import { describe, expect, expectTypeOf, it } from "vitest";
import type { Decimal } from "../../schemas/decimal.ts";
import { count, sum, when } from "./aggregators.ts";
import { defineJob } from "./define-job.ts";
import { customers, type Payment, paymentSchema, payments, totals } from "./payments.fixture.ts";
import type { RecordContext } from "./record.ts";
import type { Stream } from "./stream.ts";
import { topic } from "./topic.ts";
import { tumbling, type WindowBounds } from "./windows.ts";

const nodesOf = (flow: Parameters<typeof defineJob>[0]["flow"]) =>
  defineJob({ name: "test", version: 1, flow }).topology.nodes;
const kinds = (flow: Parameters<typeof defineJob>[0]["flow"]) => nodesOf(flow).map(({ kind }) => kind);

describe("defineJob", () => {
  it("types keys and values from the topic's schema", () => {
    defineJob({
      name: "typed",
      version: 1,
      flow(from) {
        const stream = from(payments);
        expectTypeOf(stream).toEqualTypeOf<Stream<string, Payment>>();
        expectTypeOf(from(payments, { fields: ["customerId", "amount"] })).toEqualTypeOf<
          Stream<string, Pick<Payment, "customerId" | "amount">>
        >();
        const daily = stream.window(tumbling("1 day", { grace: "none" })).aggregate("daily", {
          payments: count(),
          points: sum((payment) => payment.points),
          total: sum((payment) => payment.amount, { scale: 2 }),
          large: when((payment) => payment.points > 100, { count: count() }),
          nested: { again: count() },
        });
        daily.map((value, record) => {
          expectTypeOf(value.payments).toEqualTypeOf<number>();
          expectTypeOf(value.points).toEqualTypeOf<number>();
          expectTypeOf(value.total).toEqualTypeOf<Decimal>();
          expectTypeOf(value.large.count).toEqualTypeOf<number>();
          expectTypeOf(value.nested.again).toEqualTypeOf<number>();
          expectTypeOf(value.windowStartMs).toEqualTypeOf<number>();
          expectTypeOf(record).toEqualTypeOf<RecordContext<string, WindowBounds>>();
          return value;
        });
        expectTypeOf(daily.late).toEqualTypeOf<Stream<string, Payment>>();
        const { cheap, otherwise } = stream.branch({ cheap: (payment) => payment.points < 10 });
        expectTypeOf(cheap).toEqualTypeOf<Stream<string, Payment>>();
        expectTypeOf(otherwise).toEqualTypeOf<Stream<string, Payment>>();
        expectTypeOf(stream.keyBy((payment) => payment.points, "long")).toEqualTypeOf<Stream<number, Payment>>();
        // @ts-expect-error a payment is no total
        stream.to(totals);
        stream.join(
          "names",
          from.table("customers", customers),
          (payment, customer) => `${payment.id} ${customer.name}`,
        );
      },
    });
  });

  it("refuses a key field that does not exist, while it is typed", () => {
    // @ts-expect-error "customer" is no field of a payment
    topic("t", { value: paymentSchema, key: "customer" });
    expect(topic("t", { value: paymentSchema, key: "customerId" }).key).toBe("customerId");
  });

  it("inserts a repartition topic in front of a stateful step when the key has changed", () => {
    expect(
      kinds(
        (from) =>
          void from(payments)
            .keyBy((payment) => payment.id)
            .aggregate("byId", { n: count() }),
      ),
    ).toEqual(["source", "keyBy", "repartition", "aggregate"]);
  });

  it("inserts nothing when keyBy reads the field that is the key already", () => {
    expect(
      kinds(
        (from) =>
          void from(payments)
            .filter(() => true)
            .keyBy((payment) => payment.customerId)
            .aggregate("byCustomer", { n: count() }),
      ),
    ).toEqual(["source", "filter", "aggregate"]);
  });

  it("does not trust that field any more after a map", () => {
    expect(
      kinds(
        (from) =>
          void from(payments)
            .map((payment) => payment, paymentSchema)
            .keyBy((payment) => payment.customerId)
            .aggregate("mapped", { n: count() }),
      ),
    ).toContain("repartition");
  });

  it("inserts nothing between keyBy and a sink", () => {
    expect(
      kinds((from) =>
        from(payments)
          .keyBy((payment) => payment.id)
          .map(() => ({ count: 1, total: null as never }))
          .to(totals),
      ),
    ).toEqual(["source", "keyBy", "map", "sink"]);
  });

  it("shares one repartition between the steps behind it", () => {
    const nodes = nodesOf((from) => {
      const byId = from(payments).keyBy((payment) => payment.id);
      byId.aggregate("one", { n: count() });
      byId.aggregate("two", { n: count() });
    });
    expect(nodes.filter(({ kind }) => kind === "repartition").map(({ id }) => id)).toEqual(["one.repartition"]);
  });

  it("is frozen and the same each time", () => {
    const define = () =>
      defineJob({ name: "same", version: 1, flow: (from) => void from(payments).peek(() => undefined) });
    expect(Object.isFrozen(define())).toBe(true);
    expect(JSON.stringify(define())).toBe(JSON.stringify(define()));
  });
});
