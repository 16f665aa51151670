import type { DurationCounts } from "../time/duration-histogram.ts";
import type { RefusalReason, Waiting } from "./attempt.ts";
import type { CallClass, CircuitState } from "./resource-report.ts";

/** What one worker can tell in numbers of one institution that one step calls. Counts are since the worker first called it, or called it anew. */
export interface ResourceMeasures {
  readonly step: string;
  readonly resource: string;
  readonly circuit: CircuitState;
  readonly calls: Readonly<Record<CallClass, number>>;
  readonly refused: Readonly<Record<RefusalReason, number>>;
  readonly durations: DurationCounts;
  readonly inFlight: number;
  readonly queued: number;
  readonly limit: number;
  readonly waiting: Waiting;
}
