import { readWantedStates } from "../../runtime/ops/control.ts";
import type { Facts } from "../../runtime/ops/doctor/facts.ts";
import { gatherFacts } from "../../runtime/ops/doctor/gather.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { type LogLocation, withLog } from "../environment/open-log.ts";
import { problemOf } from "../output/problem.ts";
import { askWorkers } from "../status/ask-workers.ts";
import { settledJobs } from "../status/known-jobs.ts";
import { diskWatch, isAlive, type Whereabouts, whereabouts } from "./surroundings.ts";

export interface ObserveOptions {
  /** Of jobs; all if none is named. */
  readonly names: readonly string[];
  /** Over how much time positions are looked at; undefined: once. */
  readonly sampleMs?: number | undefined;
}

/** Who asks what is wrong does not wait for brokers as who works with them. */
const PATIENCE_MAX_MS = 15_000;

/** Everything that is known of jobs and of what they run on. @throws {MulgilError} JOB_UNKNOWN, and what opening the log does */
export async function observe(where: LogLocation, options: ObserveOptions): Promise<Facts> {
  return await gathered(where, options, await whereabouts(where));
}

/** Also of a log that cannot be opened: that is a fact then. @throws {MulgilError} JOB_UNKNOWN; {ConfigError} KAFKA_… */
export async function observeAnyway(where: LogLocation, options: ObserveOptions): Promise<Facts> {
  const known = await whereabouts(where);
  try {
    return await gathered(where, options, known);
  } catch (error) {
    if (error instanceof MulgilError && error.code === "JOB_UNKNOWN") throw error;
    return await withoutLog(where, known, error);
  }
}

async function gathered(
  where: LogLocation,
  { names, sampleMs }: ObserveOptions,
  { about, registryWhere }: Whereabouts,
): Promise<Facts> {
  const disks = await diskWatch(where);
  return await withLog(
    where,
    async ({ log, registry, role }) => {
      const overviews = await settledJobs(log, names);
      return await gatherFacts({
        ...{ log, registry, about, registryWhere, overviews, disks, isAlive },
        // In a data directory that nobody else has nothing moves, and a job that wants to start would have to wait.
        sampleMs: role === "owner" ? undefined : sampleMs,
        clock: systemClock,
        ask: askWorkers,
        wanted: await readWantedStates(log),
      });
    },
    { patienceMaxMs: PATIENCE_MAX_MS },
  );
}

async function withoutLog(where: LogLocation, { about, registryWhere }: Whereabouts, error: unknown): Promise<Facts> {
  const disks = await diskWatch(where);
  return {
    ...{ nowMs: systemClock.now(), log: about, topics: new Map(), jobs: [] },
    failures: [{ what: `open the log (${about.kind} ${about.where})`, ...problemOf(error) }],
    registry: { where: registryWhere, problem: undefined, subjects: [] },
    disks: await disks(),
  };
}
