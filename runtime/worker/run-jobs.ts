import type { Digest } from "../../schemas/masker.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { Job } from "../dsl/define-job.ts";
import { ConfigError } from "../errors/errors.ts";
import type { LogAccess } from "../log/port.ts";
import { LocalState } from "../ops/state/local-state.ts";
import { RegisteredSchemas } from "../ops/state/registered-schemas.ts";
import { compileAll } from "../plan/compile-all.ts";
import type { Plan } from "../plan/plan.ts";
import { cryptographicRandom } from "../time/random.ts";
import { assertDeployed } from "./deployments.ts";
import { EventCounts } from "./event-counts.ts";
import { isIdle, lagOf } from "./idle.ts";
import { JobControl, type JobControlOptions, type SupervisorLink } from "./job-control.ts";
import { JobMembers } from "./job-members.ts";
import { type JobRuntime, prepareJob } from "./job-runtime.ts";
import { ensureJobTopics, type PartitionCounts, type TopicsPolicy } from "./job-topics.ts";
import type { JobMeasures, MemberMeasures } from "./measures.ts";
import type { MemberStatus, ProcessIdentity, TaskStatus } from "./member-status.ts";
import { PatientRegistry } from "./patient-registry.ts";
import { comparedPlans, forgetChangelogs, type PlanComparison, rememberPlans } from "./remembered-plans.ts";
import { RestoreProgress, type RestoreStatus } from "./restore-progress.ts";
import { TaskTroubles } from "./task-troubles.ts";
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
  /** Where the process has its number of workers from; without one it is its own business, or nobody's on a log that is shared. */
  readonly supervisor?: SupervisorLink;
  /** Stores of an earlier version whose state may be forgotten. */
  readonly droppedStores?: readonly string[];
  /** Runs nothing but what was deployed; stores that its deployment may drop are dropped. @default false */
  readonly onlyDeployed?: boolean;
  /** For personal data with the rule "hash" in the state that is shown. @default it is masked */
  readonly digest?: Digest | undefined;
  /** From 0 to 1: spreads what is tried again over time. @default another one in every process */
  readonly random?: () => number;
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
  /** What they are in numbers. As `members`, it asks nobody. */
  measures(): readonly JobMeasures[];
  /** The state of the tasks in this process. */
  readonly state: LocalState;
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
const DRAIN_TIMEOUT_MS = 30_000;

/** Runs jobs on a log. What `startJobs` does, with everything from outside as an argument. */
export async function runJobs(jobs: readonly Job[], options: RunJobsOptions): Promise<JobsRun> {
  const { environment, registry, workers: workerCount = 1, topics = "ensure", random = cryptographicRandom } = options;
  refuseDuplicates(jobs);
  if (!Number.isInteger(workerCount) || workerCount < 1)
    throw new TypeError(`workers must be a positive whole number, not ${workerCount}`);
  const restores = new RestoreProgress();
  const events = new Map(jobs.map(({ name }) => [name, new EventCounts()]));
  const troubles = new TaskTroubles(() => environment.clock.now());
  const observed: WorkerEnvironment = {
    ...environment,
    onEvent(event) {
      restores.hear(event);
      events.get(event.job)?.hear(event);
      troubles.hear(event);
      environment.onEvent(event);
    },
  };
  const plans = compileAll(jobs);
  const { log, clock } = environment;
  const deployedDrops = options.onlyDeployed === true ? await assertDeployed(log, plans) : [];
  const comparison = await comparedPlans(log, plans, [...(options.droppedStores ?? []), ...deployedDrops]);
  const partitionCounts = await preparedTopics(log, plans, comparison, topics);
  await rememberPlans({ log, clock, plans, topics, remembered: comparison.remembered });
  const runtimes: JobRuntime[] = [];
  const registries = new Map<string, PatientRegistry>();
  for (const [index, job] of jobs.entries()) {
    const { name } = job;
    const patient = new PatientRegistry({ job: name, registry, clock, random, onEvent: observed.onEvent });
    registries.set(name, patient);
    runtimes.push(
      await prepareJob({ job, plan: plans[index]!, partitionCounts: partitionCounts.get(name)!, registry: patient }),
    );
  }
  const members = new JobMembers({
    ...{ runtimes, clock, drainTimeoutMs: options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS },
    create: (runtime, id) => new Worker({ ...options, id, runtime, environment: observed }),
  });
  const control = new JobControl({
    ...{ log, clock, topics, members, jobs: jobs.map(({ name }) => name), onEvent: observed.onEvent },
    process: controlledProcess(options),
    ...scalingOf(options),
  });
  await control.start();
  members.fill(workerCount);
  const finished = members.finished.finally(() => {
    for (const patient of registries.values()) patient.close();
    return control.close();
  });
  const over = new AbortController();
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
            ...tasksIn(members.of(job)),
            lag: await lagOf(log, runtime),
            restoring: restores.of(job),
          };
        }),
      ),
    members: () => members.all.map(({ status }) => withEvents(withSchemas(status, registries), restores, troubles)),
    measures: () =>
      runtimes.map(({ plan, metrics: counters }) => ({
        ...{ plan, counters, events: events.get(plan.job)! },
        members: members.of(plan.job).map(({ measures }) => restoredMeasures(plan.job, measures, restores)),
      })),
    state: new LocalState({
      ...{ environment, digest: options.digest, schemas: new RegisteredSchemas(registry, clock) },
      tasks: () => members.all.flatMap(({ held }) => held),
    }),
    untilIdle: () =>
      Promise.race([
        finished,
        waitUntilIdle({ environment, runtimes, members, signal: over.signal, isShared: options.isShared ?? false }),
      ]),
    async stop() {
      await members.stop();
      await finished;
    },
  };
}

/** A process that listens is known by where it runs; one that does not, by what it calls its disk. */
function controlledProcess({ identity, environment }: RunJobsOptions): JobControlOptions["process"] {
  if (identity === undefined) return { process: environment.location, host: "", pid: 0 };
  const { host, pid } = identity;
  return { process: `${host}:${pid}`, host, pid };
}

/** On a log that others share the number of workers is that of processes. */
function scalingOf({
  isShared = false,
  supervisor,
}: RunJobsOptions): Pick<JobControlOptions, "scaling" | "supervisor"> {
  if (supervisor !== undefined) return { scaling: "processes", supervisor };
  return { scaling: isShared ? "none" : "members" };
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

/** Tasks that wait for a schema do not know why: they have asked somebody who does not give up. */
function withSchemas(status: MemberStatus, registries: ReadonlyMap<string, PatientRegistry>): MemberStatus {
  const tasks = status.tasks.map((task): TaskStatus => {
    const schema = task.work?.schema;
    if (schema === undefined) return task;
    const problem = registries.get(status.job)?.troubleOf(schema.id);
    return { ...task, work: { ...task.work!, schema: { ...schema, problem } } };
  });
  return { ...status, tasks };
}

/** What the tasks of a member have told while it was not asked. */
function withEvents(status: MemberStatus, restores: RestoreProgress, troubles: TaskTroubles): MemberStatus {
  const tasks = status.tasks.map((task): TaskStatus => {
    const known = { ...task, trouble: troubles.of(status.job, task.task) };
    return withRestore(status.job, known, restores);
  });
  return { ...status, tasks };
}

function restoredMeasures(job: string, measures: MemberMeasures, restores: RestoreProgress): MemberMeasures {
  return { ...measures, tasks: measures.tasks.map((task) => withRestore(job, task, restores)) };
}

function withRestore<Task extends TaskStatus>(job: string, task: Task, restores: RestoreProgress): Task {
  const restoring = restores.of(job, task.task);
  return restoring === undefined ? task : { ...task, status: "restoring", restoring };
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
  readonly members: JobMembers;
  readonly signal: AbortSignal;
  readonly isShared: boolean;
}): Promise<void> {
  const { environment, runtimes, members, signal, isShared } = options;
  while (!signal.aborted) {
    if (await isIdle(environment.log, runtimes, members.all, isShared)) {
      await Promise.all(members.all.map((worker) => worker.commitNow()));
      if (await isIdle(environment.log, runtimes, members.all, isShared)) return;
    }
    await environment.clock.sleep(IDLE_LOOK_MS, signal);
  }
}
