import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { age, workerText } from "../words.ts";

const SKEW_MAX_MS = 2_000;
/** Retry tiers, circuits and brokers' limits of timestamps suffer. */
const SKEW_BAD_MS = 60_000;

/** Workers whose clocks differ from ours. */
export function checkClocks({ jobs }: Facts): readonly Finding[] {
  return jobs.flatMap(({ overview, workers }) =>
    workers.flatMap(({ member, aheadMs }): Finding[] => {
      const skewMs = Math.abs(aheadMs);
      if (skewMs < SKEW_MAX_MS) return [];
      const worker = workerText(member);
      return [
        {
          check: "clocks",
          severity: skewMs >= SKEW_BAD_MS ? "error" : "warning",
          what: `the clock of ${worker} is ${age(skewMs)} ${aheadMs > 0 ? "ahead of" : "behind"} the one here`,
          where: { job: overview.job, worker },
          evidence: ["retries, circuits and timestamps of changelogs go by it"],
          ageMs: undefined,
          todo: "synchronise the clocks of both machines (chrony, NTP)",
        },
      ];
    }),
  );
}
