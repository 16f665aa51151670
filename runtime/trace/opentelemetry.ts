import {
  type Context,
  context as contexts,
  createTraceState,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import type { Sampling } from "./sampling.ts";
import type { TraceContext } from "./trace-context.ts";
import type { Span, SpanAttributes, SpanOptions, Tracer } from "./tracer.ts";

const KINDS = { consumer: SpanKind.CONSUMER, producer: SpanKind.PRODUCER, client: SpanKind.CLIENT };

/** Traces of OpenTelemetry. */
export function openTelemetryTracer(options: {
  readonly provider: TracerProvider;
  readonly sampling: Sampling;
  readonly system: string;
}): Tracer {
  const { provider, sampling, system } = options;
  const tracer = provider.getTracer("mulgil");
  return { sampling, system, start: (wanted) => new OpenTelemetrySpan(tracer, wanted) };
}

class OpenTelemetrySpan implements Span {
  readonly context: TraceContext;
  readonly state: string | undefined;
  readonly #span: OtelSpan;
  readonly #active: Context;

  constructor(tracer: OtelTracer, { name, kind, attributes, parent, state, link }: SpanOptions) {
    const root = contexts.active();
    const above = parent === undefined ? trace.deleteSpan(root) : trace.setSpanContext(root, remote(parent, state));
    const links = link === undefined ? [] : [{ context: remote(link, undefined) }];
    this.#span = tracer.startSpan(name, { kind: KINDS[kind], attributes, links }, above);
    this.#active = trace.setSpan(above, this.#span);
    const { traceId, spanId, traceFlags, traceState } = this.#span.spanContext();
    this.context = { traceId, spanId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 };
    this.state = traceState?.serialize() || undefined;
  }

  run<T>(what: () => T): T {
    return contexts.with(this.#active, what);
  }

  end(attributes: SpanAttributes = {}, error?: string): void {
    this.#span.setAttributes(attributes);
    if (error !== undefined) this.#span.setAttribute("error.type", error).setStatus({ code: SpanStatusCode.ERROR });
    this.#span.end();
  }
}

const remote = ({ traceId, spanId, isSampled }: TraceContext, state: string | undefined): SpanContext => ({
  traceId,
  spanId,
  traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  isRemote: true,
  ...(state !== undefined && { traceState: createTraceState(state) }),
});
