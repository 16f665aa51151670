import type { RefusalReason, Waiting } from "./attempt.ts";
import type { WaitingOrder } from "./waiting-orders.ts";

export type CircuitState = "closed" | "open" | "halfOpen";

/** Calls that ended, by how. "wait" are those that the institution put off. */
export const CALL_CLASSES = ["done", "error", "timeout", "throttled", "rejected", "dead", "wait"] as const;
export type CallClass = (typeof CALL_CLASSES)[number];

export const REFUSAL_REASONS: readonly RefusalReason[] = [
  "circuit-open",
  "closed",
  "held-off",
  "queue-full",
  "rate-limited",
  "opened-by-hand",
];

/** The circuit as its worker has it. The latest change wins over all workers. */
export interface CircuitReport {
  readonly state: CircuitState;
  /** When it last opened, opened again, closed or was reset; 0: never. */
  readonly changedMs: number;
  /** Open: when it may be probed. */
  readonly untilMs: number;
  /** Open: how long it is open this time; doubled by a failed probe. */
  readonly openForMs: number;
  /** What it judges by: calls, failures and slow calls of the window since `changedMs`. */
  readonly judged: JudgedCounts;
}

export interface JudgedCounts {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

/** What one worker knows of one institution that one step calls. Counts are of the rolling window. */
export interface ResourceReport {
  readonly step: string;
  readonly resource: string;
  readonly worker: string;
  readonly atMs: number;
  readonly circuit: CircuitReport;
  readonly windowMs: number;
  readonly calls: Readonly<Record<CallClass, number>>;
  readonly refused: Readonly<Record<RefusalReason, number>>;
  /** Of calls that ended: pairs of bucket and count, see LatencyHistogram. */
  readonly latencies: readonly number[];
  readonly inFlight: number;
  /** In memory, for a permit. */
  readonly queued: number;
  /** Calls at once, as adapted. */
  readonly limit: number;
  /** In tiers, or held. */
  readonly waiting: Waiting;
  /** When somebody last wanted to call. */
  readonly askedMs: number;
  /** No calls until then; 0: none held off. */
  readonly heldOffUntilMs: number;
}

/**
 * An order by hand, to all workers. "open": no calls. "closed": calls, whatever the circuit says. "reset": neither, and the circuit begins anew, closed,
 * with empty statistics.
 */
export interface Override {
  readonly state: "open" | "closed" | "reset";
  readonly by: string;
  readonly why: string;
  readonly atMs: number;
  /** Absent: until the next order. */
  readonly untilMs?: number;
}

/** What a worker hears from the others, and from people. */
export type News =
  | { readonly kind: "report"; readonly report: ResourceReport }
  | { readonly kind: "gone"; readonly resource: string; readonly worker: string }
  | { readonly kind: "override"; readonly resource: string; readonly override: Override | undefined }
  | { readonly kind: "waiting"; readonly name: string; readonly order: WaitingOrder | undefined };
