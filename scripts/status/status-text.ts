import { styleText } from "node:util";
import { table } from "../output/table.ts";
import { number, restoreText } from "../run/progress.ts";
import type { JobView, ShownStatus, TaskView, WorkerView } from "./job-view.ts";

/** For people: a paragraph a job, with its workers and its tasks. Workers have numbers here, for their ids are long. */
export function statusText(jobs: readonly JobView[]): string {
  return jobs.map(jobText).join("\n\n");
}

function jobText({ job, version, status, wanted, lag, restoring, workers, tasks }: JobView): string {
  const count = `${workers.length} ${workers.length === 1 ? "worker" : "workers"}`;
  const head = `${styleText("bold", job)}  version ${version}  ${coloured(status)}  ${count}  lag ${number(lag)}`;
  const numbers = new Map(workers.map(({ memberId }, index) => [memberId, String(index + 1)]));
  return [
    head,
    ...(wanted === undefined ? [] : [wantedText(wanted)]),
    ...(restoring === undefined ? [] : [restoreText(restoring)]),
    ...(workers.length === 0 ? [] : ["", workerTable(workers)]),
    "",
    taskTable(tasks, numbers),
  ].join("\n");
}

const wantedText = ({ status, by, why, atMs }: NonNullable<JobView["wanted"]>): string =>
  `to be ${status} since ${new Date(atMs).toISOString()} (${by}: ${why})`;

const coloured = (status: ShownStatus): string =>
  status === "running" ? styleText("green", status) : styleText("yellow", status);

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
  const rows = tasks.flatMap(({ task, status, memberId, restoring, inputs }) =>
    inputs.map(({ topic, partition, position, endOffset, lag }) => [
      task,
      numbers.get(memberId ?? "") ?? "-",
      restoring === undefined ? status : restoreText(restoring),
      `${topic}/${partition}`,
      String(position),
      String(endOffset),
      String(lag),
    ]),
  );
  return table(["task", "worker", "status", "input", "position", "end", "lag"], rows, ["position", "end", "lag"]);
}
