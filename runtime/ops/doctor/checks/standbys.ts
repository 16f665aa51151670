import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { counted, listed } from "../words.ts";

/** Tasks with fewer copies of their state than the job asks for. */
export function checkStandbys({ jobs }: Facts): readonly Finding[] {
  return jobs.flatMap(({ overview, plan, workers }): Finding[] => {
    // A worker that does not answer may have copies.
    if (plan.standbys === 0 || overview.group !== "settled" || workers.some(({ status }) => status === undefined))
      return [];
    const stateful = new Set(plan.subTopologies.flatMap(({ name, stores }) => (stores.length > 0 ? [name] : [])));
    const copies = workers.flatMap(({ status }) => (status?.copies ?? []).map(({ task }) => task));
    const short = overview.tasks.filter(
      ({ task }) =>
        stateful.has(task.slice(0, task.lastIndexOf("_"))) &&
        copies.filter((copy) => copy === task).length < plan.standbys,
    );
    if (short.length === 0) return [];
    return [
      {
        check: "standbys",
        severity: "warning",
        what: `job "${overview.job}" asks for ${counted(plan.standbys, "standby copy").replace("copys", "copies")} of each task's state, and ${counted(short.length, "task")} have fewer`,
        where: { job: overview.job },
        evidence: [listed(short.map(({ task }) => task)), counted(workers.length, "worker")],
        ageMs: undefined,
        todo:
          workers.length <= plan.standbys
            ? `run at least ${plan.standbys + 1} workers, on different disks: a copy is never on the disk of its task`
            : "wait until they have caught up; workers of one data directory's disk do not keep copies for each other",
      },
    ];
  });
}
