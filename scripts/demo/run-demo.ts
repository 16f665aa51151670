import path from "node:path";
import analyse from "../../jobs/mydata/analyse.ts";
import classify from "../../jobs/mydata/classify.ts";
import { collect } from "../../jobs/mydata/collect.ts";
import type { Institutions } from "../../jobs/mydata/institutions.ts";
import { planCollection } from "../../jobs/mydata/plan-collection.ts";
import profile from "../../jobs/mydata/profile.ts";
import { terminate } from "../../jobs/mydata/terminate.ts";
import { topicAgesWith } from "../../jobs/mydata/topic-ages.ts";
import { compile, type Job, type JobsRun, startJobs } from "../../runtime/index.ts";
import type { Clock } from "../../runtime/time/clock.ts";
import { withLog } from "../environment/open-log.ts";
import type { Check } from "./check.ts";
import type { DemoOptions } from "./demo-options.ts";
import { generateVisits, UNKNOWN_CLICKS, type Visit } from "./generate-visits.ts";
import type { InstitutionsProcess } from "./institutions-process.ts";
import { Progress } from "./progress.ts";
import { reconcile } from "./reconcile.ts";
import { Service } from "./service.ts";
import type { Show } from "./show.ts";
import { behaviourOf, DOWN, definitions, tableOf } from "./trouble.ts";
import { watch } from "./watch.ts";

export interface DemoEnvironment {
  /** An empty folder. */
  readonly home: string;
  readonly institutions: InstitutionsProcess;
  readonly clock: Clock;
  /** 25 characters, new with each call. */
  readonly newTransactionId: () => string;
  readonly show: Show;
  /** Told of what happens to the jobs that should not. */
  readonly say: (line: string) => void;
}

/** Short, so that all of it is over in a minute. */
const TIERS = ["1 second", "2 seconds", "5 seconds"];
const TROUBLE = {
  circuit: { window: "4 seconds", callsMin: 10, openFor: "2 seconds", openForMax: "4 seconds" },
  retry: { backoff: "1 second", attemptsMax: 50 },
} as const;
/** Behind that long a quiet the jobs have published what they held back to publish it at once. */
const PUBLISHED_MS = 2_000;

/** Runs the system until everything is collected, and counts what came of it. */
export async function runDemo(options: DemoOptions, environment: DemoEnvironment): Promise<readonly Check[]> {
  const { home, institutions, clock } = environment;
  const dataDir = path.join(home, "data");
  const visits = generateVisits(options);
  const jobs = jobsOf(tableOf(institutions.urlOf), environment);
  await withLog({ dataDir }, ({ log, registry }) => Service.open(log, registry, clock));
  const run = await startJobs(jobs, {
    dataDir,
    onEvent: (event) => {
      if (["restarting", "quarantined", "lost"].includes(event.kind)) environment.say(JSON.stringify(event));
    },
  });
  let startMs: number;
  try {
    startMs = await played(options, environment, { dataDir, visits, run });
  } finally {
    await run.stop();
  }
  const stats = await institutions.stats();
  return await withLog({ dataDir }, async (log) =>
    reconcile({
      ...{ log, stats },
      dlqTopics: jobs.map((job) => compile(job).dlqTopic),
      onPurpose: new Map([["MYDATA_UNKNOWN_ACTION", UNKNOWN_CLICKS]]),
      outage: {
        institution: DOWN,
        fromMs: startMs + options.outage.fromMs,
        untilMs: startMs + options.outage.untilMs,
      },
      left: new Set(visits.filter(({ action }) => action === "leave").map(({ customerId }) => customerId)),
    }),
  );
}

interface Played {
  readonly dataDir: string;
  readonly visits: readonly Visit[];
  readonly run: JobsRun;
}

/** Plays the visits, and shows how they are dealt with until nothing is left to do. Returns when the first customer came. */
async function played(options: DemoOptions, environment: DemoEnvironment, played: Played): Promise<number> {
  const { institutions, clock, show } = environment;
  const { dataDir, visits, run } = played;
  return await withLog({ dataDir }, async ({ log, registry }) => {
    const over = new AbortController();
    const progress = new Progress();
    const service = await Service.open(log, registry, clock);
    const startMs = clock.now();
    for (const { id } of definitions) await institutions.configure(id, behaviourOf(id, startMs, options));
    const arrived = new Set<string>();
    let hasArrived = false;
    const watching = watch(
      {
        ...{ options, log: { log, registry }, institutions, progress, show, clock, startMs },
        arrived: () => arrived.size,
        hasArrived: () => hasArrived,
      },
      over.signal,
    );
    const following = progress.follow({ log, registry }, over.signal);
    const working = async () => {
      await service.play(visits, startMs, (some) => {
        for (const { customerId } of some) arrived.add(customerId);
      });
      hasArrived = true;
      await run.untilIdle();
      await clock.sleep(PUBLISHED_MS);
      await run.untilIdle();
    };
    try {
      const never = new Promise<never>((_, reject) => {
        watching.catch(reject);
        following.catch(reject);
        run.finished.catch(reject);
      });
      await Promise.race([working(), never]);
    } finally {
      over.abort();
      await Promise.allSettled([watching, following]);
      show.close();
    }
    return startMs;
  });
}

const jobsOf = (institutions: Institutions, { clock, newTransactionId }: DemoEnvironment): readonly Job[] => [
  planCollection(institutions),
  collect({
    ...{ institutions, newTransactionId, now: clock.now, tiers: TIERS, trouble: TROUBLE },
    fetch: (url, init) => fetch(url, init),
  }),
  classify,
  analyse,
  profile,
  terminate(topicAgesWith(TIERS)),
];
