import type { ControlReport } from "../worker/control-records.ts";
import type { MemberOverview } from "./job-overview.ts";

/** A process that is to carry out an order for a job. */
export interface Addressee {
  /** Its name on the topic of orders; undefined for a member whose process has not said a word there: it may be of an older version. */
  readonly process: string | undefined;
  readonly host: string | undefined;
  readonly pid: number | undefined;
  /** Those that it has in the job's group. */
  readonly memberIds: readonly string[];
}

/** A process whose members are in no group says every ten seconds that it is there. */
export const ALIVE_MAX_MS = 45_000;

/** What the processes say that run a job now. Pure. */
export function liveReports(
  job: string,
  members: readonly MemberOverview[],
  reports: readonly ControlReport[],
  nowMs: number,
): readonly ControlReport[] {
  const inGroup = new Set(members.map(({ memberId }) => memberId));
  return reports.filter((report) => report.job === job && isThere(report, inGroup, nowMs));
}

/** Who runs a job: whoever has members in its group, and whoever has said lately that its members are drained. Pure. */
export function addresseesOf(
  job: string,
  members: readonly MemberOverview[],
  reports: readonly ControlReport[],
  nowMs: number,
): readonly Addressee[] {
  const inGroup = new Set(members.map(({ memberId }) => memberId));
  const known = liveReports(job, members, reports, nowMs).map(({ process, host, pid, members: own }) => ({
    ...{ process, host, pid },
    memberIds: own.flatMap(({ memberId }) => (memberId !== undefined && inGroup.has(memberId) ? [memberId] : [])),
  }));
  const spokenFor = new Set(known.flatMap(({ memberIds }) => memberIds));
  const silent = members
    .filter(({ memberId }) => !spokenFor.has(memberId))
    .map(({ memberId, process }) => ({
      ...{ process: undefined, host: process?.host, pid: process?.pid, memberIds: [memberId] },
    }));
  return [...known, ...silent];
}

/** Of processes that were killed so long ago that nobody waits for them. */
export function forgottenReports(
  job: string,
  members: readonly MemberOverview[],
  reports: readonly ControlReport[],
  nowMs: number,
): readonly ControlReport[] {
  const inGroup = new Set(members.map(({ memberId }) => memberId));
  return reports.filter(
    (report) => report.job === job && report.atMs < nowMs - FORGOTTEN_AFTER_MS && !isThere(report, inGroup, nowMs),
  );
}

const FORGOTTEN_AFTER_MS = 86_400_000;

function isThere({ members, atMs }: ControlReport, inGroup: ReadonlySet<string>, nowMs: number): boolean {
  if (members.some(({ memberId }) => memberId !== undefined && inGroup.has(memberId))) return true;
  return members.some(({ memberId }) => memberId === undefined) && atMs >= nowMs - ALIVE_MAX_MS;
}
