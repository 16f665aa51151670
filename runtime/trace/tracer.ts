import type { Sampling } from "./sampling.ts";
import type { TraceContext } from "./trace-context.ts";

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  readonly name: string;
  readonly kind: "consumer" | "producer" | "client";
  readonly attributes: SpanAttributes;
  /** Undefined begins a trace. */
  readonly parent: TraceContext | undefined;
  /** W3C's `tracestate` of the parent. */
  readonly state?: string | undefined;
  /** Another trace that led to this. */
  readonly link?: TraceContext | undefined;
}

/** Something that takes time, as a trace shows it. */
export interface Span {
  readonly context: TraceContext;
  readonly state: string | undefined;
  /** Runs something that may begin spans of its own below this one. */
  run<T>(what: () => T): T;
  /** `error` is a code: what went wrong. */
  end(attributes?: SpanAttributes, error?: string): void;
}

/** Where spans go. Asked only about records that are traced. */
export interface Tracer {
  readonly sampling: Sampling;
  /** Which log this is, as OpenTelemetry calls messaging systems. */
  readonly system: string;
  start(options: SpanOptions): Span;
}
