import type { WantedStatus } from "../../runtime/worker/worker-orders.ts";
import { plural } from "./job-standing.ts";
import type { Obeyed } from "./order-answers.ts";

export interface OrderResult {
  readonly job: string;
  readonly status: WantedStatus;
  readonly processes: readonly Obeyed[];
}

/** "totals is paused: 2 workers in 1 process"; what is to be known of single ones below. */
export function orderResult({ job, status, processes }: OrderResult): string {
  const done = processes.filter(({ outcome }) => outcome === "done");
  const workers = done.reduce((sum, each) => sum + each.workers, 0);
  const who = done.length === 0 ? "nobody runs it now" : inProcesses(workers, done.length);
  return [`${job} is ${verbOf(status)}: ${who}`, ...notes(processes)].join("\n");
}

export const inProcesses = (workers: number, processes: number): string =>
  `${plural(workers, "worker")} in ${plural(processes, "process", "processes")}`;

export const notes = (processes: readonly Obeyed[]): readonly string[] =>
  processes.flatMap(({ process, outcome, detail }) => {
    if (outcome === "gone") return [`${process}: has ended`];
    if (outcome === "superseded") return [`${process}: another order came meanwhile`];
    return detail === undefined ? [] : [`${process}: ${detail}`];
  });

const verbOf = (status: WantedStatus): string => (status === "running" ? "resumed" : status);
