import type { Duration } from "./duration.ts";

/** How long a window accepts records after its end has passed; "none" closes it at its end. */
export type Grace = Duration | "none";

/** A window's size in a calendar; it needs a zone, because days, weeks and months begin at local midnight. */
export type CalendarUnit = "day" | "week" | "month" | "year";

interface Graceful {
  /** Required, because both answers lose something: a short grace loses late records, a long one keeps state. */
  readonly grace: Grace;
}

export interface TumblingWindows {
  readonly kind: "tumbling";
  readonly size: Duration;
  readonly grace: Grace;
  /** IANA zone: sizes of one day, week, month or year then follow its calendar. */
  readonly zone?: string;
}

export interface HoppingWindows {
  readonly kind: "hopping";
  readonly size: Duration;
  readonly advance: Duration;
  readonly grace: Grace;
}

export interface SlidingWindows {
  readonly kind: "sliding";
  readonly difference: Duration;
  readonly grace: Grace;
}

export interface SessionWindows {
  readonly kind: "session";
  readonly gap: Duration;
  readonly grace: Grace;
}

export type Windows = TumblingWindows | HoppingWindows | SlidingWindows | SessionWindows;

/** What a step after a window sees of it. `startMs` is inclusive; `endMs` is exclusive for tumbling and hopping, inclusive for sliding and session windows. */
export interface WindowBounds {
  readonly startMs: number;
  readonly endMs: number;
  /** A name for people. Calendar windows: "1993-04-05", "1993-W14", "1993-04", "1993" in the window's zone; others: the start as an ISO instant. */
  readonly label: string;
}

/**
 * Groups the records of one key into fixed windows that do not overlap: [0, size), [size, 2·size), …, aligned to the epoch.
 * With a `zone`, "1 day", "1 week" (ISO, from Monday), "1 month" and "1 year" are calendar windows of that zone: a day of daylight-saving
 * change has 23 or 25 hours.
 * A window accepts records until stream time reaches its end plus the grace; later records are late: counted, and sent to `late`.
 * State: one window store and its changelog, kept for size + grace.
 * @example tumbling("1 day", { zone: "Asia/Seoul", grace: "10 minutes" })
 */
export function tumbling(size: Duration, options: Graceful & { readonly zone?: string }): TumblingWindows {
  return Object.freeze({ kind: "tumbling", size, ...options });
}

/**
 * Fixed windows that overlap: one starts every `advance` and lasts `size`, so a record belongs to size ÷ advance of them.
 * Bounds and lateness are those of `tumbling`.
 * @example hopping("10 minutes", { advance: "1 minute", grace: "none" })
 */
export function hopping(size: Duration, options: Graceful & { readonly advance: Duration }): HoppingWindows {
  return Object.freeze({ kind: "hopping", size, ...options });
}

/**
 * Windows that follow the records: each distinct set of records of a key that lie within `difference` of each other is aggregated once.
 * Bounds are inclusive on both sides. A record older than stream time − difference − grace is late. Semantics: Kafka Streams' SlidingWindows.
 * @example sliding("5 minutes", { grace: "30 seconds" })
 */
export function sliding(difference: Duration, options: Graceful): SlidingWindows {
  return Object.freeze({ kind: "sliding", difference, ...options });
}

/**
 * Windows of activity: records of a key belong together while no two neighbours are further apart than `gap` (inclusive).
 * A record that lies between two sessions merges them; a merged session replaces its parts (the parts are withdrawn with a null value).
 * A session is late when its end + gap + grace < stream time. Semantics: Kafka Streams' SessionWindows.
 * @example session("30 minutes", { grace: "5 minutes" })
 */
export function session(gap: Duration, options: Graceful): SessionWindows {
  return Object.freeze({ kind: "session", gap, ...options });
}

/** When an aggregate speaks: at every change, the latest value of each changed key at each commit, or once when its window has closed. */
export type Emit = "every-change" | "on-commit" | "on-close";
