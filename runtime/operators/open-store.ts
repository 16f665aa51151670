import type { Database } from "../../state/disk.ts";
import { openKeyValueStore } from "../../state/key-value-store.ts";
import type { Store } from "../../state/store.ts";
import { openTimeIndexedStore } from "../../state/time-indexed-store.ts";
import { openWindowStore } from "../../state/window-store.ts";
import { type StoreOfStep, storeCodecs } from "./store-codecs.ts";

export interface OpenStoreOptions extends StoreOfStep {
  readonly database: Database;
}

/** Opens a store with the layout that its step reads and writes. */
export function openPlannedStore(options: OpenStoreOptions): Promise<Store> {
  const { planned, database } = options;
  const { keys, values } = storeCodecs(options);
  const opened = { name: planned.name, database, keys, values };
  switch (planned.kind) {
    case "keyValue":
      return openKeyValueStore(opened);
    case "window":
      return openWindowStore(opened);
    case "timeIndexed":
      return openTimeIndexedStore(opened);
  }
}
