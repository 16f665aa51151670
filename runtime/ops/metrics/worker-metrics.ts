import { collectDefaultMetrics, Registry } from "prom-client";
import type { Clock } from "../../time/clock.ts";
import type { InputMeasures, JobMeasures } from "../../worker/measures.ts";
import { unreadyReason } from "../http/readiness.ts";
import type { RunFunctions } from "../http/worker-routes.ts";
import { packageVersion } from "../package-version.ts";
import { metricFamilies } from "./families.ts";
import { asMetric } from "./metric-family.ts";
import { type ProcessView, viewKey } from "./process-view.ts";
import { Sampled } from "./sampled.ts";
import { lagOf } from "./task-families.ts";

const ENDS_EVERY_MS = 10_000;
const STATE_EVERY_MS = 60_000;

/**
 * What a process tells Prometheus. The engine counts in plain fields; everything here happens when somebody scrapes, and what would have to be waited
 * for is as of the last look.
 */
export class WorkerMetrics {
  readonly #clock: Clock;
  readonly #registry = new Registry();
  readonly #version = packageVersion();
  readonly #ends: Sampled<ReadonlyMap<string, number>>;
  readonly #stateBytes: Sampled<ReadonlyMap<string, number>>;
  readonly #refusedLogins = new Map<string, number>();
  #behindSinceMs: ReadonlyMap<string, number> = new Map();
  #view: ProcessView | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#ends = new Sampled({ clock, everyMs: ENDS_EVERY_MS, first: new Map() });
    this.#stateBytes = new Sampled({ clock, everyMs: STATE_EVERY_MS, first: new Map() });
    collectDefaultMetrics({ register: this.#registry });
    for (const family of metricFamilies) this.#registry.registerMetric(asMetric(family, () => this.#view!));
  }

  /** Of what `text` gives. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  loginRefused(reason: string): void {
    this.#refusedLogins.set(reason, (this.#refusedLogins.get(reason) ?? 0) + 1);
  }

  /** In Prometheus' text format. Also while the run starts. */
  async text(run: RunFunctions | undefined): Promise<string> {
    this.#view = this.#look(run);
    return await this.#registry.metrics();
  }

  #look(run: RunFunctions | undefined): ProcessView {
    const jobs = run?.measures?.() ?? [];
    const view: ProcessView = {
      nowMs: this.#clock.now(),
      jobs,
      isReady: unreadyReason(run?.members()) === undefined,
      ends: this.#ends.latest(() => endsOf(run, jobs)),
      behindSinceMs: this.#behindSinceMs,
      stateBytes: this.#stateBytes.latest(() => stateBytesOf(run, jobs)),
      refusedLogins: this.#refusedLogins,
      logTroubles: run?.logTroubles?.() ?? [],
      mulgilVersion: this.#version,
    };
    this.#behindSinceMs = behindSince(view);
    return { ...view, behindSinceMs: this.#behindSinceMs };
  }
}

const inputsOf = ({ members }: JobMeasures): readonly InputMeasures[] =>
  members.flatMap(({ tasks }) => tasks.flatMap(({ running }) => running?.inputs ?? []));

async function endsOf(
  run: RunFunctions | undefined,
  jobs: readonly JobMeasures[],
): Promise<ReadonlyMap<string, number>> {
  const inputs = new Map(jobs.flatMap(inputsOf).map((input) => [viewKey(input.topic, input.partition), input]));
  if (run?.endOffsets === undefined || inputs.size === 0) return new Map();
  const partitions = Array.from(inputs.values(), ({ topic, partition }) => ({ topic, partition }));
  const ends = await run.endOffsets(partitions);
  return new Map(ends.map(({ topic, partition, offset }) => [viewKey(topic, partition), offset]));
}

async function stateBytesOf(
  run: RunFunctions | undefined,
  jobs: readonly JobMeasures[],
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  if (run?.stateBytes === undefined) return sizes;
  // One after the other: nobody waits for them.
  for (const [job, task, store] of storesOf(jobs)) {
    sizes.set(viewKey(job, task, store), await run.stateBytes(job, task, store));
  }
  return sizes;
}

const storesOf = (jobs: readonly JobMeasures[]): readonly (readonly [job: string, task: string, store: string])[] =>
  jobs.flatMap(({ plan, members }) =>
    members.flatMap(({ tasks }) =>
      tasks.flatMap(({ task, running }) =>
        (running?.stores ?? []).map(({ store }) => [plan.job, task, store] as const),
      ),
    ),
  );

/** Nobody tells the age of a record that was not fetched: it is at least as old as our knowing of it. */
function behindSince(view: ProcessView): ReadonlyMap<string, number> {
  const { jobs, nowMs, behindSinceMs } = view;
  const behind = jobs.flatMap((job) =>
    inputsOf(job)
      .filter((input) => input.oldestTimestampMs === undefined && lagOf(input, view) > 0)
      .map(({ topic, partition }) => viewKey(job.plan.job, topic, partition)),
  );
  return new Map(behind.map((key) => [key, behindSinceMs.get(key) ?? nowMs]));
}
