import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openWindowStore } from "../state/window-store.ts";
import type { BenchRow } from "./bench-row.ts";
import { fillWindows, spendingValues, textKeys, windowOf, withLevelDisk } from "./state-fixtures.ts";
import { describeRuns } from "./state-measure.ts";

const keys = 100_000;
const windows = 10;
const runs = 3;
const kibInMiB = 1024;
const childArgument = "--fill";

/** [engine.memory] The highest resident memory of a process that fills a million open windows, a commit each 10,000 entries. */
export async function run(): Promise<BenchRow[]> {
  const filled: number[] = [];
  const empty: number[] = [];
  for (let round = 0; round < runs; round++) {
    empty.push(await residentMiB(0));
    filled.push(await residentMiB(keys));
  }
  const bound = describeRuns(empty);
  const { median, spread } = describeRuns(filled);
  return [
    {
      name: "engine.memory",
      value: Math.round(median),
      unit: "MiB",
      spread,
      bound: `goal: at most 400 MB; ${Math.round(bound.median)} MiB is the same process with an empty store`,
      ratio: null,
    },
  ];
}

async function residentMiB(keysToFill: number): Promise<number> {
  const script = fileURLToPath(import.meta.url);
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...process.execArgv,
    script,
    childArgument,
    String(keysToFill),
  ]);
  return Number(stdout);
}

async function fill(keysToFill: number): Promise<void> {
  await withLevelDisk(async (disk) => {
    const store = await openWindowStore({
      name: "bench",
      database: await disk.open("store"),
      keys: textKeys,
      values: spendingValues,
    });
    await fillWindows(store, keysToFill, windows);
    if (keysToFill > 0 && store.get(windowOf(0), "customer-0")?.payments !== 1)
      throw new Error("the store lost an entry");
    await store.close();
  });
  process.stdout.write(String((await highestResidentKiB()) / kibInMiB));
}

/** Linux counts in maxRSS what the parent had before it started this process. */
async function highestResidentKiB(): Promise<number> {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS;
  const status = await readFile("/proc/self/status", "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]);
}

if (process.argv[2] === childArgument) await fill(Number(process.argv[3]));
