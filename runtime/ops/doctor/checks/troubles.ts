import { windowMs } from "../../../worker/commit-window.ts";
import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { age, counted, workerText } from "../words.ts";

/** Tasks that fail and start again. Once is what they are made for; once more within a window is not. */
export function checkTroubles({ jobs, nowMs }: Facts): readonly Finding[] {
  return jobs.flatMap(({ overview, plan, workers }) =>
    workers.flatMap(({ status, member }) =>
      (status?.tasks ?? []).flatMap(({ task, status: now, trouble }): Finding[] => {
        if (trouble === undefined) return [];
        const { code, message, restarts, atMs } = trouble;
        const isLately = nowMs - atMs < Math.max(60_000, windowMs(plan.commitEveryMs));
        if (!isLately) return [];
        return [
          {
            check: "troubles",
            severity: restarts > 1 || now !== "running" ? "error" : "warning",
            what: `task ${task} of job "${overview.job}" had to start again ${counted(restarts, "time")}: ${code}`,
            where: { job: overview.job, task, worker: workerText(member) },
            evidence: [message, `the last time ${age(nowMs - atMs)} ago`],
            ageMs: nowMs - atMs,
            todo: `see ${code} in docs/ERRORS.md`,
          },
        ];
      }),
    ),
  );
}
