import type { ApiType } from "../../schemas/types/mydata/collection-request.ts";
import type { ResourceKind } from "./resources.ts";

/** What a click demands of a collection. */
export interface CollectionPolicy {
  /** The institutions are told why they are asked. */
  readonly apiType: ApiType;
  /** Collected again, however fresh it is. */
  readonly forced: boolean;
  /** What the page shows. */
  readonly kinds: readonly ResourceKind[];
}

interface EventRuleBase {
  readonly page: string;
  readonly action: string;
  /** What follows from the event, further down the stream. */
  readonly propagates: readonly ("classification" | "analysis" | "terminated")[];
}

export interface CollectionRule extends EventRuleBase {
  readonly event: "collection";
  /** "whenStale": suppressed when the same data was collected less ago than `freshForMs` of its resource says. "always": never suppressed. */
  readonly timePolicy: "whenStale" | "always";
  readonly actionPolicy: CollectionPolicy;
}

export interface DeletionRule extends EventRuleBase {
  readonly event: "deletion";
  /** At once; an order that was given is not given again. */
  readonly timePolicy: "once";
  /** "customer": everything. "institutions": those that the click names, or all. */
  readonly actionPolicy: { readonly erases: "customer" | "institutions" };
}

export type EventRule = CollectionRule | DeletionRule;

const everything = ["list", "balance", "movements"] as const;
const onLogIn = { apiType: "userSearch", forced: false, kinds: everything } as const;
const onConsent = { apiType: "userConsent", forced: true, kinds: everything } as const;
const onSpending = { apiType: "userSearch", forced: false, kinds: ["movements"] } as const;
const onAssets = { apiType: "userSearch", forced: false, kinds: ["list", "balance"] } as const;
const onRefresh = { apiType: "userRefresh", forced: true, kinds: everything } as const;

const collection = { event: "collection", timePolicy: "whenStale" } as const;
const forcedCollection = { event: "collection", timePolicy: "always" } as const;
const deletion = { event: "deletion", timePolicy: "once", propagates: ["terminated"] } as const;
const analysed = { propagates: ["classification", "analysis"] } as const;
const classified = { propagates: ["classification"] } as const;

/** Which click raises which event, under which policies. Plain data: the table of docs/MYDATA.md. */
export const eventMap: readonly EventRule[] = [
  { page: "member", action: "logIn", ...collection, ...classified, actionPolicy: onLogIn },
  { page: "member", action: "leave", ...deletion, actionPolicy: { erases: "customer" } },
  { page: "authentication", action: "consent", ...forcedCollection, ...classified, actionPolicy: onConsent },
  { page: "authentication", action: "withdraw", ...deletion, actionPolicy: { erases: "institutions" } },
  { page: "spending", action: "home", ...collection, ...analysed, actionPolicy: onSpending },
  { page: "spending", action: "detail", ...collection, ...analysed, actionPolicy: onSpending },
  { page: "spending", action: "refresh", ...forcedCollection, ...analysed, actionPolicy: onRefresh },
  { page: "assets", action: "home", ...collection, ...analysed, actionPolicy: onAssets },
  { page: "assets", action: "detail", ...collection, ...analysed, actionPolicy: onAssets },
  { page: "assets", action: "refresh", ...forcedCollection, ...analysed, actionPolicy: onRefresh },
];

/** Undefined: the map knows no such click. */
export const eventRuleOf = (page: string, action: string): EventRule | undefined =>
  eventMap.find((rule) => rule.page === page && rule.action === action);
