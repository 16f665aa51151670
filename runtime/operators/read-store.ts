import type { KeyValueStore, Store, TimeIndexedStore, WindowStore } from "../../state/store.ts";
import type { CallStoreName } from "../dsl/call-stores.ts";
import type { Node } from "../dsl/topology.ts";
import type { PlannedStore } from "../plan/plan.ts";
import { compileAccumulator } from "./accumulators.ts";
import type { CompositeKey } from "./composite-key.ts";
import type { Cells } from "./quantity.ts";
import type { SessionEntry } from "./session-entry.ts";
import type { SlidingEntry } from "./sliding-entry.ts";

/** An entry of a store as people see it: aggregates as their results. */
export interface StoredEntry {
  readonly key: unknown;
  readonly value: unknown;
  /** Of windowed aggregates. */
  readonly windowStartMs?: number;
  /** Of a `mapStore`: the key in the map. Of records held by a call: the place in their order. */
  readonly entryKey?: unknown;
}

/** A decoded entry as people see it: several where a key has several windows under it. */
export type EntryView = (key: unknown, value: unknown, windowStartMs?: number) => readonly StoredEntry[];

/** How the entries of a store are seen. Made once a store. */
export function entryView({ planned, node }: { readonly planned: StoreNamed; readonly node: Node }): EntryView {
  if (node.kind !== "aggregate") {
    return hasParts(planned, node)
      ? (key, value) => [{ key: (key as CompositeKey).key, entryKey: (key as CompositeKey).entry, value }]
      : (key, value) => [{ key, value }];
  }
  const accumulator = compileAccumulator(node);
  const resultOf = (cells: unknown) => accumulator.result(cells as Cells);
  switch (planned.kind) {
    case "keyValue":
      return (key, cells) => [{ key, value: resultOf(cells) }];
    case "window":
      return (key, cells, windowStartMs) => [{ key, windowStartMs: windowStartMs!, value: resultOf(cells) }];
    case "timeIndexed":
      return (key, entry) =>
        windowsOf(entry as SessionEntry | SlidingEntry).map(({ startMs, cells }) => ({
          ...{ key, windowStartMs: startMs, value: resultOf(cells) },
        }));
  }
}

type StoreNamed = Pick<PlannedStore, "name" | "kind">;

/** The live entries of a store, read through the step that owns it. */
export async function* readStore(options: {
  readonly planned: PlannedStore;
  readonly node: Node;
  readonly store: Store;
}): AsyncGenerator<StoredEntry> {
  const { planned, store } = options;
  const view = entryView(options);
  if (planned.kind === "window") {
    const entries = (store as WindowStore<unknown, unknown>).scan(-Infinity, Infinity);
    for await (const [windowStartMs, key, value] of entries) yield* view(key, value, windowStartMs);
  } else {
    const entries = (store as KeyValueStore<unknown, unknown> | TimeIndexedStore<unknown, unknown>).entries();
    for await (const [key, value] of entries) yield* view(key, value);
  }
}

const windowsOf = (
  entry: SessionEntry | SlidingEntry,
): readonly { readonly startMs: number; readonly cells: Cells }[] =>
  "sessions" in entry ? entry.sessions : entry.windows;

function hasParts({ name }: StoreNamed, node: Node): boolean {
  if (node.kind === "call") return name === `${node.id}.${"held" satisfies CallStoreName}`;
  return node.kind === "process" && node.stores[name.slice(node.id.length + 1)]?.kind === "map";
}
