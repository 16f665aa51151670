import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { done } from "../runtime/dsl/outcome.ts";
import type { BenchRow } from "./bench-row.ts";
import { callingJob, openBench, type Request } from "./calls/calling.ts";
import { describeRuns } from "./state-measure.ts";

const RUNS = 6;
const INSTITUTIONS = 50;
/** The last two of them are in trouble. */
const WELL = INSTITUTIONS - 2;
const NEVER_ANSWERS = INSTITUTIONS - 2;
const REQUESTS_PER_SECOND_EACH = 20;
const SECONDS = 2.5;
const WARM_UP_MS = 500;
const CALL_MS = 50;
const SLOW_CALL_MS = 1_000;
const TICK_MS = 5;

interface Measured {
  readonly perSecond: number;
  readonly p99Ms: number;
}

/**
 * [calls.isolation] What two institutions in trouble take from 48 others: each of the 50 gets 20 requests a second by a schedule, however the job keeps up. The others answer
 * after 50 ms; one never answers and is given up after a second each time; one answers after a second, so that more comes than it can take. One worker, the
 * default policy but for the time-out, 8 partitions, log and disk in memory. Bound: the same schedule without those two, in turn, each first in every second round. A latency
 * is from when a request is due to the end of its call. The first half second is left
 * out. The ratio is the median of those of neighbouring runs, which saw the same machine.
 */
export async function run(): Promise<readonly BenchRow[]> {
  const [alone, together]: [Measured[], Measured[]] = [[], []];
  for (let n = 0; n < RUNS; n++) {
    const order = n % 2 === 0 ? [alone, together] : [together, alone];
    for (const runs of order) runs.push(await measure(runs === together));
  }
  return [
    rowOf("calls.isolation.throughput", "records/s", { alone, together }, ({ perSecond }) => perSecond),
    rowOf("calls.isolation.p99", "ms", { alone, together }, ({ p99Ms }) => p99Ms),
  ];
}

function rowOf(
  name: string,
  unit: "records/s" | "ms",
  { alone, together }: { readonly alone: readonly Measured[]; readonly together: readonly Measured[] },
  figureOf: (measured: Measured) => number,
): BenchRow {
  const ratios = together.map((measured, n) => {
    const ratio = figureOf(measured) / figureOf(alone[n]!);
    return unit === "ms" ? 1 / ratio : ratio;
  });
  const [value, bound] = [describeRuns(together.map(figureOf)), describeRuns(alone.map(figureOf))];
  return {
    ...{ name, unit, value: Number(value.median.toPrecision(4)), spread: value.spread },
    bound: `without the two in trouble: ${Number(bound.median.toPrecision(4)).toLocaleString("en")} ${unit} (${bound.spread})`,
    ratio: describeRuns(ratios).median,
  };
}

/** The 48, beside the two in trouble or not. */
async function measure(isTroubled: boolean): Promise<Measured> {
  const latencies: number[] = [];
  let [beganMs, endedMs] = [Infinity, 0];
  const bench = await openBench(
    callingJob({
      resource: ({ institution }) => institution,
      orderKey: ({ orderKey }) => orderKey,
      policy: { timeout: "1 second" },
      handler: async (request, { signal }) => {
        const { institution, dueMs } = request;
        await answer(institution, signal);
        const nowMs = performance.now();
        if (isWell(institution) && dueMs >= beganMs && dueMs < endedMs) latencies.push(nowMs - dueMs);
        return done(request);
      },
    }),
  );
  globalThis.gc?.();
  const run = await bench.start();
  await bench.write(requestsDue(0, isTroubled));
  // Everybody has a task, and has been called once.
  await sleep(500);
  const startMs = performance.now();
  beganMs = startMs + WARM_UP_MS;
  endedMs = startMs + SECONDS * 1_000;
  const eachMs = 1_000 / REQUESTS_PER_SECOND_EACH;
  for (let dueMs = startMs; dueMs < endedMs; dueMs += eachMs) {
    while (performance.now() < dueMs) await sleep(Math.min(TICK_MS, dueMs - performance.now()));
    await bench.write(requestsDue(dueMs, isTroubled));
  }
  await sleep(10 * CALL_MS);
  await run.stop();
  latencies.sort((a, b) => a - b);
  const seconds = (endedMs - beganMs) / 1_000;
  return { perSecond: latencies.length / seconds, p99Ms: latencies[Math.floor(latencies.length * 0.99)]! };
}

let sequence = 0;

function* requestsDue(dueMs: number, isTroubled: boolean): Generator<readonly [number, Request]> {
  for (let n = 0; n < (isTroubled ? INSTITUTIONS : WELL); n++) {
    const customer = sequence++;
    yield [customer, { orderKey: `customer-${customer}`, institution: String(n), sequence: 0, dueMs }];
  }
}

const isWell = (institution: string): boolean => Number(institution) < WELL;

async function answer(institution: string, signal: AbortSignal): Promise<void> {
  if (isWell(institution)) await sleep(CALL_MS);
  else if (Number(institution) === NEVER_ANSWERS) await new Promise((_, reject) => onAbort(signal, reject));
  else await sleep(SLOW_CALL_MS);
}

function onAbort(signal: AbortSignal, reject: (reason: unknown) => void): void {
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
}
