import { type InstitutionOverview, institutionsOf, readCircuits } from "../../runtime/ops/circuits-overview.ts";
import type { Clock } from "../../runtime/time/clock.ts";
import type { InstitutionStats } from "../institutions/institution-stats.ts";
import type { DemoOptions } from "./demo-options.ts";
import type { InstitutionsProcess } from "./institutions-process.ts";
import { News } from "./news.ts";
import type { Progress } from "./progress.ts";
import type { Show } from "./show.ts";
import type { Situation } from "./situation.ts";
import type { LogAndRegistry } from "./topic-values.ts";

export interface WatchOptions {
  readonly options: DemoOptions;
  readonly log: LogAndRegistry;
  readonly institutions: InstitutionsProcess;
  readonly progress: Progress;
  readonly show: Show;
  readonly clock: Clock;
  readonly startMs: number;
  /** How many customers have been there. */
  readonly arrived: () => number;
  readonly hasArrived: () => boolean;
}

interface Sample {
  readonly atMs: number;
  readonly ended: number;
  readonly calls: number;
}

/** The last that was heard. */
interface Known {
  overviews: readonly InstitutionOverview[];
  stats: ReadonlyMap<string, InstitutionStats>;
}

const LOOK_EVERY_MS = 1_000;
/** Rates are those of so long. */
const RATE_MS = 3_000;

/** Shows how things stand, again and again until the signal. What is slow to be had is not waited for: the last that is known is shown. */
export async function watch(watched: WatchOptions, signal: AbortSignal): Promise<void> {
  const { log, institutions, show, clock } = watched;
  const known: Known = { overviews: [], stats: new Map() };
  const again = async (everyMs: number, look: () => Promise<void> | void) => {
    for (; !signal.aborted; await clock.sleep(everyMs, signal)) await look();
  };
  const look = looking(watched);
  await Promise.all([
    again(LOOK_EVERY_MS, async () => {
      const circuits = await readCircuits(log.log, "collect");
      known.overviews = institutionsOf(circuits, clock.now());
    }),
    again(LOOK_EVERY_MS, async () => {
      known.stats = await institutions.stats();
    }),
    again(show.everyMs, () => look(known)),
  ]);
}

/** Puts together what is known, and shows it. */
function looking({ options, progress, show, clock, startMs, ...watched }: WatchOptions): (known: Known) => void {
  const news = new News(options);
  const samples: Sample[] = [];
  return ({ overviews, stats }) => {
    const nowMs = clock.now();
    const elapsedMs = nowMs - startMs;
    const latest = news.look(elapsedMs, overviews, { hasArrived: watched.hasArrived() });
    const calls = [...stats.values()].reduce((sum, { requests }) => sum + requests, 0);
    samples.push({ atMs: nowMs, ended: progress.ended, calls });
    while (samples.length > 2 && nowMs - samples[1]!.atMs >= RATE_MS) samples.shift();
    const situation: Situation = {
      ...{ nowMs, elapsedMs, stats, news: news.items },
      customers: {
        ...{ all: options.customers, arrived: watched.arrived() },
        ...{ profiles: progress.profiles, complete: progress.complete },
      },
      requests: {
        ...{ sent: progress.requested, ended: progress.ended },
        endedPerSecond: rateOf(samples, ({ ended }) => ended),
      },
      calls: { all: calls, perSecond: rateOf(samples, (sample) => sample.calls) },
      overviews: new Map(overviews.map((overview) => [overview.resource, overview])),
    };
    show.situation(situation, latest);
  };
}

function rateOf(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const seconds = (last.atMs - first.atMs) / 1000;
  return seconds === 0 ? 0 : Math.round((of(last) - of(first)) / seconds);
}
