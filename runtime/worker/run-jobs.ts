import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { Job } from "../dsl/define-job.ts";
import { ConfigError, DefinitionError } from "../errors/errors.ts";
import type { LogAccess } from "../log/port.ts";
import { compile } from "../plan/compile.ts";
import type { Plan } from "../plan/plan.ts";
import type { Clock } from "../time/clock.ts";
import { isIdle, lagOf } from "./idle.ts";
import { type JobRuntime, prepareJob } from "./job-runtime.ts";
import { ensureJobTopics, type PartitionCounts, type TopicsPolicy } from "./job-topics.ts";
import type { MemberStatus, ProcessIdentity, TaskStatus } from "./member-status.ts";
import { comparedPlans, forgetChangelogs, type PlanComparison, rememberPlans } from "./remembered-plans.ts";
import { RestoreProgress, type RestoreStatus } from "./restore-progress.ts";
import { verifyJobTopics } from "./verify-job-topics.ts";
import { Worker } from "./worker.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

export interface RunJobsOptions {
  readonly environment: WorkerEnvironment;
  readonly registry: SchemaRegistry;
  /** Group members per job. @default 1 */
  readonly workers?: number;
  /** How long `stop` waits for the last commits. @default 30_000 */
  readonly drainTimeoutMs?: number;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  /** Other processes may be members of the same groups. @default false */
  readonly isShared?: boolean;
  /** Whether topics are made, or only checked. @default "ensure" */
  readonly topics?: TopicsPolicy;
  /** Told to the groups, for whoever wants to ask this process more. */
  readonly identity?: ProcessIdentity;
  /** Stores of an earlier version whose state may be forgotten. */
  readonly droppedStores?: readonly string[];
}

export interface JobStatus {
  readonly job: string;
  /** Since this process started. */
  readonly recordsIn: number;
  readonly recordsOut: number;
  readonly late: number;
  readonly deadLetters: number;
  readonly commits: number;
  /** Replayed records that ended at a call, because nobody was to be called for them. */
  readonly effectsSkipped: number;
  /** How often a source went on behind a gap, and how many offsets that left out: as many records at most. */
  readonly gaps: number;
  readonly skipped: number;
  readonly tasks: number;
  /** Copies of the state of tasks that run elsewhere. */
  readonly standbys: number;
  /** Records between the committed offsets and the ends of the inputs, as of the last look. */
  readonly lag: number;
  /** Changelog records of the stores that are being restored; undefined if none is. */
  readonly restoring: RestoreStatus | undefined;
}

/** Jobs that run in this process. */
export interface JobsRun {
  status(): Promise<readonly JobStatus[]>;
  /** The members of the jobs' groups in this process. Asks nobody, so it also answers while brokers are away. */
  members(): readonly MemberStatus[];
  /**
   * Resolves when all jobs are idle: two looks with a commit between them find every input at its end and nothing in flight.
   * Windows that are open stay open. Rejects if a job dies first.
   */
  untilIdle(): Promise<void>;
  /**
   * Drains: commits what was processed, closes the stores, leaves the groups. Safe to call twice.
   * @throws {MulgilError} DRAIN_TIMEOUT if a last commit, or a function of a job, takes longer than `drainTimeoutMs`; the jobs have ended then, too
   */
  stop(): Promise<void>;
  /** Resolves when all jobs have stopped; rejects with the error of the first that died, after the others have been stopped. */
  readonly finished: Promise<void>;
}

const IDLE_LOOK_MS = 50;
/** How long closing stores without a last commit may take. */
const ABANDON_TIMEOUT_MS = 2_000;

/** Runs jobs on a log. What `startJobs` does, with everything from outside as an argument. */
export async function runJobs(jobs: readonly Job[], options: RunJobsOptions): Promise<JobsRun> {
  const { environment, registry, workers: workerCount = 1, topics = "ensure" } = options;
  refuseDuplicates(jobs);
  if (!Number.isInteger(workerCount) || workerCount < 1)
    throw new TypeError(`workers must be a positive whole number, not ${workerCount}`);
  const restores = new RestoreProgress();
  const observed: WorkerEnvironment = {
    ...environment,
    onEvent(event) {
      restores.hear(event);
      environment.onEvent(event);
    },
  };
  const plans = compileAll(jobs);
  const comparison = await comparedPlans(environment.log, plans, options.droppedStores ?? []);
  const { log, clock } = environment;
  const partitionCounts = await preparedTopics(log, plans, comparison, topics);
  await rememberPlans({ log, clock, plans, topics, remembered: comparison.remembered });
  const runtimes: JobRuntime[] = [];
  for (const [index, job] of jobs.entries()) {
    runtimes.push(
      await prepareJob({ job, plan: plans[index]!, partitionCounts: partitionCounts.get(job.name)!, registry }),
    );
  }
  const workers = runtimes.flatMap((runtime) =>
    Array.from(
      { length: workerCount },
      (_, index) => new Worker({ ...options, id: `${runtime.job.name}-${index}`, runtime, environment: observed }),
    ),
  );
  const over = new AbortController();
  const stopAll = () => {
    for (const worker of workers) worker.stop();
  };
  const runs = workers.map((worker) =>
    worker.run().catch((error: unknown) => {
      stopAll();
      throw error;
    }),
  );
  const finished = Promise.allSettled(runs).then((results) => {
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  });
  // Whoever awaits it gets the error; that nobody does must not end the process.
  finished.catch(() => undefined).then(() => over.abort());
  return {
    finished,
    status: () =>
      Promise.all(
        runtimes.map(async (runtime): Promise<JobStatus> => {
          const { job, ...counters } = runtime.metrics;
          return {
            job,
            ...counters,
            ...tasksIn(workers.filter((worker) => worker.job === job)),
            lag: await lagOf(environment.log, runtime),
            restoring: restores.of(job),
          };
        }),
      ),
    members: () => workers.map(({ status }) => withRestores(status, restores)),
    untilIdle: () =>
      Promise.race([
        finished,
        waitUntilIdle({
          environment,
          runtimes,
          members: workers,
          signal: over.signal,
          isShared: options.isShared ?? false,
        }),
      ]),
    async stop() {
      stopAll();
      if (await endsWithin(environment.clock, options.drainTimeoutMs ?? 30_000, runs)) return await finished;
      for (const worker of workers) worker.abandon();
      await endsWithin(environment.clock, ABANDON_TIMEOUT_MS, runs);
      throw new MulgilError(
        "the jobs could not drain in time: a last commit, or a function of a job, was still under way; what no commit covers is repeated at the next start, nothing is lost. Give a longer drain time-out",
        { code: "DRAIN_TIMEOUT" },
      );
    },
  };
}

const tasksIn = (workers: readonly Worker[]): Pick<JobStatus, "tasks" | "standbys"> => ({
  tasks: workers.reduce((sum, { standing }) => sum + standing.running, 0),
  standbys: workers.reduce((sum, { standing }) => sum + standing.standbys, 0),
});

async function preparedTopics(
  log: LogAccess,
  plans: readonly Plan[],
  comparison: PlanComparison,
  topics: TopicsPolicy,
): Promise<ReadonlyMap<string, PartitionCounts>> {
  if (topics === "verify") return await verifyJobTopics({ log, plans, forgotten: comparison.forgotten });
  await forgetChangelogs(log, comparison);
  return await ensureJobTopics(log, plans);
}

function withRestores(status: MemberStatus, restores: RestoreProgress): MemberStatus {
  const tasks = status.tasks.map((each): TaskStatus => {
    const restoring = restores.of(status.job, each.task);
    return restoring === undefined ? each : { task: each.task, status: "restoring", restoring };
  });
  return { ...status, tasks };
}

/** @returns whether all of them end, one way or another, in this time */
async function endsWithin(clock: Clock, ms: number, works: readonly Promise<unknown>[]): Promise<boolean> {
  const bound = new AbortController();
  const late = clock.sleep(ms, bound.signal).then(() => false);
  const ended = Promise.allSettled(works).then(() => true);
  const inTime = await Promise.race([ended, late]);
  bound.abort();
  return inTime;
}

function compileAll(jobs: readonly Job[]) {
  const issues = [];
  const plans = [];
  for (const job of jobs) {
    try {
      plans.push(compile(job));
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
      if (jobs.length === 1) throw error;
      issues.push(...error.issues.map((issue) => ({ ...issue, at: `${job.name}: ${issue.at}` })));
    }
  }
  if (issues.length > 0) throw new ConfigError("some jobs have mistakes:", issues);
  return plans;
}

function refuseDuplicates(jobs: readonly Job[]): void {
  if (jobs.length === 0)
    throw new ConfigError("there is nothing to run:", [
      { code: "JOBS_NONE", at: "jobs", message: "give at least one job" },
    ]);
  const names = jobs.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new ConfigError("the jobs do not fit together:", [
      {
        code: "JOBS_DUPLICATE",
        at: twice,
        message: `two jobs are called "${twice}": a name is a job's identity, give one of them another`,
      },
    ]);
  }
}

async function waitUntilIdle(options: {
  readonly environment: WorkerEnvironment;
  readonly runtimes: readonly JobRuntime[];
  readonly members: readonly Worker[];
  readonly signal: AbortSignal;
  readonly isShared: boolean;
}): Promise<void> {
  const { environment, runtimes, members, signal, isShared } = options;
  while (!signal.aborted) {
    if (await isIdle(environment.log, runtimes, members, isShared)) {
      await Promise.all(members.map((worker) => worker.commitNow()));
      if (await isIdle(environment.log, runtimes, members, isShared)) return;
    }
    await environment.clock.sleep(IDLE_LOOK_MS, signal);
  }
}
