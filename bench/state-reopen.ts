import { performance } from "node:perf_hooks";
import { openWindowStore } from "../state/window-store.ts";
import type { BenchRow } from "./bench-row.ts";
import { fillWindows, spendingValues, textKeys, windowOf, withLevelDisk } from "./state-fixtures.ts";
import { describeRuns } from "./state-measure.ts";

const keys = 100_000;
const windows = 10;
const runs = 5;

/** [engine.reopen] Seconds from opening a store with a million entries, closed cleanly before, to its first get. */
export async function run(): Promise<BenchRow[]> {
  const took = await withLevelDisk(async (disk) => {
    const open = async () =>
      openWindowStore({ name: "bench", database: await disk.open("store"), keys: textKeys, values: spendingValues });
    const filled = await open();
    await fillWindows(filled, keys, windows);
    await filled.close();
    const seconds: number[] = [];
    for (let round = 0; round < runs; round++) {
      const started = performance.now();
      const store = await open();
      const value = store.get(windowOf(round % windows), `customer-${round}`);
      seconds.push((performance.now() - started) / 1000);
      if (value?.payments !== 1) throw new Error("the store lost an entry");
      await store.close();
    }
    return seconds;
  });
  const { median, spread } = describeRuns(took);
  return [{ name: "engine.reopen", value: median, unit: "s", spread, bound: "goal: under 1 s", ratio: null }];
}
