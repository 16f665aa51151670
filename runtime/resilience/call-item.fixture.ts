import type { KeyValueStore } from "../../state/store.ts";
import type { CallItem, Origin } from "./call-item.ts";
import { InputProgress } from "./input-progress.ts";
import { type Parcel, untravelled } from "./parcel.ts";

/** A store in a Map; `crash` forgets what no commit covers. Of a store's life a call's order knows these methods alone. */
export class MapStore<K, V> {
  #entries = new Map<string, readonly [K, V]>();
  #committed = new Map<string, readonly [K, V]>();

  /** As what a call's order takes. */
  get asStore(): KeyValueStore<K, V> {
    return this as unknown as KeyValueStore<K, V>;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    return this.#entries.get(JSON.stringify(key))?.[1];
  }

  put(key: K, value: V): void {
    this.#entries.set(JSON.stringify(key), [key, value]);
  }

  delete(key: K): void {
    this.#entries.delete(JSON.stringify(key));
  }

  async *entries(): AsyncGenerator<readonly [K, V]> {
    yield* [...this.#entries.values()];
  }

  commit(): void {
    this.#committed = new Map(this.#entries);
  }

  crash(): void {
    this.#entries = new Map(this.#committed);
  }
}

export interface ItemOptions {
  readonly offset: number;
  readonly orderKey?: string | undefined;
  readonly resource?: string;
  readonly origin?: Origin;
  readonly parcel?: Parcel;
  readonly version?: number;
}

export const parcelAt = (offset: number): Parcel => ({
  ...{ topic: "requests", partition: 0, offset, timestampMs: 0, key: null, value: Buffer.from(String(offset)) },
  ...{ headers: undefined, travel: untravelled, address: undefined },
});

const progress = new InputProgress(undefined);

/** Where a record comes from, for those that do not look at how far their input is. */
export const fromInput = (offset: number, isResumed = false): Origin => ({
  ...{ kind: "input", progress, offset, isTier: false, isResumed },
});
export const fromTier = (offset: number): Origin => ({
  ...{ kind: "input", progress, offset, isTier: true, isResumed: false },
});

export function itemAt({ offset, orderKey, resource = "bank", origin, parcel, version }: ItemOptions): CallItem {
  const address = { resource, orderKey, subject: undefined };
  return {
    origin: origin ?? fromInput(offset),
    parcel: { ...(parcel ?? parcelAt(offset)), address },
    address,
    ...{ key: null, value: offset, timestampMs: 0, version: version ?? offset, abort: undefined },
  };
}
