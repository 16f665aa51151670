import { done } from "../runtime/dsl/outcome.ts";
import type { BenchRow } from "./bench-row.ts";
import { callingJob, evenRequests, finish, mappingJob, openBench } from "./calls/calling.ts";
import { profiled } from "./calls/profile.ts";
import { type Rate, Stopwatch } from "./calls/stopwatch.ts";
import { describeRuns } from "./state-measure.ts";

const RUNS = 3;
const KEYS = 1_000;
const RECORDS = 60_000;

/**
 * [calls.overhead] Records a second through a call whose handler returns at once, in order by key: 8 partitions, 1,000 keys, one institution with a circuit,
 * all requests in the topic before, log and disk in memory, a commit each second. Bound: the same job with a map instead of the call, in turn with it. Of
 * both, the records from 20 % to 90 % are timed.
 *
 * [calls.overhead.…] Where a further run with the call spends its processor's time, sampled once a millisecond. What Node or V8 does for a file counts for that
 * file; collecting garbage and turning promises counts for nobody.
 */
export async function run(): Promise<readonly BenchRow[]> {
  await runCalls();
  const [calls, maps]: [number[], number[]] = [[], []];
  for (let n = 0; n < RUNS; n++) {
    maps.push((await runMaps()).perSecond);
    const { perSecond, cpuMicrosEach } = await runCalls();
    calls.push(perSecond);
    process.stderr.write(
      `  calls.overhead: ${Math.round(perSecond).toLocaleString("en")} records/s, ${cpuMicrosEach.toFixed(1)} µs of processor each\n`,
    );
  }
  const [value, bound] = [describeRuns(calls), describeRuns(maps)];
  const shares = await profiled(runCalls);
  return [
    {
      name: "calls.overhead",
      value: Math.round(value.median),
      unit: "records/s",
      spread: value.spread,
      bound: `map instead of call: ${Math.round(bound.median).toLocaleString("en")} records/s (${bound.spread})`,
      ratio: value.median / bound.median,
    },
    ...shares.map(([part, share]) => ({
      ...{ name: `calls.overhead.${part}`, value: Number((share * 100).toFixed(1)), unit: "%" },
      ...{ spread: "one run", bound: "all that the processor did", ratio: null },
    })),
  ];
}

async function runCalls(): Promise<Rate> {
  const stopwatch = new Stopwatch(RECORDS);
  const job = callingJob({
    resource: ({ institution }) => institution,
    orderKey: ({ orderKey }) => orderKey,
    concurrency: 2_000,
    policy: { concurrency: 2_000, circuit: {} },
    handler: (request) => {
      stopwatch.ended();
      return done(request);
    },
  });
  return await runJob(job, stopwatch);
}

function runMaps(): Promise<Rate> {
  const stopwatch = new Stopwatch(RECORDS);
  return runJob(
    mappingJob(() => stopwatch.ended()),
    stopwatch,
  );
}

async function runJob(job: ReturnType<typeof callingJob>, stopwatch: Stopwatch): Promise<Rate> {
  const bench = await openBench(job);
  await bench.write(evenRequests({ keys: KEYS, records: RECORDS }));
  globalThis.gc?.();
  const run = await bench.start();
  const rate = await stopwatch.rate();
  await finish(run, RECORDS);
  return rate;
}
