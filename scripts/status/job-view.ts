import type { JobOverview, MemberOverview, TaskOverview } from "../../runtime/ops/job-overview.ts";
import type { WantedState } from "../../runtime/worker/control-records.ts";
import type { InputPosition } from "../../runtime/worker/input-positions.ts";
import type { TaskStatus } from "../../runtime/worker/member-status.ts";
import { allRestores, type RestoreStatus } from "../../runtime/worker/restore-progress.ts";
import type { WorkerAnswer } from "./ask-workers.ts";

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
  /** Records that its tasks have not committed; counts markers. */
  readonly lag: number;
  /** Undefined if nothing is being restored. */
  readonly restoring: ShownRestore | undefined;
  readonly workers: readonly WorkerView[];
  readonly tasks: readonly TaskView[];
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
  readonly lag: number;
  readonly restoring: ShownRestore | undefined;
  readonly inputs: readonly InputPosition[];
}

export interface ShownRestore extends RestoreStatus {
  readonly percent: number;
}

const STATUS_OF_GROUP = { empty: "stopped", rebalancing: "rebalancing" } as const;

/** What the log knows, and what the workers say. `answers` are by address, `order` is what is wanted of the job. Pure. */
export function jobView(
  overview: JobOverview,
  answers: ReadonlyMap<string, WorkerAnswer>,
  order?: WantedState,
): JobView {
  const { job, version, group, members } = overview;
  const workers = members.map((member) => workerView(member, answers));
  const reported = reportedTasks(overview, answers);
  const tasks = overview.tasks.map((task) => taskView(task, overview, reported));
  const restores = tasks.flatMap(({ restoring }) => restoring ?? []);
  return {
    job,
    version,
    status: orderedStatus(group === "settled" ? jobStatus(tasks) : STATUS_OF_GROUP[group], order),
    wanted: order?.status === "running" ? undefined : order,
    lag: tasks.reduce((sum, { lag }) => sum + lag, 0),
    restoring: shown(allRestores(restores)),
    workers,
    tasks,
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

function workerView(
  { memberId, connectsFrom, process }: MemberOverview,
  answers: ReadonlyMap<string, WorkerAnswer>,
): WorkerView {
  const answer = process === undefined ? undefined : answers.get(process.address);
  return {
    memberId,
    host: process?.host ?? connectsFrom,
    pid: process?.pid,
    address: process?.address,
    answers: answer?.answers === true,
    problem: answer === undefined ? "it has not said where" : answer.answers ? undefined : answer.problem,
  };
}

/** By member and task. */
function reportedTasks(
  { job, members }: JobOverview,
  answers: ReadonlyMap<string, WorkerAnswer>,
): ReadonlyMap<string, ReadonlyMap<string, TaskStatus>> {
  const reported = new Map<string, ReadonlyMap<string, TaskStatus>>();
  for (const { process } of members) {
    const answer = process === undefined ? undefined : answers.get(process.address);
    if (answer?.answers !== true) continue;
    for (const { job: of, memberId, tasks } of answer.report.members)
      if (of === job && memberId !== undefined) reported.set(memberId, new Map(tasks.map((each) => [each.task, each])));
  }
  return reported;
}

function taskView(
  { task, memberId, inputs }: TaskOverview,
  { group }: JobOverview,
  reported: ReadonlyMap<string, ReadonlyMap<string, TaskStatus>>,
): TaskView {
  const ofOwner = memberId === undefined ? undefined : reported.get(memberId);
  const found = ofOwner?.get(task);
  // Where there is no owner, or it has not taken the task up yet, it is on its way.
  const settled = memberId !== undefined && ofOwner === undefined ? "unknown" : (found?.status ?? "starting");
  return {
    task,
    status: group === "settled" ? settled : STATUS_OF_GROUP[group],
    memberId,
    lag: inputs.reduce((sum, { lag }) => sum + lag, 0),
    restoring: shown(found?.restoring),
    inputs,
  };
}

const shown = (restore: RestoreStatus | undefined): ShownRestore | undefined =>
  restore && { ...restore, percent: restore.total === 0 ? 100 : Math.floor((100 * restore.done) / restore.total) };
