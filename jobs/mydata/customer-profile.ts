import type { CollectionRequest } from "../../schemas/types/mydata/collection-request.ts";
import type { Completion } from "../../schemas/types/mydata/completion.ts";
import type { Consent } from "../../schemas/types/mydata/consent.ts";
import type { ConsentEvent } from "../../schemas/types/mydata/consent-event.ts";
import type { ErasureMemory } from "../../schemas/types/mydata/erasure-memory.ts";
import type { ProfiledItem, ProfileState } from "../../schemas/types/mydata/profile-state.ts";
import { clickedUntil, erasedUntil } from "./erasure-memory.ts";
import { compareTexts } from "./month-summary.ts";

type Item = { -readonly [F in keyof ProfiledItem]: ProfiledItem[F] };
type Place = Pick<ProfiledItem, "institution" | "resource" | "assetId">;

const nothing: ProfileState = { grants: [], consentChangedAt: 0, refusals: [], items: [] };

/** A working copy of what is known about the collections of one customer. Requests and their ends may come in any order. */
export class CustomerProfile {
  #grants: ProfileState["grants"];
  #consentChangedAt: number;
  readonly #refusals: Map<string, number>;
  readonly #items: Map<string, Item>;

  constructor(before: ProfileState | undefined) {
    const { grants, consentChangedAt, refusals, items } = before ?? nothing;
    this.#grants = grants;
    this.#consentChangedAt = consentChangedAt;
    this.#refusals = new Map(refusals.map(({ institution, requestedAt }) => [institution, requestedAt]));
    this.#items = new Map(items.map((item) => [keyOf(item), { ...item }]));
  }

  get isEmpty(): boolean {
    return this.#consentChangedAt === 0 && this.#grants.length === 0 && this.#items.size === 0;
  }

  get state(): ProfileState {
    return {
      grants: this.#grants,
      consentChangedAt: this.#consentChangedAt,
      refusals: [...this.#refusals].map(([institution, requestedAt]) => ({ institution, requestedAt })),
      items: [...this.#items.values()].sort((a, b) => compareTexts(keyOf(a), keyOf(b))),
    };
  }

  request(request: CollectionRequest): void {
    const item = this.#item(request);
    this.#meet(item, request, "ended", "open");
  }

  complete(completion: Completion): void {
    const { requestedAt, outcome } = completion;
    const item = this.#item(completion);
    this.#meet(item, completion, "open", "ended");
    if (outcome === "failed" && requestedAt > (item.failedAt ?? 0)) {
      item.failedAt = requestedAt;
      item.failure = [completion.code, completion.reason].filter((part) => part !== null).join(": ");
      if (requestedAt > (item.completeSince ?? 0)) item.completeSince = null;
    }
    if (outcome === "succeeded" || outcome === "unchanged") succeed(item, requestedAt);
    if (outcome === "succeeded" && completion.assetId === null) this.#keepAssets(completion);
  }

  /** A request and its end cancel each other out, whichever comes first. */
  #meet(item: Item, of: Pick<Completion, "requestId" | "requestedAt">, other: "open" | "ended", own: "open" | "ended") {
    const { requestId, requestedAt } = of;
    item.lastRequestedAt = Math.max(item.lastRequestedAt, requestedAt);
    const rest = item[other].filter((one) => one.requestId !== requestId);
    if (rest.length < item[other].length) item[other] = rest;
    else item[own] = [...item[own], { requestId, requestedAt }];
  }

  /** Nothing is said any more of an asset that a newer list does not have. */
  #keepAssets({ institution, assetIds, requestedAt }: Completion): void {
    for (const [key, item] of this.#items) {
      const { assetId, open, ended, lastRequestedAt } = item;
      if (item.institution !== institution || assetId === null || assetIds.includes(assetId)) continue;
      if (lastRequestedAt < requestedAt && open.length === 0 && ended.length === 0) this.#items.delete(key);
    }
  }

  consent({ grants, changedAt }: Consent, isValid: (grant: Consent["grants"][number]) => boolean): void {
    if (changedAt < this.#consentChangedAt) return;
    this.#consentChangedAt = changedAt;
    this.#grants = grants
      .filter(isValid)
      .map(({ institution, grantedAt, expiresAt }) => ({ institution, grantedAt, expiresAt }));
  }

  /** That an asset is not covered says nothing about the consent. */
  refuse({ institution, assetId, code, requestedAt }: ConsentEvent): void {
    if (code === "40301" && assetId !== null) return;
    this.#refusals.set(institution, Math.max(this.#refusals.get(institution) ?? 0, requestedAt));
  }

  /** Forgets what was requested up to a time, and consents that were given up to a click, by institution. */
  erase(memory: ErasureMemory): void {
    this.#grants = this.#grants.filter(({ institution, grantedAt }) => grantedAt > clickedUntil(memory, institution));
    // From here on the time of the click decides which consents count.
    if (memory.customerAt !== null && this.#grants.length === 0) this.#consentChangedAt = 0;
    for (const [institution, requestedAt] of this.#refusals)
      if (requestedAt <= erasedUntil(memory, institution)) this.#refusals.delete(institution);
    for (const [key, item] of this.#items) {
      const until = erasedUntil(memory, item.institution);
      if (item.lastRequestedAt <= until) {
        this.#items.delete(key);
        continue;
      }
      item.open = item.open.filter(({ requestedAt }) => requestedAt > until);
      item.ended = item.ended.filter(({ requestedAt }) => requestedAt > until);
      if ((item.failedAt ?? 0) <= until) Object.assign(item, { failedAt: null, failure: null });
      if ((item.succeededAt ?? 0) <= until) item.succeededAt = null;
      // Which success was the first behind the order is not known: the last one is late, but not wrong.
      if ((item.completeSince ?? 0) <= until && item.completeSince !== null) item.completeSince = item.succeededAt;
    }
  }

  #item({ institution, resource, assetId }: Place): Item {
    const place = { institution, resource, assetId };
    const found = this.#items.get(keyOf(place));
    if (found !== undefined) return found;
    const item: Item = {
      ...place,
      ...{
        lastRequestedAt: 0,
        open: [],
        ended: [],
        succeededAt: null,
        completeSince: null,
        failedAt: null,
        failure: null,
      },
    };
    this.#items.set(keyOf(place), item);
    return item;
  }
}

/** Complete is what has succeeded behind its last failure. */
function succeed(item: Item, requestedAt: number): void {
  item.succeededAt = Math.max(item.succeededAt ?? 0, requestedAt);
  if (requestedAt > (item.failedAt ?? 0)) item.completeSince = Math.min(item.completeSince ?? requestedAt, requestedAt);
}

const keyOf = ({ institution, resource, assetId }: Place): string => [institution, resource, assetId ?? ""].join("\n");
