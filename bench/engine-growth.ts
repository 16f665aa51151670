import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { levelDisk } from "../state/level-disk.ts";
import type { BenchRow } from "./bench-row.ts";
import { type Events, makeEvents } from "./engine-fixtures.ts";
import { runEngine } from "./engine-run.ts";
import { describeRuns } from "./state-measure.ts";

const RECORDS = 500_000;
const RUNS = 5;
const KEYS = [10_000, 100_000, 1_000_000];

/**
 * [engine.growth] What a record costs as the number of keys grows: the path of engine.subtopology with 10,000, 100,000 and 1,000,000
 * Zipf(0.99) keys, 500,000 records, the sizes in turn. More keys mean more changed entries a commit and fewer hits in memory. The bound
 * is the smallest, measured in the same run.
 */
export async function run(): Promise<readonly BenchRow[]> {
  const sizes: { readonly keys: number; readonly events: Events; readonly runs: number[] }[] = [];
  for (const keys of KEYS) sizes.push({ keys, events: await makeEvents({ records: RECORDS, keys }), runs: [] });
  for (let n = 0; n < RUNS; n++) for (const { events, runs } of sizes) runs.push(await measure(events));
  const fewest = describeRuns(sizes[0]!.runs).median;
  return sizes.map(({ keys, runs }) => {
    const { median, spread } = describeRuns(runs);
    return {
      name: `engine.growth, ${keys.toLocaleString("en")} keys`,
      value: Math.round(median),
      unit: "ns/record",
      spread,
      bound: `with ${KEYS[0]!.toLocaleString("en")} keys: ${Math.round(fewest)} ns/record`,
      ratio: fewest / median,
    };
  });
}

async function measure(events: Events): Promise<number> {
  const root = await mkdtemp(join(tmpdir(), "mulgil-engine-"));
  try {
    globalThis.gc?.();
    const { seconds } = await runEngine(events, await levelDisk(root).open("engine"));
    return (seconds / RECORDS) * 1e9;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
