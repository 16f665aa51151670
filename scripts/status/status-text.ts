import { styleText } from "node:util";
import { age, bytes } from "../../runtime/ops/doctor/words.ts";
import type { Verdict } from "../../runtime/ops/lag/verdict.ts";
import { findingLine } from "../doctor/findings-text.ts";
import { table } from "../output/table.ts";
import { number, restoreText } from "../run/progress.ts";
import type { JobView, ShownStatus, TaskView, WorkerView } from "./job-view.ts";

/** For people: a paragraph a job, with its workers, its tasks, and what is wrong. Workers have numbers here, for their ids are long. */
export function statusText(jobs: readonly JobView[]): string {
  return jobs.map(jobText).join("\n\n");
}

function jobText(job: JobView): string {
  const { restoring, workers, tasks, findings, wanted } = job;
  const numbers = new Map(workers.map(({ memberId }, index) => [memberId, String(index + 1)]));
  // What is as it was meant to be, or could be better, `doctor` tells.
  const wrong = findings.filter(({ severity, check }) => severity === "error" || WARNED.has(check));
  return [
    headText(job),
    ...(wanted === undefined ? [] : [wantedText(wanted)]),
    ...(restoring === undefined ? [] : [restoreText(restoring)]),
    ...(workers.length === 0 ? [] : ["", workerTable(workers)]),
    "",
    taskTable(tasks, numbers),
    ...(wrong.length === 0 ? [] : ["", ...wrong.map(findingLine), "mulgil doctor says more, and what to do"]),
  ].join("\n");
}

const wantedText = ({ status, by, why, atMs }: NonNullable<JobView["wanted"]>): string =>
  `to be ${status} since ${new Date(atMs).toISOString()} (${by}: ${why})`;

/** Checks whose warnings are about how the job fares, not about how it is set up. */
const WARNED: ReadonlySet<string> = new Set([
  "positions",
  "stuck",
  "hot-key",
  "dead-letters",
  "institutions",
  "workers",
]);

function headText({ job, version, status, verdict, lag, lagMs, stateBytes, workers }: JobView): string {
  const count = `${workers.length} ${workers.length === 1 ? "worker" : "workers"}`;
  const behind = lagMs === undefined ? "" : ` (${age(lagMs)})`;
  const state = stateBytes === 0 ? "" : `  state ${bytes(stateBytes)}`;
  return `${styleText("bold", job)}  version ${version}  ${coloured(status)}  ${count}  lag ${number(lag)}${behind}  ${judged(verdict)}${state}`;
}

const coloured = (status: ShownStatus): string =>
  status === "running" ? styleText("green", status) : styleText("yellow", status);

const judged = (verdict: Verdict): string => (verdict === "ok" ? verdict : styleText("yellow", verdict));

function workerTable(workers: readonly WorkerView[]): string {
  const rows = workers.map(({ memberId, host, pid, address, answers, problem }, index) => [
    String(index + 1),
    host,
    pid === undefined ? "-" : String(pid),
    address ?? "-",
    answers ? "yes" : `no: ${problem}`,
    memberId,
  ]);
  return table(["worker", "host", "pid", "address", "answers", "member"], rows, ["pid"]);
}

function taskTable(tasks: readonly TaskView[], numbers: ReadonlyMap<string, string>): string {
  const numberOf = (memberId: string | undefined) => numbers.get(memberId ?? "") ?? "-";
  const rows = tasks.flatMap(({ task, status, memberId, restoring, stores, standbys, inputs }) =>
    inputs.map(({ topic, partition, position, endOffset, lag, lagMs, verdict }, index) => [
      task,
      numberOf(memberId),
      restoring === undefined ? status : restoreText(restoring),
      `${topic}/${partition}`,
      ...[String(position), String(endOffset), String(lag), lagMs === undefined ? "-" : age(lagMs)],
      verdict ?? "-",
      stores.length === 0 || index > 0 ? "-" : bytes(stores.reduce((sum, each) => sum + each.bytes, 0)),
      standbys.length === 0 ? "-" : standbys.map(numberOf).join(","),
    ]),
  );
  return table(
    ["task", "worker", "status", "input", "position", "end", "lag", "age", "verdict", "state", "copies"],
    rows,
    ["position", "end", "lag", "age", "state"],
  );
}
