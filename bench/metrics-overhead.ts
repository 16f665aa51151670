import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { serveWorker } from "../runtime/ops/worker-server.ts";
import type { BenchRow } from "./bench-row.ts";
import { evenRequests, finish, mappingJob, openBench } from "./calls/calling.ts";
import { Stopwatch } from "./calls/stopwatch.ts";
import { describeRuns } from "./state-measure.ts";

const RUNS = 9;
const KEYS = 1_000;
const RECORDS = 300_000;

/**
 * [metrics.overhead] Records a second through a map, from a topic to a topic with 8 partitions, log and disk in memory, while another process asks for
 * GET /metrics once a second. Bound: the same, listening and not asked, in turn with it; the ratio is the median of those of neighbours, since a processor
 * may change its speed in between. Of both, the records from 20 % to 90 % are timed.
 *
 * [metrics.scrape] How long those answers took, as the other process has it: with the job at work on the same event loop.
 */
export async function run(): Promise<readonly BenchRow[]> {
  await runJob(false);
  const [scraped, unscraped, tookMs]: [number[], number[], number[]] = [[], [], []];
  for (let n = 0; n < RUNS; n++) {
    unscraped.push((await runJob(false)).perSecond);
    const { perSecond, scrapes } = await runJob(true);
    scraped.push(perSecond);
    tookMs.push(...scrapes);
  }
  const [value, bound, took] = [describeRuns(scraped), describeRuns(unscraped), describeRuns(tookMs)];
  return [
    {
      name: "metrics.overhead",
      value: Math.round(value.median),
      unit: "records/s",
      spread: value.spread,
      bound: `not asked: ${Math.round(bound.median).toLocaleString("en")} records/s (${bound.spread})`,
      ratio: describeRuns(scraped.map((perSecond, n) => perSecond / unscraped[n]!)).median,
    },
    {
      name: "metrics.scrape",
      value: Number(took.median.toFixed(1)),
      unit: "ms",
      ...{ spread: took.spread, bound: `${tookMs.length} scrapes of a job at work`, ratio: null },
    },
  ];
}

async function runJob(
  isScraped: boolean,
): Promise<{ readonly perSecond: number; readonly scrapes: readonly number[] }> {
  const stopwatch = new Stopwatch(RECORDS);
  const bench = await openBench(mappingJob(() => stopwatch.ended()));
  await bench.write(evenRequests({ keys: KEYS, records: RECORDS }));
  const server = await serveWorker({ host: "127.0.0.1", port: 0 }, { host: "bench", pid: process.pid });
  const scraper = isScraped ? await startScraper(server.identity.address) : undefined;
  globalThis.gc?.();
  const run = await bench.start();
  server.show(run.members, { measures: run.measures });
  const { perSecond } = await stopwatch.rate();
  await finish(run, RECORDS);
  await scraper?.stop();
  await server.close();
  return { perSecond, scrapes: scraper?.scrapes ?? [] };
}

/** Once it has had its first answer: its own start is no part of the run. */
async function startScraper(url: string) {
  const child = fork(path.join(import.meta.dirname, "metrics", "scraper-process.ts"), [url]);
  await once(child, "message");
  const scrapes: number[] = [];
  child.on("message", ({ tookMs }: { readonly tookMs: number }) => void scrapes.push(tookMs));
  return {
    scrapes,
    async stop() {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}
