import { type Answer, answerWith } from "./answer.ts";
import type { Institution } from "./institution.ts";
import { pageOf } from "./page.ts";
import { limitOf, type Parameters, rangeOf, requiredTextOf, searchTimestampOf, textOf } from "./parameters.ts";
import { shareOf } from "./random-of.ts";
import { RefusedRequest } from "./refused-request.ts";
import type { Query, Resource } from "./resource.ts";
import { responseCode } from "./response-code.ts";
import { untilWindowMs } from "./scheduled-windows.ts";
import { stampOf } from "./seoul-time.ts";

export interface ResourceCall {
  readonly resource: Resource;
  readonly parameters: Parameters;
  /** The header, as it came. */
  readonly authorization: string | undefined;
  readonly apiType: string | undefined;
  readonly idempotencyKey: string;
  readonly nowMs: number;
  readonly revokesToken: boolean;
}

const API_TYPES: readonly (string | undefined)[] = ["scheduled", "user-consent", "user-refresh", "user-search"];

/**
 * Answers a call for data. The rules in the order in which they are checked: headers, token, window, parameters, asset, quota, and what has changed.
 * @throws {RefusedRequest} of the first rule that is broken
 */
export function answerResource(institution: Institution, call: ResourceCall): Answer {
  const { resource, parameters, nowMs } = call;
  if (!API_TYPES.includes(call.apiType))
    throw new RefusedRequest(responseCode.badHeader, `x-api-type must be one of ${API_TYPES.join(", ")}`);
  const isScheduled = call.apiType === "scheduled";
  const customer = institution.authority.customerOf(/^Bearer (.+)$/i.exec(call.authorization ?? "")?.[1] ?? "", nowMs);
  if (isScheduled) refuseOutsideWindow(institution, nowMs);
  const searchedFor = searchTimestampOf(parameters);
  const limit = limitOf(parameters);
  const query = queryOf(institution, call, customer, isScheduled);
  const subject = `${resource.path} ${query.assetId}`.trim();
  const cursor = textOf(parameters, "next_page");
  const quotaSubject = `${customer} ${subject}`;
  if (isScheduled && cursor === undefined) refuseBeyondQuota(institution, quotaSubject, nowMs);

  const { items, changedMs } = resource.read(query);
  const changed = stampOf(changedMs);
  const complete = (hasData: boolean) => {
    if (isScheduled) institution.quota.answered(quotaSubject, nowMs);
    institution.deliveries.add({ idempotencyKey: call.idempotencyKey, customer, resource: subject }, hasData);
  };
  if (searchedFor !== undefined && changed <= searchedFor)
    return answerWith({ rsp_msg: "UP_TO_DATE", search_timestamp: changed }, () => complete(false));

  // A range that ends today has a new end with each call: what the client asked for is what a cursor belongs to.
  const asked = ["from_date", "to_date", "from_month", "to_month"].map((name) => textOf(parameters, name) ?? "");
  const page = pageOf(items, { limit, cursor, subject: [quotaSubject, ...asked].join(" ") }, institution.behaviour);
  const body = {
    search_timestamp: changed,
    next_page: page.next,
    [`${resource.name}_cnt`]: page.items.length,
    [`${resource.name}_list`]: page.items,
  };
  return answerWith(body, () => {
    if (page.next === null) complete(true);
    else if (call.revokesToken) institution.authority.revokeAccess(customer, nowMs);
  });
}

function queryOf(
  institution: Institution,
  { resource, parameters, nowMs }: ResourceCall,
  customer: string,
  isScheduled: boolean,
): Query {
  const { uncoveredAssetsRate, closedAssetsRate } = institution.behaviour;
  const isOneOf = (what: string, rate: number) => (asset: string) =>
    shareOf(institution.id, customer, asset, what) < rate;
  const range = rangeOf(parameters, resource.range, isScheduled);
  const query: Query = {
    customer,
    nowMs,
    assetId: resource.assetParameter === undefined ? "" : requiredTextOf(parameters, resource.assetParameter),
    fromMs: range.fromMs,
    toMs: Math.min(range.toMs, nowMs + 1),
    isCovered: (asset) => !isOneOf("uncovered", uncoveredAssetsRate)(asset),
    isClosed: isOneOf("closed", closedAssetsRate),
  };
  if (query.assetId !== "") refuseAsset(institution, query);
  return query;
}

function refuseAsset({ data }: Institution, { customer, assetId, nowMs, isCovered, isClosed }: Query): void {
  if (!data.hasAsset(customer, assetId, nowMs))
    throw new RefusedRequest(responseCode.notFound, `the customer has no ${assetId} here`);
  if (!isCovered(assetId))
    throw new RefusedRequest(responseCode.assetNotCovered, `the consent does not cover ${assetId}`);
  if (isClosed(assetId)) throw new RefusedRequest(responseCode.closedAsset, `${assetId} is closed`);
}

function refuseOutsideWindow({ behaviour }: Institution, nowMs: number): void {
  const waitMs = untilWindowMs(behaviour.scheduledWindows, nowMs);
  if (waitMs === 0) return;
  throw new RefusedRequest(responseCode.outsideWindow, "outside the windows for scheduled calls", {
    retryAfterMs: waitMs,
    fields: { window_opens_at: new Date(nowMs + waitMs).toISOString() },
  });
}

function refuseBeyondQuota({ behaviour, quota }: Institution, subject: string, nowMs: number): void {
  const { scheduledPerWeekMax } = behaviour;
  const waitMs = scheduledPerWeekMax === null ? 0 : quota.untilFreeMs(subject, scheduledPerWeekMax, nowMs);
  if (waitMs === 0) return;
  throw new RefusedRequest(responseCode.tooManyRequests, "the week's scheduled calls for this asset are used up", {
    retryAfterMs: waitMs,
  });
}
