import { describe, expect, it } from "vitest";
import { orderKeyHash } from "./order-key-hash.ts";
import { untravelled } from "./parcel.ts";
import { type WaitingOrder, WaitingOrders } from "./waiting-orders.ts";

const NOW = 10_000;
const address = { resource: "one", orderKey: "kim", subject: undefined };
const order = (rest: Partial<WaitingOrder>): WaitingOrder => ({
  what: "release",
  by: "ana",
  why: "",
  atMs: NOW,
  ...rest,
});
const heard = (...orders: readonly Partial<WaitingOrder>[]): WaitingOrders => {
  const waiting = new WaitingOrders();
  for (const [name, each] of orders.entries()) waiting.hear(String(name), order(each), NOW);
  return waiting;
};
const waitingSince = (sinceMs: number | undefined) => ({ address, travel: { ...untravelled, sinceMs } });

describe("orders about what waits", () => {
  it.each([
    ["all", {}, true],
    ["its institution", { resource: "one" }, true],
    ["another institution", { resource: "two" }, false],
    ["its key", { keyHash: orderKeyHash("kim") }, true],
    ["another key", { keyHash: orderKeyHash("lee") }, false],
    ["its key at another institution", { resource: "two", keyHash: orderKeyHash("kim") }, false],
    ["its end", { what: "expire" }, false],
  ] as const)("for %s release a record: %j %s", (_of, rest, isReleased) => {
    expect(heard(rest).isReleased(address, NOW - 1)).toBe(isReleased);
  });

  it("are for what was there before them, and never for what comes after they were heard", () => {
    expect(heard({}).isReleased(address, NOW)).toBe(false);
    expect(heard({ atMs: NOW - 100 }).isReleased(address, NOW - 100)).toBe(false);
    expect(heard({ atMs: NOW + 100 }).isReleased(address, NOW + 50)).toBe(false);
    expect(heard({ atMs: NOW + 100 }).isReleased(address, NOW - 1)).toBe(true);
    expect(heard().mayConcern(0)).toBe(false);
  });

  it("end what has waited since before, and what is held only where they say so", () => {
    const tiers = heard({ what: "expire" });
    expect(tiers.expiryOf(waitingSince(NOW - 1), false)).toMatchObject({ what: "expire" });
    expect(tiers.expiryOf(waitingSince(NOW), false)).toBeUndefined();
    expect(tiers.expiryOf(waitingSince(undefined), false)).toBeUndefined();
    expect(tiers.expiryOf(waitingSince(NOW - 1), true)).toBeUndefined();
    expect(heard({ what: "expire", isForHeld: true }).expiryOf(waitingSince(NOW - 1), true)).toBeDefined();
  });

  it("are replaced by later ones of their name, taken back, and not made younger by being heard again", () => {
    const orders = new WaitingOrders();
    orders.hear("a", order({ atMs: NOW + 1_000 }), NOW);
    orders.hear("a", order({ atMs: NOW + 1_000 }), NOW + 500);
    expect(orders.mayConcern(NOW + 100)).toBe(false);
    orders.hear("a", order({ atMs: NOW + 2_000 }), NOW + 3_000);
    expect(orders.mayConcern(NOW + 1_999)).toBe(true);
    orders.hear("a", undefined, NOW + 3_000);
    expect(orders.mayConcern(0)).toBe(false);
  });
});
