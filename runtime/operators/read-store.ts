import type { KeyValueStore, Store, TimeIndexedStore, WindowStore } from "../../state/store.ts";
import type { AggregateNode, Node } from "../dsl/topology.ts";
import type { PlannedStore } from "../plan/plan.ts";
import { type Accumulator, compileAccumulator } from "./accumulators.ts";
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
  /** Of a `mapStore`: the key in the map. */
  readonly entryKey?: unknown;
}

/** The live entries of a store, read through the step that owns it. */
export async function* readStore(options: {
  readonly planned: PlannedStore;
  readonly node: Node;
  readonly store: Store;
}): AsyncGenerator<StoredEntry> {
  const { planned, node, store } = options;
  if (node.kind === "aggregate") return yield* readAggregates(planned, node, store);
  const isMap = node.kind === "process" && node.stores[planned.name.slice(node.id.length + 1)]?.kind === "map";
  for await (const [key, value] of (store as KeyValueStore<unknown, unknown>).entries()) {
    yield isMap ? { key: (key as CompositeKey).key, entryKey: (key as CompositeKey).entry, value } : { key, value };
  }
}

async function* readAggregates(planned: PlannedStore, node: AggregateNode, store: Store): AsyncGenerator<StoredEntry> {
  const accumulator = compileAccumulator(node);
  if (planned.kind === "window") {
    for await (const [windowStartMs, key, cells] of (store as WindowStore<unknown, Cells>).scan(-Infinity, Infinity)) {
      yield { key, windowStartMs, value: accumulator.result(cells) };
    }
  } else if (planned.kind === "keyValue") {
    for await (const [key, cells] of (store as KeyValueStore<unknown, Cells>).entries())
      yield { key, value: accumulator.result(cells) };
  } else {
    const entries = (store as TimeIndexedStore<unknown, SessionEntry | SlidingEntry>).entries();
    for await (const [key, entry] of entries)
      for (const window of windowsOf(entry)) yield opened(key, window, accumulator);
  }
}

const windowsOf = (
  entry: SessionEntry | SlidingEntry,
): readonly { readonly startMs: number; readonly cells: Cells }[] =>
  "sessions" in entry ? entry.sessions : entry.windows;

const opened = (
  key: unknown,
  { startMs, cells }: { readonly startMs: number; readonly cells: Cells },
  accumulator: Accumulator,
): StoredEntry => ({
  key,
  windowStartMs: startMs,
  value: accumulator.result(cells),
});
