import type { InstitutionOverview } from "../../circuits-overview.ts";
import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { age, count, percent, waits } from "../words.ts";

/** Institutions that are not called, or that answer badly. */
export function checkInstitutions({ jobs, nowMs }: Facts): readonly Finding[] {
  return jobs.flatMap(({ institutions }) => institutions.flatMap((each) => finding(each, nowMs)));
}

function finding(institution: InstitutionOverview, nowMs: number): readonly Finding[] {
  const { job, step, resource, circuit, override, untilMs, waiting, oldestWaitingSinceMs } = institution;
  const place = { job, step, institution: resource };
  const ageMs = oldestWaitingSinceMs === undefined ? undefined : nowMs - oldestWaitingSinceMs;
  const base = { check: "institutions", where: place, ageMs } as const;
  const held =
    waiting === 0 ? [] : [`${waits(waiting)} for it${ageMs === undefined ? "" : `, the oldest for ${age(ageMs)}`}`];
  const again = untilMs === undefined ? "" : `; it is tried again in ${age(untilMs - nowMs)}`;
  if (override !== undefined)
    return [
      {
        ...base,
        severity: override.state === "open" ? "warning" : "note",
        what: `${override.by} has switched the calls of "${step}" to ${resource} ${override.state === "open" ? "off" : "on, whatever its circuit says"}`,
        evidence: [`${age(nowMs - override.atMs)} ago: ${override.why}`, ...held],
        todo: `take the order back when its reason is over: mulgil circuits reset ${resource} --job ${job} --why …`,
      },
    ];
  const { failed, ended } = countsOf(institution);
  const share = ended === 0 ? 0 : failed / ended;
  const answers =
    ended === 0
      ? []
      : [`${count(failed)} of the last ${count(ended)} calls failed (${percent(share)}): ${failures(institution)}`];
  if (circuit !== "closed")
    return [
      {
        ...base,
        severity: "error",
        what: `institution ${resource} is dead to step "${step}" of job "${job}": its circuit is ${circuit === "halfOpen" ? "half open, and probed" : "open"}${again}`,
        evidence: [...answers, ...held],
        todo: "ask the institution; nothing is lost meanwhile, its records wait in retry tiers and are called for when it answers. More workers do not help",
      },
    ];
  if (ended < CALLS_MIN || share < BAD_SHARE) return [];
  return [
    {
      ...base,
      severity: "warning",
      what: `institution ${resource} answers badly to step "${step}" of job "${job}"`,
      evidence: [...answers, ...held],
      todo: "look at mulgil circuits; its circuit opens by itself if it gets worse",
    },
  ];
}

const CALLS_MIN = 10;
const BAD_SHARE = 0.2;
const FAILURES = ["error", "timeout", "throttled", "rejected"] as const;

function countsOf({ calls }: InstitutionOverview): { readonly failed: number; readonly ended: number } {
  const failed = FAILURES.reduce((sum, name) => sum + calls[name], 0);
  return { failed, ended: failed + calls.done + calls.dead };
}

const failures = ({ calls }: InstitutionOverview): string =>
  FAILURES.filter((name) => calls[name] > 0)
    .map((name) => `${name} ${count(calls[name])}`)
    .join(", ") || "none";
