import { done } from "../../runtime/dsl/outcome.ts";
import { callingJob, evenRequests, finish, openBench, type Request } from "./calling.ts";
import { type Rate, Stopwatch } from "./stopwatch.ts";

export interface TimedCalls {
  readonly keys: number;
  readonly records: number;
  /** How long the institution takes for a call. */
  readonly callMs: number;
  /** Calls under way at once. */
  readonly concurrency: number;
}

/** Ends of calls a second, of a job whose institution is a timer. Fails if a result is missing, or a key's calls are out of order or overlap. */
export async function runTimedCalls({ keys, records, callMs, concurrency }: TimedCalls): Promise<Rate> {
  const stopwatch = new Stopwatch(records);
  const ended = new Map<string, number>();
  const begun = new Map<string, number>();
  const handler = (request: Request) => {
    const { orderKey, sequence } = request;
    if (sequence !== (ended.get(orderKey) ?? 0) || begun.get(orderKey) === sequence)
      throw new Error(`${orderKey} is called out of order`);
    begun.set(orderKey, sequence);
    return new Promise<ReturnType<typeof done<Request>>>((resolve) => {
      setTimeout(() => {
        ended.set(orderKey, sequence + 1);
        stopwatch.ended();
        resolve(done(request));
      }, callMs);
    });
  };
  const bench = await openBench(
    callingJob({
      resource: ({ institution }) => institution,
      orderKey: ({ orderKey }) => orderKey,
      concurrency,
      policy: { concurrency, timeout: "5 seconds", circuit: {}, retry: { attemptsMax: 1 } },
      handler,
    }),
  );
  await bench.write(evenRequests({ keys, records }));
  globalThis.gc?.();
  const run = await bench.start();
  const rate = await stopwatch.rate();
  await finish(run, records);
  return rate;
}

/** The same timers without a job: as many chains as may be under way, one call after the other in each. */
export async function runChains({ keys, records, callMs, concurrency }: TimedCalls): Promise<Rate> {
  const chains = Math.min(keys, concurrency);
  const stopwatch = new Stopwatch(records);
  globalThis.gc?.();
  let left = records - chains;
  const next = () => {
    stopwatch.ended();
    if (left-- > 0) setTimeout(next, callMs);
  };
  for (let chain = 0; chain < chains; chain++) setTimeout(next, callMs);
  return await stopwatch.rate();
}
