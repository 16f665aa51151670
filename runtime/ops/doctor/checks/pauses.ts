import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { waits } from "../words.ts";

/** Jobs that were told to wait, or to give up their tasks: easily forgotten. */
export function checkPauses({ jobs }: Facts): readonly Finding[] {
  return jobs.flatMap(({ overview, isPaused, wanted }): Finding[] => {
    const isDrained = wanted?.status === "drained";
    if (!isPaused && !isDrained) return [];
    const lag = overview.tasks.flatMap(({ inputs }) => inputs).reduce((sum, input) => sum + input.lag, 0);
    return [
      {
        check: "pauses",
        severity: "note",
        what: `job "${overview.job}" is ${isDrained ? "drained" : "paused"}, and ${waits(lag)} for it`,
        where: { job: overview.job },
        evidence: [wanted === undefined ? "somebody has paused it: see mulgil audit" : `${wanted.by}: ${wanted.why}`],
        ageMs: undefined,
        todo: `let it go on when the reason is over: mulgil resume ${overview.job}`,
      },
    ];
  });
}
