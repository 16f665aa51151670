import type { Facts, WorkerFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { listed, workerText } from "../words.ts";

/** Workers that the group counts on and that do not answer: gone, or hanging. */
export function checkWorkers({ jobs }: Facts): readonly Finding[] {
  return jobs.flatMap(({ overview, workers }) =>
    workers.flatMap((worker) => {
      if (worker.status !== undefined || worker.member.process === undefined) return [];
      const { job } = overview;
      const tasks = overview.tasks.filter(({ memberId }) => memberId === worker.member.memberId);
      return [finding(job, worker, listed(tasks.map(({ task }) => task)) || "no task")];
    }),
  );
}

function finding(job: string, { member, problem, isAlive }: WorkerFacts, tasks: string): Finding {
  const worker = workerText(member);
  const base = { check: "workers", where: { job, worker }, ageMs: undefined } as const;
  const evidence = [`it has ${tasks}`, `${member.process!.address}: ${problem ?? "no answer"}`];
  if (isAlive === false || isRefused(problem))
    return {
      ...base,
      severity: "error",
      what: `a worker of job "${job}" is lost: ${worker} is gone, and its tasks wait until the group notices`,
      evidence,
      todo: "start it again: on the same data directory it leaves the group at once, else when its session ends (30 s by default); see why it ended (its log, the system's log for a kill)",
    };
  if (isAlive === true)
    return {
      ...base,
      severity: "error",
      what: `a worker of job "${job}" hangs: ${worker} is there and does not answer`,
      evidence,
      todo: "look what it does (CPU at 100%: a handler that does not return; state T: somebody stopped it), and restart it",
    };
  return {
    ...base,
    severity: "warning",
    what: `a worker of job "${job}" does not answer from here: ${worker}`,
    evidence,
    todo: "see whether it runs; to be asked from other machines, it needs run --listen with an address that these reach",
  };
}

const isRefused = (problem: string | undefined): boolean =>
  problem !== undefined && /ECONNREFUSED|it is gone/.test(problem);
