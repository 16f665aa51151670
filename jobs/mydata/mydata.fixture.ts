import type { CollectionRequest } from "../../schemas/types/mydata/collection-request.ts";
import type { Completion } from "../../schemas/types/mydata/completion.ts";
import type { Consent, Grant } from "../../schemas/types/mydata/consent.ts";
import type { UserEvent } from "../../schemas/types/mydata/user-event.ts";
import { readInstitutions } from "./institutions.ts";

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;
export const WEEK_MS = 7 * DAY_MS;
/** A Wednesday, 10:00 in Seoul. */
export const START_MS = Date.parse("2026-01-07T10:00:00+09:00");

export const institutions = readInstitutions([
  { id: "bank-01", industry: "bank", baseUrl: "http://127.0.0.1:1/bank-01" },
  {
    id: "card-01",
    industry: "card",
    baseUrl: "http://127.0.0.1:1/card-01",
    windows: [
      { from: "01:00", to: "05:00" },
      { from: "22:00", to: "00:30" },
    ],
  },
  { id: "insu-01", industry: "insu", baseUrl: "http://127.0.0.1:1/insu-01" },
]);

export const grant = (institution: string, change: Partial<Grant> = {}): Grant => ({
  institution,
  resources: ["accounts", "balances", "transactions", "cards", "approvals", "policies", "premiums"],
  authorizationCode: "ann",
  grantedAt: START_MS - 1_000,
  expiresAt: START_MS + 365 * DAY_MS,
  ...change,
});

export const consentOf = (grants: readonly Grant[], changedAt = START_MS): Consent => ({
  customerId: "ann",
  grants: [...grants],
  changedAt,
});

let clicks = 0;
export const click = (
  page: string,
  action: string,
  occurredAt: number,
  change: Partial<UserEvent> = {},
): UserEvent => ({
  eventId: `e${++clicks}`,
  customerId: "ann",
  page,
  action,
  institutions: [],
  occurredAt,
  ...change,
});

/** How a request ended, as its collection says it. */
export const completionOf = (request: CollectionRequest, change: Partial<Completion> = {}): Completion => {
  const { requestId, customerId, institution, resource, assetId, apiType, requestedAt, fromDate, toDate } = request;
  return {
    ...{ requestId, customerId, institution, resource, assetId, apiType, requestedAt, fromDate, toDate },
    ...{ outcome: "succeeded", code: "00000", reason: null, attempts: 1, completedAt: requestedAt + 100 },
    ...{ searchTimestamp: "20260107100000", records: 1, pages: 1, assetIds: [] },
    ...change,
  };
};
