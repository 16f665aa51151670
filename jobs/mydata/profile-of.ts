import type { InstitutionProfile, Profile, ResourceProfile } from "../../schemas/types/mydata/profile.ts";
import type { ProfiledItem, ProfileState } from "../../schemas/types/mydata/profile-state.ts";
import { compareTexts } from "./month-summary.ts";

/** Completeness and freshness of a customer's data as of now. */
export function profileOf(customerId: string, state: ProfileState, nowMs: number): Profile {
  const known = [...state.grants, ...state.items].map(({ institution }) => institution);
  const institutions = [...new Set(known)]
    .sort(compareTexts)
    .map((institution) => institutionOf(institution, state, nowMs));
  return {
    customerId,
    changedAt: nowMs,
    institutions,
    completeInstitutions: institutions.filter(({ complete }) => complete).length,
    outstanding: institutions.reduce((sum, { outstanding }) => sum + outstanding, 0),
    freshAsOf: oldestOf(institutions.map(({ freshAsOf }) => freshAsOf)),
  };
}

function institutionOf(
  institution: string,
  { grants, refusals, items }: ProfileState,
  nowMs: number,
): InstitutionProfile {
  const own = items.filter((item) => item.institution === institution);
  const resources = own.map(resourceOf);
  const complete = resources.length > 0 && resources.every((resource) => resource.complete);
  const since = resources.map(({ completeSince }) => completeSince ?? 0);
  const grant = grants.find((one) => one.institution === institution);
  const refusedAt = refusals.find((one) => one.institution === institution)?.requestedAt ?? 0;
  const isOver = grant !== undefined && (grant.expiresAt <= nowMs || grant.grantedAt <= refusedAt);
  const consent = isOver ? "expired" : "granted";
  return {
    institution,
    consent: grant === undefined ? "unknown" : consent,
    resources,
    complete,
    completeSince: complete ? Math.max(...since) : null,
    freshAsOf: oldestOf(resources.map(({ collectedAt }) => collectedAt)),
    outstanding: own.reduce((sum, { open }) => sum + open.length, 0),
  };
}

function resourceOf({
  resource,
  assetId,
  open,
  succeededAt,
  completeSince,
  failedAt,
  failure,
}: ProfiledItem): ResourceProfile {
  const hasFailed = failedAt !== null && failedAt > (succeededAt ?? 0);
  const newest = open.map(({ requestedAt }) => requestedAt);
  return {
    ...{ resource, assetId, complete: succeededAt !== null && !hasFailed },
    completeSince: hasFailed ? null : completeSince,
    collectedAt: succeededAt,
    outstandingSince: newest.length === 0 ? null : Math.max(...newest),
    lastFailure: hasFailed ? failure : null,
  };
}

/** Null if one of them has none: what was never collected is not fresh. */
const oldestOf = (times: readonly (number | null)[]): number | null =>
  times.length === 0 || times.includes(null) ? null : Math.min(...times.map((time) => time ?? 0));
