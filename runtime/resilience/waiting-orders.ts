import { orderKeyHash } from "./order-key-hash.ts";
import type { Address, Parcel } from "./parcel.ts";

/**
 * An order by hand about records that wait, to all workers. "release": what is in a tier when it is given is due now. "expire": what has waited since before it
 * ends as a dead letter. It holds for what waits when it is given, and says nothing of what comes later.
 */
export interface WaitingOrder {
  readonly what: "release" | "expire";
  /** Absent: of all institutions. */
  readonly resource?: string;
  /** Of an order key; absent: of all. */
  readonly keyHash?: string;
  /** "expire": also what is held in state behind such records. */
  readonly isForHeld?: boolean;
  readonly by: string;
  readonly why: string;
  readonly atMs: number;
}

interface Heard {
  readonly order: WaitingOrder;
  /** Never later than when it was heard: clocks differ, and what comes later is not meant. */
  readonly untilMs: number;
}

/** What people have ordered about the records of one step that wait. */
export class WaitingOrders {
  readonly #heard = new Map<string, Heard>();
  #untilMs = Number.NEGATIVE_INFINITY;

  /** @param name of the order: a later one of the same name takes its place; undefined takes it back */
  hear(name: string, order: WaitingOrder | undefined, nowMs: number): void {
    const before = this.#heard.get(name);
    if (order === undefined) this.#heard.delete(name);
    else if (before?.order.atMs !== order.atMs) this.#heard.set(name, { order, untilMs: Math.min(order.atMs, nowMs) });
    this.#untilMs = Math.max(Number.NEGATIVE_INFINITY, ...Array.from(this.#heard.values(), ({ untilMs }) => untilMs));
  }

  /** Whether there may be an order about a record that came to its tier then: whoever reads the tier has to look. */
  mayConcern(appendedMs: number): boolean {
    return appendedMs < this.#untilMs;
  }

  /** Whether a record that came to its tier then is due now. */
  isReleased(address: Address | undefined, appendedMs: number): boolean {
    return this.mayConcern(appendedMs) && this.#find("release", address, appendedMs) !== undefined;
  }

  /** The order by which a record that has waited ends; undefined if there is none. */
  expiryOf({ address, travel }: Pick<Parcel, "address" | "travel">, isHeld: boolean): WaitingOrder | undefined {
    const { sinceMs } = travel;
    if (sinceMs === undefined || !this.mayConcern(sinceMs)) return undefined;
    return this.#find("expire", address, sinceMs, isHeld);
  }

  #find(what: WaitingOrder["what"], address: Address | undefined, sinceMs: number, isHeld = false) {
    for (const { order, untilMs } of this.#heard.values()) {
      const { resource, keyHash, isForHeld } = order;
      if (order.what !== what || sinceMs >= untilMs || (isHeld && isForHeld !== true)) continue;
      if (resource !== undefined && resource !== address?.resource) continue;
      if (keyHash !== undefined && !isKey(keyHash, address?.orderKey)) continue;
      return order;
    }
    return undefined;
  }
}

const isKey = (hash: string, orderKey: string | undefined): boolean =>
  orderKey !== undefined && orderKeyHash(orderKey) === hash;
