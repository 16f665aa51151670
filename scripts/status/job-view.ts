import type { Facts, JobFacts, WorkerFacts } from "../../runtime/ops/doctor/facts.ts";
import type { Finding } from "../../runtime/ops/doctor/finding.ts";
import { type JudgedInput, judgedInputs, statusOf } from "../../runtime/ops/doctor/input-verdicts.ts";
import type { TaskOverview } from "../../runtime/ops/job-overview.ts";
import { type Verdict, worstOf } from "../../runtime/ops/lag/verdict.ts";
import type { WantedState } from "../../runtime/worker/control-records.ts";
import type { StoreStatus, TaskStatus, WorkStatus } from "../../runtime/worker/member-status.ts";
import { allRestores, type RestoreStatus } from "../../runtime/worker/restore-progress.ts";

/**
 * "stopped": nobody runs it. "rebalancing": its workers are dividing the tasks. "starting": tasks are not up yet. "unknown": the worker that could
 * tell does not answer. "paused", "drained": somebody wants it so, and its workers have obeyed; tasks keep what they are.
 */
export type ShownStatus =
  | "stopped"
  | "rebalancing"
  | "starting"
  | "restoring"
  | "running"
  | "unknown"
  | "paused"
  | "drained";

export interface JobView {
  readonly job: string;
  readonly version: number;
  readonly status: ShownStatus;
  /** What somebody wants of it; undefined if nobody ever wanted anything, or took it back. */
  readonly wanted: WantedState | undefined;
  /** Whether it keeps up. */
  readonly verdict: Verdict;
  /** Records that its tasks have not committed; counts markers. */
  readonly lag: number;
  /** Age of the oldest of them; undefined if there is none. */
  readonly lagMs: number | undefined;
  /** What the stores of tasks take on the disks of workers that answer. */
  readonly stateBytes: number;
  /** Undefined if nothing is being restored. */
  readonly restoring: ShownRestore | undefined;
  readonly workers: readonly WorkerView[];
  readonly tasks: readonly TaskView[];
  /** What is wrong with it, and with what it runs on. */
  readonly findings: readonly Finding[];
}

export interface WorkerView {
  readonly memberId: string;
  /** Where it runs, or where it connects from if it does not say. */
  readonly host: string;
  readonly pid: number | undefined;
  readonly address: string | undefined;
  readonly answers: boolean;
  /** Why it does not answer. */
  readonly problem: string | undefined;
}

export interface TaskView {
  readonly task: string;
  readonly status: ShownStatus;
  /** The worker that has it. */
  readonly memberId: string | undefined;
  readonly verdict: Verdict;
  readonly lag: number;
  readonly lagMs: number | undefined;
  readonly restoring: ShownRestore | undefined;
  /** What it waits for; undefined if nothing, or nobody says. */
  readonly work: WorkStatus | undefined;
  readonly stores: readonly StoreStatus[];
  /** Workers that keep a copy of its state. */
  readonly standbys: readonly string[];
  readonly inputs: readonly InputView[];
}

export interface InputView {
  readonly topic: string;
  readonly partition: number;
  readonly position: number;
  readonly endOffset: number;
  readonly lag: number;
  /** Age of the record at the position. */
  readonly lagMs: number | undefined;
  /** Undefined for retry tiers. */
  readonly verdict: Verdict | undefined;
}

export interface ShownRestore extends RestoreStatus {
  readonly percent: number;
}

const STATUS_OF_GROUP = { empty: "stopped", rebalancing: "rebalancing" } as const;

/** What the log knows of a job, what its workers say, and what that means. Pure. */
export function jobView(job: JobFacts, { nowMs }: Pick<Facts, "nowMs">, findings: readonly Finding[]): JobView {
  const { overview, workers, wanted } = job;
  const judged = judgedInputs(job, nowMs);
  const tasks = overview.tasks.map((task) => taskView(task, job, judged, nowMs));
  const status = overview.group === "settled" ? jobStatus(tasks) : STATUS_OF_GROUP[overview.group];
  return {
    ...{ job: overview.job, version: overview.version },
    status: orderedStatus(status, wanted),
    wanted: wanted?.status === "running" ? undefined : wanted,
    verdict: worstOf(tasks.map(({ verdict }) => verdict)),
    lag: tasks.reduce((sum, { lag }) => sum + lag, 0),
    lagMs: oldest(tasks),
    stateBytes: tasks.flatMap(({ stores }) => stores).reduce((sum, { bytes }) => sum + bytes, 0),
    restoring: shown(allRestores(tasks.flatMap(({ restoring }) => restoring ?? []))),
    workers: workers.map(workerView),
    tasks,
    findings: findings.filter(({ where }) => where.job === undefined || where.job === overview.job),
  };
}

/** What runs while it is paused, and what is stopped while it is drained, is as it is wanted. */
function orderedStatus(status: ShownStatus, order: WantedState | undefined): ShownStatus {
  if (order?.status === "paused" && status === "running") return "paused";
  return order?.status === "drained" && status === "stopped" ? "drained" : status;
}

/** The one that somebody should know of first. */
function jobStatus(tasks: readonly TaskView[]): ShownStatus {
  const order: readonly ShownStatus[] = ["unknown", "restoring", "starting"];
  return order.find((status) => tasks.some((task) => task.status === status)) ?? "running";
}

function workerView({ member, status, problem }: WorkerFacts): WorkerView {
  const { memberId, connectsFrom, process } = member;
  return {
    memberId,
    host: process?.host ?? connectsFrom,
    ...{ pid: process?.pid, address: process?.address },
    ...{ answers: status !== undefined, problem },
  };
}

function taskView(
  { task, memberId }: TaskOverview,
  job: JobFacts,
  judged: readonly JudgedInput[],
  nowMs: number,
): TaskView {
  const { overview, workers } = job;
  const found = statusOf(job, { task, memberId });
  const inputs = judged.filter((each) => each.task === task).map((each) => inputView(each, nowMs));
  return {
    ...{ task, memberId, inputs },
    status: overview.group === "settled" ? ownStatus(job, memberId, found) : STATUS_OF_GROUP[overview.group],
    verdict: worstOf(inputs.flatMap(({ verdict }) => verdict ?? [])),
    lag: inputs.reduce((sum, { lag }) => sum + lag, 0),
    lagMs: oldest(inputs),
    restoring: shown(found?.restoring),
    work: found?.work,
    stores: found?.stores ?? [],
    standbys: workers.flatMap(({ member, status }) =>
      status?.copies?.some((copy) => copy.task === task) ? [member.memberId] : [],
    ),
  };
}

/** Where there is no owner, or it has not taken the task up yet, it is on its way. */
function ownStatus({ workers }: JobFacts, memberId: string | undefined, found: TaskStatus | undefined): ShownStatus {
  const isSilent =
    memberId !== undefined && workers.find(({ member }) => member.memberId === memberId)?.status === undefined;
  return isSilent ? "unknown" : (found?.status ?? "starting");
}

function inputView({ input, verdict }: JudgedInput, nowMs: number): InputView {
  const { topic, partition, position, endOffset, lag, head } = input;
  const lagMs = head === undefined ? undefined : Math.max(0, nowMs - head.timestampMs);
  return { topic, partition, position, endOffset, lag, lagMs, verdict };
}

function oldest(all: readonly { readonly lagMs: number | undefined }[]): number | undefined {
  const ages = all.flatMap(({ lagMs }) => lagMs ?? []);
  return ages.length === 0 ? undefined : Math.max(...ages);
}

const shown = (restore: RestoreStatus | undefined): ShownRestore | undefined =>
  restore && { ...restore, percent: restore.total === 0 ? 100 : Math.floor((100 * restore.done) / restore.total) };
