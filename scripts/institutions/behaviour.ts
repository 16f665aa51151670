/**
 * How one institution treats whoever calls it. Plain JSON: set at the start, and changed while it runs, a field as a whole at a time.
 */
export interface Behaviour {
  /** Before each answer. @default none */
  readonly latency: Latency;
  /** @default none */
  readonly errors: ErrorRates;
  /** @default null */
  readonly outage: Outage | null;
  /** @default null */
  readonly flapping: Flapping | null;
  /** 50008 with `maintenance_until`. @default null */
  readonly maintenance: Span | null;
  /** More calls than that in a second, of all customers: 42901. @default null, any number */
  readonly callsPerSecondMax: number | null;
  /** @default null, bodies come in one piece */
  readonly slowDrip: SlowDrip | null;
  /**
   * "looping": the last page points to the first one, so that paging never ends. "duplicated": every page comes twice, under two cursors.
   * @default "correct"
   */
  readonly cursors: "correct" | "looping" | "duplicated";
  /** Pages are not longer than that, whatever limit is asked for. @default 500 */
  readonly pageItemsMax: number;
  /** The share of pages behind which the customer's access tokens are revoked, if there is another page. @default 0 */
  readonly tokenRevokedBetweenPagesRate: number;
  /** An x-api-tran-id that was there before: 40001. @default false */
  readonly rejectsRepeatedTransactionIds: boolean;
  /** When scheduled calls are answered, in Asia/Seoul; outside: 50009. At most three, 6 hours together at least. @default all day */
  readonly scheduledWindows: readonly DayWindow[];
  /** Complete answers to scheduled calls for a customer and resource and asset, in a week from Monday on; more: 42901. null: any number. @default 1 */
  readonly scheduledPerWeekMax: number | null;
  /** @default 90 days */
  readonly accessTokenMs: number;
  /** @default 365 days */
  readonly refreshTokenMs: number;
  /** @default 365 days */
  readonly consentMs: number;
  /** The share of assets that are listed, but not covered by the consent: 40301. Always the same ones. @default 0 */
  readonly uncoveredAssetsRate: number;
  /** The share of assets that are closed: 40403. Always the same ones. @default 0 */
  readonly closedAssetsRate: number;
}

/** How long an answer takes to begin. */
export type Latency =
  | { readonly kind: "none" }
  | { readonly kind: "fixed"; readonly ms: number }
  | { readonly kind: "uniform"; readonly fromMs: number; readonly toMs: number }
  /** Half of the answers within the median, 99 of 100 within the p99, none beyond the cap (@default 60,000). */
  | {
      readonly kind: "logNormal";
      readonly medianMs: number;
      readonly p99Ms: number;
      readonly capMs?: number | undefined;
    };

/** Shares of calls, 0 to 1, together at most 1; each 0 if it is left out. */
export interface ErrorRates {
  /** 500 with 50001. */
  readonly serverErrorRate?: number | undefined;
  /** The connection is reset instead of an answer. */
  readonly connectionResetRate?: number | undefined;
  /** HTTP 200, with `okWithErrorCode` in the body. */
  readonly okWithErrorRate?: number | undefined;
  /** @default "50001" */
  readonly okWithErrorCode?: string | undefined;
}

/** "reset": connections are reset. "unavailable": 503 without a code, as from a proxy. "silent": no answer, until the client gives up. */
export type OutageKind = "reset" | "unavailable" | "silent";

export interface Outage extends Span {
  readonly kind: OutageKind;
}

/** Wall clock, ms since the epoch: from inclusive, until exclusive; what is left out is open. */
export interface Span {
  readonly fromMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

/** Up, then down, then up: counted from `sinceMs` (wall clock, @default 0). */
export interface Flapping {
  readonly kind: OutageKind;
  readonly upMs: number;
  readonly downMs: number;
  readonly sinceMs?: number | undefined;
}

/** The body comes in so many pieces (@default 20), the last one after this time. */
export interface SlowDrip {
  readonly overMs: number;
  readonly pieces?: number | undefined;
}

/** "HH:MM" in Asia/Seoul; one that ends before it begins goes over midnight. "24:00" is the end of a day. */
export interface DayWindow {
  readonly from: string;
  readonly to: string;
}

const DAY_MS = 86_400_000;

export const standardBehaviour: Behaviour = {
  latency: { kind: "none" },
  errors: {},
  outage: null,
  flapping: null,
  maintenance: null,
  callsPerSecondMax: null,
  slowDrip: null,
  cursors: "correct",
  pageItemsMax: 500,
  tokenRevokedBetweenPagesRate: 0,
  rejectsRepeatedTransactionIds: false,
  scheduledWindows: [{ from: "00:00", to: "24:00" }],
  scheduledPerWeekMax: 1,
  accessTokenMs: 90 * DAY_MS,
  refreshTokenMs: 365 * DAY_MS,
  consentMs: 365 * DAY_MS,
  uncoveredAssetsRate: 0,
  closedAssetsRate: 0,
};
