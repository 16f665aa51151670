import type { KeyValueStore } from "../../state/store.ts";
import { type CallItem, isFromTier, isSameRecord } from "./call-item.ts";
import type { Arrival, CallOrder, CallOrderHost } from "./call-order.ts";
import type { Parcel } from "./parcel.ts";

/** An order key with a record that has not ended and is not in memory alone. Sequences of what is held: first inclusive, next exclusive. */
export interface StrictKey {
  /**
   * Where the unfinished head is. "input": in memory, its offset uncommitted, perhaps with others behind it that came before those held.
   * "held": it is the first of those held.
   */
  readonly headAt: "input" | "tier" | "held";
  /** The head in a tier. */
  readonly head: Pick<Parcel, "topic" | "offset"> | undefined;
  readonly first: number;
  readonly next: number;
}

/** A held record: its order key, and its place behind that. */
export interface HeldKey {
  readonly key: string;
  readonly entry: number;
}

export interface StrictOrderOptions {
  readonly keys: KeyValueStore<string, StrictKey>;
  readonly held: KeyValueStore<HeldKey, Parcel>;
  readonly heldMax: number;
  readonly host: CallOrderHost & {
    /** Takes up the record that is held there: it is its key's head now. */
    replay(parcel: Parcel, at: { readonly orderKey: string; readonly sequence: number }): void;
    count(change: "held" | "unheld", parcel: Parcel): void;
    wallClockMs(): number;
    isResuming(): boolean;
  };
}

/**
 * One record of a key at a time, in the order of the input, whatever happens to the one in front:
 *
 *   idle ──► in memory ──(retry, wait)──► head in a tier, the rest held in state ──(ends)──► first of the held ──► … ──► idle
 *
 * What waits for its turn stays in memory while there is room, and lies in state else.
 */
export class StrictOrder implements CallOrder {
  readonly #options: StrictOrderOptions;
  /** Keys with a record under way, and what waits behind it in memory. */
  readonly #chains = new Map<string, CallItem[]>();
  /** Keys whose held records may only follow when what was under way before a restart has been read again. */
  readonly #parked = new Set<string>();
  /** While what was under way before a restart is read again: records of keys whose head is in a tier, in order. Their offsets stay uncommitted. */
  readonly #inFront = new Map<string, CallItem[]>();

  #heldRecords = 0;

  constructor(options: StrictOrderOptions) {
    this.#options = options;
  }

  /** In state; after a restart also those of somebody who was forgotten before it, as long as others of their key are held. */
  get heldRecords(): number {
    return this.#heldRecords;
  }

  #count(change: "held" | "unheld", parcel: Parcel): void {
    this.#heldRecords += change === "held" ? 1 : -1;
    this.#options.host.count(change, parcel);
  }

  arrive(item: CallItem): Arrival {
    const { keys, host } = this.#options;
    const orderKey = item.address.orderKey!;
    const entry = keys.get(orderKey);
    const chain = this.#chains.get(orderKey);
    if (isFromTier(item)) return this.#arriveFromTier(item, entry, chain);
    const wasUnderWay = item.origin.kind === "input" && item.origin.isResumed;
    if (entry !== undefined && entry.headAt !== "input" && wasUnderWay) return this.#keepInFront(orderKey, [item]);
    if (entry !== undefined && !(entry.headAt === "input" && wasUnderWay)) return this.#hold(item, entry);
    if (chain === undefined) return this.#begin(orderKey);
    // What was under way before the restart goes in front of what is held, room or not.
    if (wasUnderWay || host.hasRoom(item)) {
      chain.push(item);
      return "waits";
    }
    return this.#hold(item, { headAt: "input", head: undefined, first: 0, next: 0 });
  }

  #arriveFromTier(item: CallItem, entry: StrictKey | undefined, chain: CallItem[] | undefined): Arrival {
    const isHead = entry?.headAt === "tier" && entry.head !== undefined && isSameRecord(entry.head, item.parcel);
    // Outside of transactions a record can be in a tier twice; the second one comes when its key has moved on.
    if (!isHead || chain !== undefined) return "superseded";
    return this.#begin(item.address.orderKey!);
  }

  #begin(orderKey: string): Arrival {
    this.#chains.set(orderKey, []);
    return "starts";
  }

  /** They came before all that is held, and others of them may still be read again: where they belong in state is known when all have been. */
  #keepInFront(orderKey: string, items: readonly CallItem[]): Arrival {
    this.#inFront.set(orderKey, [...(this.#inFront.get(orderKey) ?? []), ...items]);
    return "waits";
  }

  #hold(item: CallItem, entry: StrictKey): Arrival {
    const { heldMax, host } = this.#options;
    if (entry.next - entry.first >= heldMax) return "full";
    this.#put(item, entry.next);
    this.#options.keys.put(item.address.orderKey!, { ...entry, next: entry.next + 1 }, host.wallClockMs());
    return "waits";
  }

  #put(item: CallItem, sequence: number): void {
    const { held, host } = this.#options;
    const nowMs = host.wallClockMs();
    const { travel } = item.parcel;
    const parcel = {
      ...item.parcel,
      address: item.address,
      travel: { ...travel, waitingFromMs: travel.waitingFromMs ?? nowMs, sinceMs: travel.sinceMs ?? nowMs },
    };
    held.put({ key: item.address.orderKey!, entry: sequence }, parcel, nowMs);
    this.#count("held", parcel);
    host.release(item);
  }

  isSuperseded(): boolean {
    return false;
  }

  ended(item: CallItem): void {
    const { keys, host } = this.#options;
    const orderKey = item.address.orderKey!;
    this.#removeHeld(item);
    const chain = this.#chains.get(orderKey);
    const next = chain?.shift();
    if (next !== undefined) {
      host.start(next);
      return;
    }
    const entry = keys.get(orderKey);
    if (entry === undefined) {
      this.#chains.delete(orderKey);
      return;
    }
    if (host.isResuming() && item.origin.kind === "input") this.#goOnWithInput(orderKey, entry);
    else this.#releaseFirst(orderKey, entry);
  }

  /** What was under way before a restart comes before what is held, whether it has been read again or not. */
  #goOnWithInput(orderKey: string, entry: StrictKey): void {
    const { keys, host } = this.#options;
    keys.put(orderKey, { ...entry, headAt: "input", head: undefined }, host.wallClockMs());
    const [next, ...others] = this.#inFront.get(orderKey) ?? [];
    this.#inFront.delete(orderKey);
    if (next === undefined) {
      this.#chains.delete(orderKey);
      this.#parked.add(orderKey);
      return;
    }
    this.#chains.set(orderKey, others);
    host.start(next);
  }

  /** The first of those held is the head. */
  #releaseFirst(orderKey: string, entry: StrictKey): void {
    const { keys, held, host } = this.#options;
    let { first } = entry;
    let parcel: Parcel | undefined;
    // Those of somebody who is forgotten are gone.
    while (first < entry.next) {
      parcel = held.get({ key: orderKey, entry: first });
      if (parcel !== undefined) break;
      first++;
    }
    if (parcel === undefined) {
      keys.delete(orderKey);
      this.#chains.delete(orderKey);
      return;
    }
    keys.put(orderKey, { headAt: "held", head: undefined, first, next: entry.next }, host.wallClockMs());
    this.#chains.set(orderKey, []);
    host.replay(parcel, { orderKey, sequence: first });
  }

  /** A held record that was the head has ended or moved. */
  #removeHeld({ origin }: CallItem): void {
    if (origin.kind !== "held") return;
    const { keys, held, host } = this.#options;
    const at = { key: origin.orderKey, entry: origin.sequence };
    const parcel = held.get(at);
    if (parcel !== undefined) this.#count("unheld", parcel);
    held.delete(at);
    const entry = keys.get(origin.orderKey);
    if (entry !== undefined) keys.put(origin.orderKey, { ...entry, first: origin.sequence + 1 }, host.wallClockMs());
  }

  away(item: CallItem): void {
    const { keys, host } = this.#options;
    const orderKey = item.address.orderKey!;
    this.#removeHeld(item);
    const entry = keys.get(orderKey) ?? { first: 0, next: 0 };
    const chain = this.#chains.get(orderKey) ?? [];
    this.#chains.delete(orderKey);
    this.#parked.delete(orderKey);
    const { topic, offset } = item.parcel;
    const { first, next } = entry;
    keys.put(orderKey, { headAt: "tier", head: { topic, offset }, first, next }, host.wallClockMs());
    if (host.isResuming() && chain.length > 0) this.#keepInFront(orderKey, chain);
    else this.#holdInFront(orderKey, chain);
  }

  /** Puts records of the input into state, before all that is held. */
  #holdInFront(orderKey: string, items: readonly CallItem[]): void {
    const { keys, host } = this.#options;
    const entry = keys.get(orderKey);
    if (entry === undefined || items.length === 0) return;
    let { first } = entry;
    for (const waiting of items.toReversed()) this.#put(waiting, --first);
    keys.put(orderKey, { ...entry, first }, host.wallClockMs());
  }

  resumed(): void {
    for (const [orderKey, items] of this.#inFront) this.#holdInFront(orderKey, items);
    this.#inFront.clear();
    for (const orderKey of this.#parked) {
      const entry = this.#options.keys.get(orderKey);
      if (entry !== undefined && !this.#chains.has(orderKey)) this.#releaseFirst(orderKey, entry);
    }
    this.#parked.clear();
  }

  /** At a start: goes on with keys whose head lies in state. */
  async recover(): Promise<void> {
    for await (const [orderKey, entry] of this.#options.keys.entries()) {
      this.#heldRecords += entry.next - entry.first;
      if (entry.headAt === "held") this.#releaseFirst(orderKey, entry);
      else if (entry.headAt === "input") this.#parked.add(orderKey);
    }
  }

  /** Drops what is held for somebody who is to be forgotten. */
  async forget(isForgotten: (parcel: Parcel) => boolean): Promise<void> {
    const { held } = this.#options;
    const touched = new Set<string>();
    for await (const [at, parcel] of held.entries()) {
      if (!isForgotten(parcel)) continue;
      // The head is under way; it ends by itself.
      if (
        this.#chains.has(at.key) &&
        this.#options.keys.get(at.key)?.headAt === "held" &&
        this.#options.keys.get(at.key)!.first === at.entry
      )
        continue;
      if (held.get(at) === undefined) continue;
      held.delete(at);
      this.#count("unheld", parcel);
      touched.add(at.key);
    }
    for (const orderKey of touched) this.#trim(orderKey);
  }

  /** What is gone at either end takes no place behind the head. */
  #trim(orderKey: string): void {
    const { keys, held, host } = this.#options;
    const entry = keys.get(orderKey);
    if (entry === undefined || entry.headAt === "held") return;
    let { first, next } = entry;
    while (first < next && held.get({ key: orderKey, entry: first }) === undefined) first++;
    while (first < next && held.get({ key: orderKey, entry: next - 1 }) === undefined) next--;
    keys.put(orderKey, { ...entry, first, next }, host.wallClockMs());
  }
}
