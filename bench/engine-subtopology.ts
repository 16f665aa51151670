import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { levelDisk } from "../state/level-disk.ts";
import type { BenchRow } from "./bench-row.ts";
import { runByHand } from "./engine-by-hand.ts";
import { type Events, makeEvents } from "./engine-fixtures.ts";
import { type RunResult, runEngine } from "./engine-run.ts";
import { describeRuns } from "./state-measure.ts";

const RECORDS = 1_000_000;
const KEYS = 100_000;
const RUNS = 5;

/**
 * [engine.subtopology] How many records a second one sub-topology processes on one core, without a network: decode an event of 17 leaves
 * (Avro, Confluent frame, 170 bytes) to 4 fields → filter → tumbling count and sum → the latest result of each changed key at
 * each commit, built and dropped → changelog bytes and LevelDB. 100,000 Zipf(0.99) keys, 6 windows one after the other, a commit each
 * 10,000 records, whose LevelDB write overlaps the next records. Bound: the same work in a loop written by hand, in turn with the engine.
 */
export async function run(): Promise<readonly BenchRow[]> {
  const events = await makeEvents({ records: RECORDS, keys: KEYS });
  const [engine, byHand]: [number[], number[]] = [[], []];
  for (let n = 0; n <= RUNS; n++) {
    const measured = await inDirectory((root) => measure(events, root));
    if (measured.engine.results !== measured.byHand.results || measured.engine.total !== measured.byHand.total) {
      throw new Error("the engine and the loop by hand have different results");
    }
    // The first warms up.
    if (n === 0) continue;
    engine.push(RECORDS / measured.engine.seconds);
    byHand.push(RECORDS / measured.byHand.seconds);
  }
  const [value, bound] = [describeRuns(engine), describeRuns(byHand)];
  return [
    {
      name: "engine.subtopology",
      value: Math.round(value.median),
      unit: "records/s",
      spread: value.spread,
      bound: `loop written by hand: ${Math.round(bound.median).toLocaleString("en")} records/s (${bound.spread})`,
      ratio: value.median / bound.median,
    },
  ];
}

async function measure(
  events: Events,
  root: string,
): Promise<{ readonly engine: RunResult; readonly byHand: RunResult }> {
  globalThis.gc?.();
  const byHand = await runByHand(events, join(root, "by-hand"));
  globalThis.gc?.();
  const engine = await runEngine(events, await levelDisk(root).open("engine"));
  return { engine, byHand };
}

async function inDirectory<T>(use: (root: string) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), "mulgil-engine-"));
  try {
    return await use(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
