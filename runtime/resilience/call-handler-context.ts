import { createHash } from "node:crypto";
import type { CallContext } from "../dsl/call.ts";
import type { RecordContext } from "../dsl/record.ts";
import type { CallItem } from "./call-item.ts";

export interface HandlerContextOptions {
  readonly job: string;
  readonly step: string;
  readonly item: CallItem;
  readonly record: RecordContext<unknown>;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  readonly nowMs: number;
}

/** What a handler sees of its call. */
export class HandlerContext implements CallContext<unknown> {
  readonly record: RecordContext<unknown>;
  readonly resource: string;
  readonly signal: AbortSignal;
  readonly attempt: number;
  readonly deadlineMs: number;
  readonly firstCallMs: number;
  readonly #options: HandlerContextOptions;

  constructor(options: HandlerContextOptions) {
    const { item, nowMs } = options;
    const { travel } = item.parcel;
    this.#options = options;
    this.record = options.record;
    this.resource = item.address.resource;
    this.signal = options.signal;
    this.attempt = travel.attempts + 1;
    this.deadlineMs = options.deadlineMs;
    this.firstCallMs = travel.firstCallMs ?? nowMs;
  }

  /** Of the record, not of the attempt: the same wherever and whenever it is called. Made when somebody asks: it takes a digest. */
  get idempotencyKey(): string {
    const { job, step, item } = this.#options;
    const { topic, partition, offset } = item.parcel;
    const name = JSON.stringify([job, step, topic, partition, offset]);
    return createHash("sha256").update(name).digest("base64url").slice(0, 32);
  }
}
