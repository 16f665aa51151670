import type { DeadLetterGroup, Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { age, count, counted } from "../words.ts";
import { SCHEMA_BREAKS } from "./schemas.ts";

/** So many in ten minutes, and several times as many as in the fifty before, are a burst. */
const BURST_MIN = 10;
const BURST_FACTOR = 3;
const LATELY_SHARE = 10 / 60;

/** What jobs could not process in the last hour, by code and step. Breaks of schemas have a check of their own. */
export function checkDeadLetters({ jobs, nowMs }: Facts): readonly Finding[] {
  return jobs.flatMap(({ overview, plan, deadLetters }) =>
    deadLetters
      .filter(({ code }) => !SCHEMA_BREAKS.has(code))
      .map((group): Finding => {
        const { code, step, topic, count: all, lately, firstMs, lastMs, example } = group;
        const burst = isBurst(group);
        return {
          check: "dead-letters",
          severity: burst ? "error" : "warning",
          what: burst
            ? `job "${overview.job}" has a burst of dead letters: ${count(lately)} with ${code} at step "${step}" in the last 10 minutes`
            : `job "${overview.job}" had ${counted(all, "dead letter")} with ${code} at step "${step}" in the last hour`,
          where: { job: overview.job, step, ...(topic !== undefined && { topic }) },
          evidence: [
            `${counted(all, "dead letter")} in the last hour, the first ${age(nowMs - firstMs)} ago, the last ${age(nowMs - lastMs)} ago`,
            ...(example === undefined
              ? []
              : [`they come from ${topic}; one is ${topic}/${example.partition} offset ${example.offset}`]),
          ],
          ageMs: nowMs - firstMs,
          todo: `look at one (mulgil dlq show ${plan.job}), mend its cause, and redrive them (mulgil dlq redrive ${plan.job})`,
        };
      }),
  );
}

function isBurst({ count: all, lately }: DeadLetterGroup): boolean {
  const before = (all - lately) / (1 / LATELY_SHARE - 1);
  return lately >= BURST_MIN && lately >= BURST_FACTOR * before;
}
