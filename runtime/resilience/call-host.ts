import type { Store } from "../../state/store.ts";
import type { RecordContext } from "../dsl/record.ts";
import type { LogEntry } from "../dsl/step-log.ts";
import type { Clock } from "../time/clock.ts";
import type { Span } from "../trace/tracer.ts";
import type { CallItem, Origin } from "./call-item.ts";
import type { Parcel } from "./parcel.ts";
import type { ReadPolicy } from "./read-policy.ts";
import type { ResourceGuard } from "./resource-guard.ts";
import type { WaitingOrders } from "./waiting-orders.ts";

/** The steps behind a call, by the edge that a record leaves by. */
export type CallEdge = "done" | "dead" | "superseded" | "erased";

/** What a call may use of the task that runs it. */
export interface CallHost {
  /** Of the task. */
  readonly id: string;
  readonly job: string;
  readonly clock: Clock;
  store(name: string): Store;
  guard(resource: string): ResourceGuard;
  policyOf(resource: string): ReadPolicy;
  /** What people have ordered about what waits. */
  readonly waitingOrders: WaitingOrders;
  /** Sends values on, as caused by the item. */
  emit(item: CallItem, edge: CallEdge, values: readonly unknown[]): void;
  /** @throws if the error is not about a record */
  deadLetter(item: CallItem, code: string, reason: string): void;
  toTier(tier: number, parcel: Parcel): void;
  /** Has a record that lay in state arrive. */
  replay(parcel: Parcel, origin: Origin): void;
  /** Asks for asynchronous work, during which the task stands still. */
  suspend(work: () => Promise<void>): void;
  /** Something is wrong that is not about a record: the task has to be dropped. */
  fail(error: unknown): void;
  count(what: "superseded" | "erased" | "effectsSkipped"): void;
  /** Begins the span of a call, or of one that could not be made; undefined if the record is not traced. */
  trace(item: CallItem): Span | undefined;
  /** A line of the log that the handler writes. */
  log(item: CallItem, entry: LogEntry): void;
}

/** A record as the functions of the definition see it. */
export const recordContextOf = ({
  key,
  timestampMs,
  parcel,
}: Pick<CallItem, "key" | "timestampMs" | "parcel">): RecordContext<unknown> => ({
  key,
  timestampMs,
  window: undefined,
  topic: parcel.topic,
  partition: parcel.partition,
  offset: parcel.offset,
  headers: parcel.headers ?? NO_HEADERS,
});

const NO_HEADERS: Readonly<Record<string, Buffer>> = Object.freeze({});
