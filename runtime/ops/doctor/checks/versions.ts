import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { counted, workerText } from "../words.ts";

/** Groups whose members carry different plans. */
export function checkVersions({ jobs }: Facts): readonly Finding[] {
  return jobs.flatMap(({ overview }): Finding[] => {
    const byPlan = Map.groupBy(
      overview.members.filter(({ plan }) => plan !== undefined),
      ({ plan }) => plan!.hash,
    );
    if (byPlan.size < 2) return [];
    return [
      {
        check: "versions",
        severity: "warning",
        what: `the workers of job "${overview.job}" carry ${byPlan.size} different plans: tasks are given to one of them only`,
        where: { job: overview.job },
        evidence: [...byPlan].map(
          ([hash, members]) =>
            `version ${members[0]!.plan!.version} (plan ${hash.slice(0, 8)}): ${counted(members.length, "worker")}, ${members.map(workerText).join("; ")}`,
        ),
        ageMs: undefined,
        todo: "finish the upgrade: restart the workers that have the old plan",
      },
    ];
  });
}
