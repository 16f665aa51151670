import type { KeyCodec } from "../../state/codec.ts";
import type { Store } from "../../state/store.ts";
import type { LogEntry } from "../dsl/step-log.ts";
import type { CallNode, Node } from "../dsl/topology.ts";
import type { WindowBounds } from "../dsl/windows.ts";
import type { CallEdge } from "../resilience/call-host.ts";

/** How records move: one synchronous call per record and step, without an object for it. */
export type Receive = (key: unknown, value: unknown, timestampMs: number) => void;

/** The record that is being processed; one object a task, changed in place. Steps' functions see it as RecordContext. */
export interface CurrentRecord {
  key: unknown;
  timestampMs: number;
  window: WindowBounds | undefined;
  topic: string;
  partition: number;
  offset: number;
  headers: Readonly<Record<string, Buffer>>;
  /** A timer is firing: what happens now is not caused by the source record. */
  isTimer: boolean;
}

/** Where a record lies, and what tells of its trace. */
export type TracedPlace = Pick<CurrentRecord, "topic" | "partition" | "offset"> & {
  readonly headers?: CurrentRecord["headers"] | undefined;
};

/** What an operator may use of the task that runs it. */
export interface OperatorEnvironment {
  readonly record: CurrentRecord;
  /** Wall clock in ms, read once a batch. */
  wallClockMs(): number;
  store(name: string): Store;
  keyCodec(node: string): KeyCodec<unknown>;
  /**
   * Asks the task to run asynchronous work right after the source record in progress, before any other record and before the next commit.
   * Works run one after the other in order of asking; what `flush` asked for runs before the next operator's flush. What an operator
   * receives before its work ran is the operator's to queue, unless the work does not depend on it. `step` is told to whoever asks what a task waits for.
   */
  suspend(work: () => Promise<void>, step?: string): void;
  /** A record that this step cannot process: to the DLQ, with the step and the reason. The rest goes on. */
  recordError(step: string, error: unknown, key: unknown, value: unknown): void;
  /** Where a sink or repartition node writes: the task's output buffer. */
  output(node: string): Receive;
  /** Takes the records of a call, and sends on what comes of them. There is one call a task. */
  call(node: CallNode, outputs: Readonly<Record<CallEdge, Receive>>): Receive;
  /** A line of the log that the job's own function writes, about this record. */
  log(step: string, entry: LogEntry, record: TracedPlace | undefined): void;
  /** One more record that came after its windows had closed. */
  countLate(step: string): void;
}

/**
 * A running step. Built when its task starts, and anew after its stores were discarded: it remembers stream time.
 */
export interface Operator {
  readonly id: string;
  readonly receive: Receive;
  /** Called at each commit before state is sealed, inputs before those that read them: send what waits for the commit. */
  flush?(): void;
  /** Wall-clock time has passed: fire what is due; by `suspend` where it has to read. Called between batches. */
  advanceWallClock?(nowMs: number): void;
  /** When `advanceWallClock` has something to do next; Infinity if nothing waits. */
  readonly nextWallClockMs?: number;
}

/** Where an operator sends records: compiled from the edges that leave it. */
export type Outputs = (edge?: string) => Receive;

/** What every operator is built from, besides its node. */
export interface Wiring {
  readonly environment: OperatorEnvironment;
  readonly outputs: Outputs;
  node(id: string): Node;
}
