import { styleText } from "node:util";
import ms from "ms";
import type { InstitutionOverview } from "../../runtime/ops/circuits-overview.ts";
import { CALL_CLASSES, type CallClass } from "../../runtime/resilience/resource-report.ts";
import { table } from "../output/table.ts";

const HEAD = "job,step,institution,circuit,until,in flight,limit,calls,failed,p50,p95,p99,refused,waiting,oldest".split(
  ",",
);
const NUMBERS = "in flight,limit,calls,p50,p95,p99,refused,waiting".split(",");
/** Ends of calls that are no success, as they are shown. */
const FAILURES: readonly CallClass[] = ["error", "timeout", "throttled", "rejected", "dead"];

/** For people: a line an institution. */
export function circuitsTable(institutions: readonly InstitutionOverview[], nowMs: number): string {
  const rows = institutions.map((each) => [
    ...[each.job, each.step, each.resource, state(each)],
    each.untilMs === undefined ? "-" : `in ${ms(Math.max(0, each.untilMs - nowMs))}`,
    ...[String(each.inFlight), String(each.limit), String(callsOf(each)), failed(each)],
    ...latencies(each),
    ...[String(total(Object.values(each.refused))), String(each.waiting)],
    each.oldestWaitingSinceMs === undefined ? "-" : ms(Math.max(0, nowMs - each.oldestWaitingSinceMs)),
  ]);
  return table(HEAD, rows, NUMBERS);
}

/** How an institution stands, in words: "open by hand until 2026-01-01T00:00:00.000Z (ana@box: maintenance)". */
export function standing(institution: InstitutionOverview | undefined): string {
  if (institution === undefined) return "not called yet";
  const { circuit, override, untilMs } = institution;
  const until = untilMs === undefined ? "" : ` until ${new Date(untilMs).toISOString()}`;
  if (override === undefined) return `${circuit}${until}`;
  return `${override.state} by hand${until} (${override.by}: ${override.why})`;
}

function state({ circuit, override }: InstitutionOverview): string {
  if (override !== undefined) return styleText("yellow", `${override.state} by hand`);
  return circuit === "closed" ? styleText("green", circuit) : styleText("red", circuit);
}

const callsOf = ({ calls }: InstitutionOverview): number => total(CALL_CLASSES.map((each) => calls[each]));

/** "12% (error 8%, timeout 4%)". */
function failed(institution: InstitutionOverview): string {
  const calls = callsOf(institution);
  if (calls === 0) return "-";
  const percent = (count: number) => `${Math.round((100 * count) / calls)}%`;
  const counts = FAILURES.map((each) => [each, institution.calls[each]] as const).filter(([, count]) => count > 0);
  const all = percent(total(counts.map(([, count]) => count)));
  return counts.length === 0
    ? all
    : `${all} (${counts.map(([each, count]) => `${each} ${percent(count)}`).join(", ")})`;
}

const latencies = ({ latency }: InstitutionOverview): readonly string[] =>
  latency === undefined ? ["-", "-", "-"] : [ms(latency.p50), ms(latency.p95), ms(latency.p99)];

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
