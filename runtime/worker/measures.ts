import type { TopicPartition } from "../log/port.ts";
import type { Plan } from "../plan/plan.ts";
import type { ResourceMeasures } from "../resilience/resource-measures.ts";
import type { EventCounts } from "./event-counts.ts";
import type { JobMetrics } from "./job-metrics.ts";
import type { TaskStatus } from "./member-status.ts";

/** What a process can tell of its jobs in numbers, from memory: nothing here waits, or is computed before somebody asks. */
export interface JobMeasures {
  readonly plan: Plan;
  readonly counters: JobMetrics;
  readonly events: EventCounts;
  /** Of the job's group, in this process. */
  readonly members: readonly MemberMeasures[];
}

export interface MemberMeasures {
  readonly isAssigned: boolean;
  readonly standbys: number;
  readonly tasks: readonly TaskMeasures[];
  readonly resources: readonly ResourceMeasures[];
}

export interface TaskMeasures extends TaskStatus {
  /** Undefined unless it runs. */
  readonly running: RunningTaskMeasures | undefined;
}

export interface RunningTaskMeasures {
  readonly inputs: readonly InputMeasures[];
  /** The highest event time that it has seen; undefined before the first record. */
  readonly streamTimeMs: number | undefined;
  /** Of this process; undefined before the first commit. */
  readonly committedAtMs: number | undefined;
  /** Outputs that wait for the next commit. */
  readonly outputBytes: number;
  readonly stores: readonly StoreMeasures[];
  /** Since when its next record has waited for a schema; undefined if it waits for none. */
  readonly schemaAwaitedSinceMs: number | undefined;
  /** Undefined where it calls nobody. */
  readonly calls: { readonly underWay: number; readonly held: number } | undefined;
}

export interface InputMeasures extends TopicPartition {
  /** All before it has been processed; for a call: has ended. */
  readonly position: number;
  /** As of the last fetch. */
  readonly endOffset: number;
  /** Fetched and not processed. */
  readonly buffered: number;
  /** When the first of those was written; undefined if nothing is buffered. */
  readonly oldestTimestampMs: number | undefined;
  /** Of a retry tier; undefined for every other input. */
  readonly delayMs: number | undefined;
}

export interface StoreMeasures {
  readonly store: string;
  /** That the next commit writes. */
  readonly changedEntries: number;
}
