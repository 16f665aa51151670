import type { ApiType, CollectionRequest } from "../../schemas/types/mydata/collection-request.ts";
import type { Completion } from "../../schemas/types/mydata/completion.ts";
import type { Grant } from "../../schemas/types/mydata/consent.ts";
import type { ConsentEvent } from "../../schemas/types/mydata/consent-event.ts";
import type { Erasure } from "../../schemas/types/mydata/erasure.ts";
import type { PlannedGrant, PlannedItem, Planning } from "../../schemas/types/mydata/planning.ts";
import { isDue } from "./due.ts";
import { type DateRange, nextRange } from "./request-range.ts";
import { type Industry, type Resource, type ResourceKind, resourceOf, resources } from "./resources.ts";
import { dateOf } from "./seoul-time.ts";

/** What an event wants to be collected. */
export interface Wish {
  readonly apiType: ApiType;
  readonly why: string;
  readonly forced: boolean;
  /** When it was wished: what was requested later fulfils it. */
  readonly wishedAt: number;
  readonly kinds: readonly ResourceKind[];
  /** Empty: all. */
  readonly institutions: readonly string[];
  /** Instead of each resource's own time policy. */
  readonly freshForMs?: number;
}

export interface PlanOptions {
  readonly customerId: string;
  readonly nowMs: number;
  /** Requests must have times behind it: those up to it are forgotten. */
  readonly erasedUntilMs: number;
  readonly industryOf: (institution: string) => Industry | undefined;
}

const HANDLED_EVENTS_MAX = 50;

const nothing: Planning = { grants: [], items: [], handledEvents: [], lastRequestedAt: 0, consentChangedAt: 0 };

/** A working copy of what is planned for one customer: decides what is requested now, and takes in what became of requests. */
export class CustomerPlan {
  readonly requests: CollectionRequest[] = [];
  readonly #options: PlanOptions;
  readonly #items: Map<string, PlannedItem>;
  readonly #handledEvents: string[];
  #grants: readonly PlannedGrant[];
  #lastRequestedAt: number;
  #consentChangedAt: number;

  constructor(before: Planning | undefined, options: PlanOptions) {
    const { grants, items, handledEvents, lastRequestedAt, consentChangedAt } = before ?? nothing;
    this.#options = options;
    this.#grants = grants;
    this.#items = new Map(items.map((item) => [keyOf(item), item]));
    this.#handledEvents = [...handledEvents];
    this.#lastRequestedAt = Math.max(lastRequestedAt, options.erasedUntilMs);
    this.#consentChangedAt = consentChangedAt;
  }

  get grants(): readonly PlannedGrant[] {
    return this.#grants;
  }

  /** Everything that may hold data of the customer. */
  get institutions(): readonly string[] {
    const known = [...this.#grants, ...this.#items.values()].map(({ institution }) => institution);
    return [...new Set(known)].sort();
  }

  /** There is nothing to plan for, and nothing to remember. */
  get isEmpty(): boolean {
    const isKnown = this.#consentChangedAt > 0 || this.#handledEvents.length > 0;
    return !isKnown && this.#grants.length === 0 && this.#items.size === 0;
  }

  get state(): Planning {
    return {
      grants: [...this.#grants],
      items: [...this.#items.values()],
      handledEvents: this.#handledEvents,
      lastRequestedAt: this.#lastRequestedAt,
      consentChangedAt: this.#consentChangedAt,
    };
  }

  /** False: it was handled before. */
  handle(eventId: string): boolean {
    if (this.#handledEvents.includes(eventId)) return false;
    this.#handledEvents.push(eventId);
    if (this.#handledEvents.length > HANDLED_EVENTS_MAX) this.#handledEvents.shift();
    return true;
  }

  /** A time for a request or an order, later than all before. */
  nextTime(): number {
    this.#lastRequestedAt = Math.max(this.#options.nowMs, this.#lastRequestedAt + 1);
    return this.#lastRequestedAt;
  }

  /** Requests what the wish asks for, as far as it is consented to, and not fresh or under way. */
  collect(wish: Wish): void {
    for (const grant of this.#grants) {
      if (wish.institutions.length > 0 && !wish.institutions.includes(grant.institution)) continue;
      if (grant.refused || grant.expiresAt <= this.#options.nowMs) continue;
      for (const item of this.#itemsOf(grant)) this.#collectItem(grant, item, wish);
    }
  }

  #collectItem(grant: PlannedGrant, item: PlannedItem, wish: Wish): void {
    const resource = this.#resourceOf(item);
    if (resource === undefined) return;
    // Nothing can be asked about assets that are not known yet.
    const isWanted = wish.kinds.includes(resource.kind) || (resource.kind === "list" && item.collectedAt === null);
    const freshForMs = wish.freshForMs ?? resource.freshForMs;
    if (!isWanted || !isDue(item, { ...wish, freshForMs, nowMs: this.#options.nowMs })) return;
    const requestedAt = this.nextTime();
    const requestId = `${this.#options.customerId}.${requestedAt.toString(36)}`;
    const range: DateRange | Record<keyof DateRange, null> = resource.hasRange
      ? nextRange(item.coveredTo, wish.apiType, this.#options.nowMs)
      : { fromDate: null, toDate: null };
    const { customerId } = this.#options;
    const { institution, assetId, searchTimestamp } = item;
    const { apiType, why, forced } = wish;
    this.requests.push({
      ...{ requestId, customerId, kind: "collect", institution, resource: resource.name, assetId },
      ...{ apiType, why, forced, requestedAt, ...range, searchTimestamp },
      ...{ authorizationCode: grant.authorizationCode, consentedAt: grant.grantedAt },
    });
    this.#items.set(keyOf(item), { ...item, outstanding: { requestId, requestedAt } });
  }

  /** The resources that are consented to: lists, and the rest for each asset that is known. */
  #itemsOf({ institution, resources: names }: PlannedGrant): readonly PlannedItem[] {
    const lists = names
      .filter((name) => this.#resourceOf({ institution, resource: name })?.kind === "list")
      .map((resource) => emptyItem(institution, resource, null))
      .filter((item) => !this.#items.has(keyOf(item)));
    for (const item of lists) this.#items.set(keyOf(item), item);
    return [...this.#items.values()].filter(
      (item) => item.institution === institution && names.includes(item.resource),
    );
  }

  #resourceOf({ institution, resource }: { institution: string; resource: string }): Resource | undefined {
    const industry = this.#options.industryOf(institution);
    return industry === undefined ? undefined : resourceOf(industry, resource);
  }

  /** Takes in how a request ended. A list that was collected brings requests for the assets that are new in it. */
  complete(completion: Completion): void {
    const item = this.#items.get(keyOf(completion));
    if (item === undefined) return;
    const outstanding = item.outstanding?.requestId === completion.requestId ? null : item.outstanding;
    const isSuccess = completion.outcome === "succeeded" || completion.outcome === "unchanged";
    const isNewer = completion.requestedAt > (item.requestedAt ?? 0);
    this.#items.set(keyOf(item), { ...item, outstanding, ...(isSuccess && isNewer && successOf(completion)) });
    if (completion.outcome === "succeeded" && isNewer && completion.assetId === null) this.#followAssets(completion);
  }

  #followAssets({ requestId, institution, resource, assetIds, apiType, requestedAt }: Completion): void {
    if (this.#resourceOf({ institution, resource })?.kind !== "list") return;
    for (const [key, item] of this.#items)
      if (item.institution === institution && item.assetId !== null && !assetIds.includes(item.assetId))
        this.#items.delete(key);
    const industry = this.#options.industryOf(institution);
    for (const { name } of resources.filter((one) => one.industry === industry && one.kind !== "list"))
      for (const assetId of assetIds) {
        const item = emptyItem(institution, name, assetId);
        if (!this.#items.has(keyOf(item))) this.#items.set(keyOf(item), item);
      }
    const kinds = ["balance", "movements"] as const;
    const why = `assets of ${requestId}`;
    this.collect({ apiType, why, forced: false, wishedAt: requestedAt, kinds, institutions: [institution] });
  }

  /** An institution refuses: nothing is asked of it, or of the one asset, until consent is granted anew. */
  refuse({ institution, resource, assetId, code, requestedAt }: ConsentEvent): void {
    if (code === ASSET_NOT_COVERED && assetId !== null) this.#items.delete(keyOf({ institution, resource, assetId }));
    else
      this.#grants = this.#grants.map((grant) =>
        grant.institution === institution && grant.grantedAt <= requestedAt ? { ...grant, refused: true } : grant,
      );
  }

  /**
   * Takes in what is consented to now. Returns the institutions with a new grant; undefined: it is older than what is known.
   */
  consent(grants: readonly Grant[], changedAt: number): readonly string[] | undefined {
    if (changedAt < this.#consentChangedAt) return undefined;
    this.#consentChangedAt = changedAt;
    const before = new Map(this.#grants.map((grant) => [grant.institution, grant]));
    const isNew = ({ institution, grantedAt }: Grant) => grantedAt > (before.get(institution)?.grantedAt ?? 0);
    this.#grants = grants.map((grant) => {
      const { refused = false, nextScheduledAt = null } = before.get(grant.institution) ?? {};
      return { ...grant, refused: refused && !isNew(grant), nextScheduledAt };
    });
    const granted = new Set(grants.map(({ institution }) => institution));
    for (const [key, { institution }] of this.#items) if (!granted.has(institution)) this.#items.delete(key);
    return grants.filter(isNew).map(({ institution }) => institution);
  }

  /** Says when each institution is due for its weekly collection. */
  schedule(nextOf: (institution: string, before: number | null) => number): void {
    this.#grants = this.#grants.map((grant) => ({
      ...grant,
      nextScheduledAt: nextOf(grant.institution, grant.nextScheduledAt),
    }));
  }

  /** Forgets institutions: their data, the consents that were granted up to the click, and the clicks. Returns those with a later consent. */
  erase({ scope, institutions, clickedAt }: Pick<Erasure, "scope" | "institutions" | "clickedAt">): readonly string[] {
    const isErased = ({ institution }: { institution: string }) => institutions.includes(institution);
    for (const [key, item] of this.#items) if (isErased(item)) this.#items.delete(key);
    this.#grants = this.#grants.filter((grant) => !isErased(grant) || grant.grantedAt > clickedAt);
    this.#handledEvents.length = 0;
    // From here on the time of the click decides which consents count.
    if (scope === "customer" && this.#grants.length === 0) this.#consentChangedAt = 0;
    return this.#grants.filter(isErased).map(({ institution }) => institution);
  }
}

const ASSET_NOT_COVERED = "40301";

const keyOf = ({ institution, resource, assetId }: Pick<PlannedItem, "institution" | "resource" | "assetId">): string =>
  [institution, resource, assetId ?? ""].join("\n");

const emptyItem = (institution: string, resource: string, assetId: string | null): PlannedItem => ({
  ...{ institution, resource, assetId, requestedAt: null, collectedAt: null },
  ...{ coveredTo: null, searchTimestamp: null, outstanding: null },
});

function successOf({ requestedAt, completedAt, toDate, searchTimestamp }: Completion) {
  // "Unchanged since" would hide the days that are not covered yet.
  const isUpToDate = toDate === null || toDate === dateOf(requestedAt);
  return {
    requestedAt,
    collectedAt: completedAt,
    coveredTo: toDate,
    searchTimestamp: isUpToDate ? searchTimestamp : null,
  };
}
