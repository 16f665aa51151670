import { openTelemetryTracer } from "../runtime/trace/opentelemetry.ts";
import type { Tracer } from "../runtime/trace/tracer.ts";
import { TaskTrace } from "../runtime/worker/task-trace.ts";
import type { BenchRow } from "./bench-row.ts";
import { evenRequests, finish, mappingJob, openBench } from "./calls/calling.ts";
import { type Rate, Stopwatch } from "./calls/stopwatch.ts";
import { describeRuns } from "./state-measure.ts";

const RUNS = 7;
const KEYS = 1_000;
const RECORDS = 60_000;
const STEPS = 5_000_000;
const GOAL_PERCENT = 2;
/** One record in a thousand. */
const RATIO = 0.001;

/**
 * [tracing.overhead] What tracing costs a record that is not traced, while one in a thousand is: what a task does for it (look at the headers and the offset,
 * and once at its output), over five million records, as a share of the processor's time for a record of the job of calls.overhead with a map and
 * without tracing. The goal is under 2 %.
 *
 * [tracing.overhead.job] Processor's microseconds a record of that job with the tracer, one record in a thousand traced. Bound: without it, in turn. Both are
 * medians on a machine that others use, and swing by more than the difference: the row above is the one that can be trusted.
 */
export async function run(): Promise<readonly BenchRow[]> {
  const { AlwaysOnSampler, TracerProvider } = await import("@opentelemetry/sdk-trace");
  const provider = new TracerProvider({ sampler: new AlwaysOnSampler() });
  const tracer = openTelemetryTracer({ provider, sampling: { ratio: RATIO, isParentBased: true }, system: "mulgil" });
  const [without, traced, nanoseconds]: [number[], number[], number[]] = [[], [], []];
  await runJob(undefined);
  for (let n = 0; n < RUNS; n++) {
    without.push((await runJob(undefined)).cpuMicrosEach);
    traced.push((await runJob(tracer)).cpuMicrosEach);
    nanoseconds.push(perRecord({ ...tracer, sampling: { ratio: 1e-9, isParentBased: true } }));
  }
  const [bare, full, cost] = [describeRuns(without), describeRuns(traced), describeRuns(nanoseconds)];
  return [
    {
      name: "tracing.overhead",
      value: Number(((cost.median / (bare.median * 1_000)) * 100).toFixed(2)),
      unit: "%",
      spread: `${cost.spread} ns a record`,
      bound: `goal: ${GOAL_PERCENT} %; a record without tracing: ${bare.median.toFixed(2)} µs (${bare.spread})`,
      ratio: null,
    },
    {
      name: "tracing.overhead.job",
      value: Number(full.median.toFixed(2)),
      unit: "µs/record",
      spread: full.spread,
      bound: `without tracing: ${bare.median.toFixed(2)} µs (${bare.spread})`,
      ratio: bare.median / full.median,
    },
  ];
}

/** Nanoseconds for a record that is not traced. */
function perRecord(tracer: Tracer): number {
  const task = new TaskTrace({ tracer, job: "bench", task: "requests_0", sources: ["requests"] });
  const records = Array.from({ length: 1_000 }, (_, offset) => ({
    topic: "requests",
    partition: 0,
    raw: { offset, timestampMs: 0, key: null, value: null, headers: undefined },
  }));
  const started = process.cpuUsage();
  let headers = 0;
  for (let n = 0; n < STEPS; n++) {
    task.begin(records[n % records.length]!);
    if (task.headersFor("results", null) !== undefined) headers++;
  }
  const { user, system } = process.cpuUsage(started);
  const nanoseconds = ((user + system) * 1_000) / STEPS;
  if (headers > 0) throw new Error(`${headers} records were traced`);
  return nanoseconds;
}

async function runJob(tracer: Tracer | undefined): Promise<Rate> {
  const stopwatch = new Stopwatch(RECORDS);
  const bench = await openBench(
    mappingJob(() => stopwatch.ended()),
    tracer,
  );
  await bench.write(evenRequests({ keys: KEYS, records: RECORDS }));
  globalThis.gc?.();
  const run = await bench.start();
  const rate = await stopwatch.rate();
  await finish(run, RECORDS);
  return rate;
}
