import { type CallContext, type CallFailure, dead, done, type Outcome, retry, wait } from "mulgil";
import type { CollectedRecord, Fact } from "../../schemas/types/mydata/collected-record.ts";
import type { CollectionRequest } from "../../schemas/types/mydata/collection-request.ts";
import type { Completion } from "../../schemas/types/mydata/completion.ts";
import type { ConsentEvent } from "../../schemas/types/mydata/consent-event.ts";
import { type Collected, collectPages } from "./collect-pages.ts";
import { FailedCall } from "./failed-call.ts";
import type { InstitutionAnswer } from "./institution-answer.ts";
import { type ClientOptions, InstitutionClient } from "./institution-client.ts";
import { resourceApis, type Said } from "./resource-apis.ts";
import { closedUntilMs } from "./schedule.ts";

/** What a collection leads to: records and consent events, and one completion behind them. */
export type CollectOutput =
  | { readonly kind: "record"; readonly record: CollectedRecord }
  | { readonly kind: "refusal"; readonly refusal: ConsentEvent }
  | { readonly kind: "completion"; readonly completion: Completion };

export interface CollectorOptions extends ClientOptions {
  /** The wall clock. */
  readonly now: () => number;
}

type Context = Pick<CallContext<string>, "signal" | "idempotencyKey" | "attempt">;
export type Collector = (request: CollectionRequest, context: Context) => Promise<Outcome<CollectOutput>>;

/** Longer than that is no burst that passes, but a quota that is used up: nothing is wrong with the institution, nor with the request. */
const THROTTLED_MAX_MS = 60 * 60_000;

/** Makes the handler of the call step: collects one resource to its end, and says what became of it. */
export function collectorOf(options: CollectorOptions): Collector {
  const client = new InstitutionClient(options);
  return async (request, { signal, idempotencyKey, attempt }) => {
    const api = resourceApis[request.resource];
    if (api === undefined) return dead("MYDATA_UNKNOWN_RESOURCE", `there is no resource "${request.resource}"`);
    const institution = options.institutionOf(request.institution);
    if (institution === undefined)
      return dead("MYDATA_UNKNOWN_INSTITUTION", `there is no institution "${request.institution}" in the table`);
    const session = client.session({ holder: request, apiType: request.apiType, idempotencyKey, signal });
    try {
      const collected = await collectPages(session, api, request);
      return done(...outputsOf(request, collected, attempt, options.now()));
    } catch (error) {
      // The time-out has an outcome of its own, whatever failed because of it.
      signal.throwIfAborted();
      if (!(error instanceof FailedCall)) return retry(unreachable(error));
      const closedUntil = closedUntilMs(institution.windows, options.now());
      return failureOf(request, error.answer, { attempt, nowMs: options.now(), closedUntil });
    }
  };
}

function outputsOf(
  request: CollectionRequest,
  { unchanged, said, pages, searchTimestamp }: Collected,
  attempts: number,
  nowMs: number,
): readonly CollectOutput[] {
  const assets = said.flatMap((one) => ("asset" in one ? [one.asset] : []));
  const isAskable = ({ active, consented }: (typeof assets)[number]) => active && consented;
  const completion = completionOf(request, {
    outcome: unchanged ? "unchanged" : "succeeded",
    code: "00000",
    ...{ attempts, completedAt: nowMs, searchTimestamp, pages, records: said.length },
    assetIds: request.assetId === null ? assets.filter(isAskable).map(({ assetId }) => assetId) : [],
  });
  return [...said.map((one) => recordOf(request, one, nowMs)), { kind: "completion", completion }];
}

const recordOf = (request: CollectionRequest, said: Said | { fact: Fact }, collectedAt: number): CollectOutput => {
  const { customerId, institution, resource, requestId, requestedAt } = request;
  return {
    kind: "record",
    record: {
      ...{ customerId, institution, resource, requestId, requestedAt, collectedAt },
      ...{ asset: null, transaction: null, fact: null, ...said },
    },
  };
};

interface Circumstances {
  readonly attempt: number;
  readonly nowMs: number;
  readonly closedUntil: number | undefined;
}

/** What a refusal asks for, by its class. */
function failureOf(
  request: CollectionRequest,
  answer: InstitutionAnswer,
  { attempt, nowMs, closedUntil }: Circumstances,
): Outcome<CollectOutput> {
  const { code, message, retryAfterMs, maintenanceUntilMs } = answer;
  const reason = `${code}: ${message}`;
  const after = retryAfterMs === undefined ? undefined : nowMs + retryAfterMs;
  const ended = { code, reason: message, attempts: attempt, completedAt: nowMs } as const;
  switch (answer.class) {
    case "maintenance":
      return wait(reason, { scope: "resource", ...until(maintenanceUntilMs ?? after) });
    case "outside-window":
      return wait(reason, until(closedUntil ?? after));
    case "throttled":
      if (after !== undefined && after - nowMs > THROTTLED_MAX_MS) return wait(reason, until(after));
      return retry(reason, { failure: "throttled", ...(retryAfterMs !== undefined && { afterMs: retryAfterMs }) });
    case "token":
      return retry(reason, { failure: "rejected" });
    case "consent":
      return done<CollectOutput>(
        { kind: "refusal", refusal: refusalOf(request, answer, nowMs) },
        { kind: "completion", completion: completionOf(request, { ...ended, outcome: "failed" }) },
      );
    case "terminal":
      return done<CollectOutput>(
        recordOf(request, { fact: { assetId: request.assetId, code, reason: message } }, nowMs),
        { kind: "completion", completion: completionOf(request, { ...ended, outcome: "succeeded", records: 1 }) },
      );
    case "bad-request":
      return dead("MYDATA_BAD_REQUEST", reason);
    default:
      return retry(reason, { ...(retryAfterMs !== undefined && { afterMs: retryAfterMs }) });
  }
}

const until = (untilMs: number | undefined) => (untilMs === undefined ? {} : { untilMs });

const refusalOf = (request: CollectionRequest, answer: InstitutionAnswer, occurredAt: number): ConsentEvent => {
  const { customerId, institution, resource, assetId, requestedAt } = request;
  const { code, message } = answer;
  return { customerId, institution, resource, assetId, code, reason: message, requestedAt, occurredAt };
};

/** A request that ended as a dead letter. */
export const completionOfDead = ({ value, code, reason, attempts }: CallFailure<CollectionRequest>, nowMs: number) =>
  completionOf(value, { outcome: "failed", code, reason, attempts, completedAt: nowMs });

/** A request that a later one has overtaken. */
export const completionOfSuperseded = (request: CollectionRequest, nowMs: number) =>
  completionOf(request, { outcome: "superseded", completedAt: nowMs });

type Ending = Pick<Completion, "outcome" | "completedAt"> & Partial<Completion>;

function completionOf(request: CollectionRequest, ending: Ending): Completion {
  const { requestId, customerId, institution, resource, assetId, apiType, requestedAt, fromDate, toDate } = request;
  return {
    ...{ requestId, customerId, institution, resource, assetId, apiType, requestedAt, fromDate, toDate },
    ...{ code: null, reason: null, attempts: 0, searchTimestamp: null, records: 0, pages: 0, assetIds: [] },
    ...ending,
  };
}

/** fetch says "fetch failed", and the reason is below. */
function unreachable(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return `unreachable: ${cause instanceof Error ? cause.message : String(cause)}`;
}
