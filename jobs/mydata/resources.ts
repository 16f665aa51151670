/** "list": the assets. "balance", "movements": of one asset. */
export type ResourceKind = "list" | "balance" | "movements";

export type Industry = "bank" | "card" | "insu";

/** Something that can be asked of an institution with one call and its further pages. */
export interface Resource {
  readonly name: string;
  readonly industry: Industry;
  readonly kind: ResourceKind;
  /** The time policy's T: collected less ago than that, it is fresh. */
  readonly freshForMs: number;
  /** Whether it is asked for a range of days. */
  readonly hasRange: boolean;
}

const MINUTE_MS = 60_000;
const list = { kind: "list", freshForMs: 60 * MINUTE_MS, hasRange: false } as const;
const balance = { kind: "balance", freshForMs: 5 * MINUTE_MS, hasRange: false } as const;
const movements = { kind: "movements", freshForMs: 10 * MINUTE_MS, hasRange: true } as const;

/**
 * One call and its pages make one request: an institution counts its weekly quota by resource and asset, and after an error only what has not been
 * answered may be asked again.
 */
export const resources: readonly Resource[] = [
  { name: "accounts", industry: "bank", ...list },
  { name: "balances", industry: "bank", ...balance },
  { name: "transactions", industry: "bank", ...movements },
  { name: "cards", industry: "card", ...list },
  { name: "approvals", industry: "card", ...movements },
  { name: "policies", industry: "insu", ...list },
  { name: "premiums", industry: "insu", ...movements, freshForMs: 24 * 60 * MINUTE_MS },
];

/** Undefined: there is no such resource in the industry. */
export const resourceOf = (industry: Industry, name: string): Resource | undefined =>
  resources.find((resource) => resource.industry === industry && resource.name === name);
