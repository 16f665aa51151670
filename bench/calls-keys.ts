import type { BenchRow } from "./bench-row.ts";
import { runChains, runTimedCalls, type TimedCalls } from "./calls/timed-calls.ts";
import { describeRuns } from "./state-measure.ts";

const RUNS = 3;
const CASES: readonly (TimedCalls & { readonly name: string })[] = [
  { name: "calls.keys1000.10ms", keys: 1_000, records: 60_000, callMs: 10, concurrency: 2_000 },
  { name: "calls.keys1000.35ms", keys: 1_000, records: 40_000, callMs: 35, concurrency: 2_000 },
  { name: "calls.keys1000.50ms", keys: 1_000, records: 30_000, callMs: 50, concurrency: 2_000 },
  { name: "calls.keys1000.100ms", keys: 1_000, records: 20_000, callMs: 100, concurrency: 2_000 },
  { name: "calls.keys100000.100ms", keys: 100_000, records: 150_000, callMs: 100, concurrency: 10_000 },
];

/**
 * [calls.keys1000, calls.keys100000] Calls a second that one worker brings to their end, in order by key: 8 partitions, all requests in the
 * topic before, one institution that is a timer of this length, a circuit around it, and more permits than keys; with 100,000 keys the permits
 * (10,000) are the limit. Log and disk are in memory, and results are committed each second. Bound: as many chains of bare setTimeout as calls
 * can be under way, in turn with the job. Of both, the ends from 20 % to 90 % of the records are timed.
 */
export async function run(): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  await runTimedCalls({ ...CASES[0]!, records: 20_000 });
  for (const each of CASES) rows.push(await measure(each));
  return rows;
}

async function measure({ name, ...calls }: (typeof CASES)[number]): Promise<BenchRow> {
  const [job, chains]: [number[], number[]] = [[], []];
  for (let n = 0; n < RUNS; n++) {
    chains.push((await runChains(calls)).perSecond);
    const { perSecond, cpuMicrosEach } = await runTimedCalls(calls);
    job.push(perSecond);
    const rate = Math.round(perSecond).toLocaleString("en");
    process.stderr.write(`  ${name}: ${rate} records/s, ${cpuMicrosEach.toFixed(1)} µs of processor each\n`);
  }
  const [value, bound] = [describeRuns(job), describeRuns(chains)];
  return {
    name,
    value: Math.round(value.median),
    unit: "records/s",
    spread: value.spread,
    bound: `bare timers: ${Math.round(bound.median).toLocaleString("en")} records/s (${bound.spread})`,
    ratio: value.median / bound.median,
  };
}
