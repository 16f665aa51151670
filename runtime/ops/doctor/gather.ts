import type { SchemaRegistry } from "../../../schemas/registry.ts";
import type { LogAccess, TopicDescription } from "../../log/port.ts";
import type { Clock } from "../../time/clock.ts";
import type { WantedState } from "../../worker/control-records.ts";
import type { MemberStatus, ProcessIdentity } from "../../worker/member-status.ts";
import { type InstitutionOverview, institutionsOf, readCircuits } from "../circuits-overview.ts";
import { readMarks } from "../dead-letter-marks.ts";
import type { JobOverview, MemberOverview } from "../job-overview.ts";
import { Attempts } from "./attempts.ts";
import type { DiskFacts, Facts, JobFacts, LogFacts, ObservedInput, WorkerFacts } from "./facts.ts";
import { deadLetterGroups } from "./gather-dead-letters.ts";
import { workerDisks } from "./gather-disks.ts";
import { observeInputs } from "./gather-inputs.ts";
import { registryFacts } from "./gather-schemas.ts";
import { openTransactionFacts } from "./gather-transactions.ts";

/** What a process has said of itself, or why it has not; with our clock before and after. */
export type ProcessAnswer =
  | {
      readonly answers: true;
      readonly report: { readonly members: readonly MemberStatus[] };
      readonly askedAtMs?: number;
      readonly answeredAtMs?: number;
    }
  | { readonly answers: false; readonly problem: string };

export interface GatherOptions {
  readonly log: LogAccess;
  readonly registry: SchemaRegistry;
  readonly clock: Clock;
  readonly about: LogFacts;
  readonly registryWhere: string;
  readonly overviews: readonly JobOverview[];
  /** Answers are by address. */
  readonly ask: (processes: readonly ProcessIdentity[]) => Promise<ReadonlyMap<string, ProcessAnswer>>;
  /** Whether a process of this machine is there; undefined elsewhere. */
  readonly isAlive: (process: ProcessIdentity) => boolean | undefined;
  /** Of this machine. */
  readonly disks: () => Promise<readonly DiskFacts[]>;
  /** What somebody wants of jobs. */
  readonly wanted: ReadonlyMap<string, WantedState>;
  /** Over how much time positions are looked at; undefined: once. */
  readonly sampleMs: number | undefined;
}

/** Everything that the checks look at: a few requests for all jobs together. What fails is among the facts, and the rest goes on. */
export async function gatherFacts(options: GatherOptions): Promise<Facts> {
  const { log, clock, overviews, about, registry, registryWhere } = options;
  const attempts = new Attempts(clock);
  const topics = await attempts.orElse([], "describe the topics", () => log.describeTopics());
  const observed = await attempts.orElse(
    new Map<string, ReadonlyMap<string, ObservedInput>>(),
    "read how far the jobs are",
    () => observeInputs(overviews, options),
  );
  const processes = overviews.flatMap(({ members }) => members.flatMap(({ process }) => process ?? []));
  const answers = await options.ask(processes);
  const existing = new Map(topics.map((topic) => [topic.topic, topic]));
  const [jobs, schemas, disks] = await Promise.all([
    Promise.all(
      overviews.map((overview) =>
        jobFacts(overview, { options, attempts, answers, existing, inputs: observed.get(overview.job) ?? new Map() }),
      ),
    ),
    registryFacts({ registry, where: registryWhere, plans: overviews.map(({ plan }) => plan), attempts }),
    attempts.orElse([], "look at the disk", options.disks),
  ]);
  return {
    nowMs: clock.now(),
    log: about,
    failures: attempts.failures,
    topics: existing,
    jobs,
    registry: schemas,
    disks: [...disks, ...workerDisks(jobs, disks, options.isAlive)],
  };
}

interface JobSources {
  readonly options: GatherOptions;
  readonly attempts: Attempts;
  readonly answers: ReadonlyMap<string, ProcessAnswer>;
  readonly existing: ReadonlyMap<string, TopicDescription>;
  readonly inputs: ReadonlyMap<string, ObservedInput>;
}

async function jobFacts(overview: JobOverview, sources: JobSources): Promise<JobFacts> {
  const { options, attempts, answers, existing, inputs } = sources;
  const { log, clock, wanted } = options;
  const { job, plan } = overview;
  const has = (topic: string | undefined): topic is string => topic !== undefined && existing.has(topic);
  const circuitsTopic = plan.topics.find(({ role }) => role === "circuits")?.topic;
  const institutions = async (): Promise<readonly InstitutionOverview[]> =>
    has(circuitsTopic) ? institutionsOf(await readCircuits(log, job), clock.now()) : [];
  const letters = async () => {
    const dlq = existing.get(plan.dlqTopic);
    if (dlq === undefined) return [];
    return await deadLetterGroups(log, plan.dlqTopic, { clock, marks: await readMarks(log, job, dlq.incarnation) });
  };
  return {
    ...{ overview, plan, inputs },
    workers: overview.members.map((member) => workerFacts(member, overview, answers, options.isAlive)),
    transactions: await openTransactionFacts(log, [...inputs.values()], attempts),
    institutions: await attempts.orElse([], `read the circuits of job "${job}"`, institutions),
    deadLetters: await attempts.orElse([], `read the dead letters of job "${job}"`, letters),
    wanted: wanted.get(job),
    isPaused: wanted.get(job)?.status === "paused",
  };
}

function workerFacts(
  member: MemberOverview,
  { job }: JobOverview,
  answers: ReadonlyMap<string, ProcessAnswer>,
  isAlive: GatherOptions["isAlive"],
): WorkerFacts {
  const { process } = member;
  if (process === undefined)
    return { member, status: undefined, problem: "it has not said where", isAlive: undefined, aheadMs: 0 };
  const answer = answers.get(process.address);
  if (answer?.answers !== true)
    return { member, status: undefined, problem: answer?.problem, isAlive: isAlive(process), aheadMs: 0 };
  const status = answer.report.members.find((each) => each.job === job && each.memberId === member.memberId);
  return {
    ...{ member, status, isAlive: true, aheadMs: aheadMs(status, answer) },
    problem: status === undefined ? "it answers, and does not know of this member" : undefined,
  };
}

function aheadMs(
  status: MemberStatus | undefined,
  { askedAtMs, answeredAtMs }: Extract<ProcessAnswer, { answers: true }>,
): number {
  if (status?.atMs === undefined || askedAtMs === undefined || answeredAtMs === undefined) return 0;
  return Math.max(0, status.atMs - answeredAtMs) + Math.min(0, status.atMs - askedAtMs);
}
