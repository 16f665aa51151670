import { done } from "../runtime/dsl/outcome.ts";
import type { BenchRow } from "./bench-row.ts";
import { callingJob, evenRequests, finish, openBench } from "./calls/calling.ts";
import { describeRuns } from "./state-measure.ts";

const RUNS = 3;
const IN_FLIGHT = 100_000;

/**
 * [calls.keys100000.retained] Bytes on the heap and outside it that a record holds while its call is under way: 100,000 requests, each of a key of its own, 8
 * partitions, all called at once by handlers that wait. Measured after a collection, less what there was before the job began (the log among it), divided by
 * the records.
 */
export async function run(): Promise<readonly BenchRow[]> {
  const retained: number[] = [];
  for (let n = 0; n < RUNS; n++) retained.push(await bytesEach());
  const { median, spread } = describeRuns(retained);
  return [
    {
      name: "calls.keys100000.retained",
      value: Math.round(median),
      unit: "bytes",
      spread,
      bound: "goal: at most 4,096 bytes for a record in flight",
      ratio: null,
    },
  ];
}

async function bytesEach(): Promise<number> {
  const called = Promise.withResolvers<void>();
  const waiting: (() => void)[] = [];
  const bench = await openBench(
    callingJob({
      resource: ({ institution }) => institution,
      orderKey: ({ orderKey }) => orderKey,
      concurrency: IN_FLIGHT,
      policy: { concurrency: IN_FLIGHT, timeout: "5 minutes" },
      handler: (request) =>
        new Promise((resolve) => {
          waiting.push(() => resolve(done(request)));
          if (waiting.length === IN_FLIGHT) called.resolve();
        }),
    }),
  );
  await bench.write(evenRequests({ keys: IN_FLIGHT, records: IN_FLIGHT }));
  const before = usedBytes();
  const run = await bench.start();
  await called.promise;
  const bytes = usedBytes() - before;
  for (const end of waiting) end();
  await finish(run, IN_FLIGHT);
  return bytes / IN_FLIGHT;
}

function usedBytes(): number {
  if (globalThis.gc === undefined) throw new Error("memory is only measured with --expose-gc");
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
