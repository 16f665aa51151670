import { type ProcessContext, type ProcessOptions, valueStore } from "mulgil";
import type { CollectionRequest } from "../../schemas/types/mydata/collection-request.ts";
import type { Completion } from "../../schemas/types/mydata/completion.ts";
import type { Consent, Grant } from "../../schemas/types/mydata/consent.ts";
import type { ConsentEvent } from "../../schemas/types/mydata/consent-event.ts";
import type { Erasure } from "../../schemas/types/mydata/erasure.ts";
import { type ErasureMemory, erasureMemory } from "../../schemas/types/mydata/erasure-memory.ts";
import { planning } from "../../schemas/types/mydata/planning.ts";
import type { UserEvent } from "../../schemas/types/mydata/user-event.ts";
import { CustomerPlan, type Wish } from "./customer-plan.ts";
import {
  clickedUntil,
  erasedUntil,
  isOutdatedConsent,
  lastErasureOf,
  noErasures,
  rememberErasure,
} from "./erasure-memory.ts";
import type { CollectionRule, DeletionRule, EventRule } from "./event-map.ts";
import type { Institutions } from "./institutions.ts";
import { nextSlotMs } from "./schedule.ts";
import { WEEK_MS, weekStartOf } from "./seoul-time.ts";

export type PlanInput =
  | { readonly kind: "click"; readonly event: UserEvent; readonly rule: EventRule }
  | { readonly kind: "consent"; readonly consent: Consent }
  | { readonly kind: "completion"; readonly completion: Completion }
  | { readonly kind: "refusal"; readonly refusal: ConsentEvent };

export type PlanOutput =
  | { readonly kind: "request"; readonly request: CollectionRequest }
  | { readonly kind: "erasure"; readonly erasure: Erasure };

const stores = { planning: valueStore(planning), erasures: valueStore(erasureMemory) };
type Context = Omit<ProcessContext<string, typeof stores, "schedule", PlanOutput>, "record">;
type Options = ProcessOptions<string, PlanInput, typeof stores, "schedule", PlanOutput, undefined>;

const ALL_KINDS = ["list", "balance", "movements"] as const;
/** What was collected a day ago for other reasons need not be collected by schedule. */
const SCHEDULE_FRESH_MS = 86_400_000;

/** Decides for one customer at a time what is collected when, and gives the order to forget him. */
export function planStep(institutions: Institutions): Options {
  const open = ({ key, stores, wallClockMs }: Context) =>
    new CustomerPlan(stores.planning.get(), {
      customerId: key,
      nowMs: wallClockMs,
      erasedUntilMs: lastErasureOf(stores.erasures.get() ?? noErasures),
      industryOf: (institution) => institutions.get(institution)?.industry,
    });

  /** Windows of an institution that is not in the table: it is not collected either. */
  const slotAfter = (customerId: string, institution: string, afterMs: number): number =>
    nextSlotMs(`${customerId} ${institution}`, institutions.get(institution)?.windows ?? [], afterMs);

  const close = (plan: CustomerPlan, context: Context) => {
    plan.schedule((institution, before) => before ?? slotAfter(context.key, institution, context.wallClockMs));
    if (plan.isEmpty) context.stores.planning.delete();
    else context.stores.planning.set(plan.state);
    setTimer(plan, context);
    for (const request of plan.requests)
      context.emit({ kind: "request", request }, { timestampMs: context.wallClockMs });
  };

  return {
    stores,
    timers: { schedule: "wall-time" },
    onRecord(input, context) {
      const plan = open(context);
      switch (input.kind) {
        case "click":
          if (isOutdated(input.event, context) || !plan.handle(input.event.eventId)) return;
          if (input.rule.event === "deletion") erase(plan, input.event, input.rule, context);
          else collectFor(plan, input.event, input.rule, context);
          break;
        case "consent":
          if (!takeConsent(plan, input.consent, context)) return;
          break;
        case "completion":
          if (isForgotten(input.completion, context)) return;
          plan.complete(input.completion);
          break;
        case "refusal":
          if (isForgotten(input.refusal, context)) return;
          plan.refuse(input.refusal);
      }
      close(plan, context);
    },
    onTimer(_timer, context) {
      const plan = open(context);
      const nowMs = context.wallClockMs;
      const due = plan.grants.filter(({ nextScheduledAt }) => nextScheduledAt !== null && nextScheduledAt <= nowMs);
      const dueIds = due.map(({ institution }) => institution);
      if (dueIds.length > 0)
        plan.collect({
          ...{ apiType: "scheduled", why: "schedule", forced: false, wishedAt: nowMs, kinds: ALL_KINDS },
          ...{ institutions: dueIds, freshForMs: SCHEDULE_FRESH_MS },
        });
      // One a week: the institutions count weeks from Monday on.
      const nextWeekMs = weekStartOf(nowMs) + WEEK_MS;
      plan.schedule((institution, before) =>
        before !== null && before > nowMs ? before : slotAfter(context.key, institution, nextWeekMs - 1),
      );
      close(plan, context);
    },
  };
}

/** Clicked before the customer left. */
const isOutdated = ({ occurredAt }: UserEvent, { stores }: Context): boolean =>
  occurredAt <= (stores.erasures.get() ?? noErasures).clickedAt;

const isForgotten = (of: Pick<Completion, "institution" | "requestedAt">, { stores }: Context): boolean =>
  of.requestedAt <= erasedUntil(stores.erasures.get() ?? noErasures, of.institution);

function collectFor(plan: CustomerPlan, event: UserEvent, rule: CollectionRule, { wallClockMs }: Context): void {
  const { apiType, forced, kinds } = rule.actionPolicy;
  plan.collect({
    ...{ apiType, forced, kinds, institutions: event.institutions },
    why: `${event.page} ${event.action}`,
    wishedAt: Math.min(event.occurredAt, wallClockMs),
    ...(rule.timePolicy === "always" && { freshForMs: 0 }),
  });
}

const byConsent = (institutions: readonly string[], nowMs: number): Wish => ({
  ...{ apiType: "userConsent", why: "consent", forced: true },
  ...{ wishedAt: nowMs, kinds: ALL_KINDS, institutions },
});

/** False: it changes nothing. */
function takeConsent(plan: CustomerPlan, consent: Consent, context: Context): boolean {
  const memory = context.stores.erasures.get() ?? noErasures;
  if (plan.grants.length === 0 && isOutdatedConsent(memory, consent)) {
    orderAgain(memory, context);
    return false;
  }
  const isValid = ({ institution, grantedAt }: Grant) => grantedAt > clickedUntil(memory, institution);
  const granted = plan.consent(consent.grants.filter(isValid), consent.changedAt);
  if (granted === undefined) return false;
  if (granted.length > 0) plan.collect(byConsent(granted, context.wallClockMs));
  return true;
}

/** A consent from before the customer left came behind the order: its topic has to forget it, too. */
function orderAgain({ customerAt, clickedAt }: ErasureMemory, { key: customerId, emit, wallClockMs }: Context): void {
  const orderedAt = customerAt ?? 0;
  const orderId = `${customerId}.${orderedAt.toString(36)}.again`;
  const erasure: Erasure = {
    ...{ orderId, customerId, scope: "customer", institutions: [], reason: "left" },
    ...{ clickedAt, keepsConsent: false, orderedAt },
  };
  emit({ kind: "erasure", erasure }, { timestampMs: wallClockMs });
}

/** Gives the orders to forget: one for every institution, that goes the way of its requests, and one for all other jobs. */
function erase(plan: CustomerPlan, event: UserEvent, rule: DeletionRule, context: Context): void {
  const { stores, emit, wallClockMs } = context;
  const memory = stores.erasures.get() ?? noErasures;
  const erasure = orderOf(plan, event, rule, memory);
  if (erasure === undefined) return;
  stores.erasures.set(rememberErasure(memory, erasure));
  for (const institution of erasure.institutions)
    emit({ kind: "request", request: eraseRequest(erasure, institution) }, { timestampMs: wallClockMs });
  emit({ kind: "erasure", erasure }, { timestampMs: wallClockMs });
  const consentedAgain = plan.erase(erasure);
  if (consentedAgain.length > 0) plan.collect(byConsent(consentedAgain, plan.nextTime()));
}

/** Undefined: it has been ordered before, or there is nothing to forget. */
function orderOf(plan: CustomerPlan, event: UserEvent, rule: DeletionRule, memory: ErasureMemory): Erasure | undefined {
  const { customerId, occurredAt: clickedAt } = event;
  const isWhole = rule.actionPolicy.erases === "customer";
  const named = isWhole || event.institutions.length === 0 ? plan.institutions : event.institutions;
  const institutions = named.filter((institution) => clickedUntil(memory, institution) < clickedAt);
  if (!isWhole && institutions.length === 0) return undefined;
  const orderedAt = plan.nextTime();
  return {
    orderId: `${customerId}.${orderedAt.toString(36)}`,
    ...{ customerId, institutions, clickedAt, orderedAt },
    keepsConsent: plan.grants.some(({ grantedAt }) => grantedAt > clickedAt),
    scope: isWhole ? "customer" : "institutions",
    reason: isWhole ? "left" : "withdrawn",
  };
}

const eraseRequest = ({ orderId, customerId, reason, orderedAt }: Erasure, institution: string): CollectionRequest => ({
  ...{ requestId: `${orderId}.${institution}`, customerId, kind: "erase", institution, resource: "", assetId: null },
  ...{ apiType: "userRefresh", why: reason, forced: true, requestedAt: orderedAt },
  ...{ fromDate: null, toDate: null, searchTimestamp: null, authorizationCode: "", consentedAt: 0 },
});

function setTimer(plan: CustomerPlan, { timers }: Context): void {
  const due = plan.grants.flatMap(({ nextScheduledAt }) => nextScheduledAt ?? []);
  if (due.length === 0) timers.schedule.cancel();
  else timers.schedule.set(Math.min(...due));
}
