import { createHash } from "node:crypto";
import type { CallContext } from "../dsl/call.ts";
import type { RecordContext } from "../dsl/record.ts";
import { type LogEntry, type StepLog, stepLog } from "../dsl/step-log.ts";
import { type TraceContext, traceparentOf } from "../trace/trace-context.ts";
import { recordContextOf } from "./call-host.ts";
import type { CallItem } from "./call-item.ts";

export interface HandlerContextOptions {
  readonly job: string;
  readonly step: string;
  readonly item: CallItem;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  readonly nowMs: number;
  readonly write: (entry: LogEntry) => void;
  readonly trace: TraceContext | undefined;
}

/** What a handler sees of its call. */
export class HandlerContext implements CallContext<unknown> {
  readonly resource: string;
  readonly signal: AbortSignal;
  readonly attempt: number;
  readonly deadlineMs: number;
  readonly firstCallMs: number;
  readonly #job: string;
  readonly #step: string;
  readonly #item: CallItem;
  readonly traceparent: string | undefined;
  readonly #write: (entry: LogEntry) => void;
  #record: RecordContext<unknown> | undefined;

  constructor({ job, step, item, signal, deadlineMs, nowMs, write, trace }: HandlerContextOptions) {
    const { travel } = item.parcel;
    this.#job = job;
    this.#step = step;
    this.#item = item;
    this.#write = write;
    this.traceparent = trace && traceparentOf(trace);
    this.resource = item.address.resource;
    this.signal = signal;
    this.attempt = travel.attempts + 1;
    this.deadlineMs = deadlineMs;
    this.firstCallMs = travel.firstCallMs ?? nowMs;
  }

  /** Made when somebody asks. */
  get record(): RecordContext<unknown> {
    this.#record ??= recordContextOf(this.#item);
    return this.#record;
  }

  get log(): StepLog {
    return stepLog(this.#write);
  }

  /** Of the record, not of the attempt: the same wherever and whenever it is called. Made when somebody asks: it takes a digest. */
  get idempotencyKey(): string {
    const { topic, partition, offset } = this.#item.parcel;
    const name = JSON.stringify([this.#job, this.#step, topic, partition, offset]);
    return createHash("sha256").update(name).digest("base64url").slice(0, 32);
  }
}
