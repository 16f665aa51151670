import { SpanKind } from "@opentelemetry/api";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { openTelemetryTracer } from "./opentelemetry.ts";
import type { Sampling } from "./sampling.ts";

/** Traces in memory, for tests. */
export function recordedSpans({ ratio = 1, isParentBased = true }: Partial<Sampling> = {}) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  return {
    provider,
    tracer: openTelemetryTracer({ provider, sampling: { ratio, isParentBased }, system: "mulgil" }),
    get spans(): readonly ReadableSpan[] {
      return exporter.getFinishedSpans();
    },
    named: (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name),
    /** "process a → send b → process b": the names from the root down to this span. */
    pathTo(span: ReadableSpan): string {
      const all = exporter.getFinishedSpans();
      const above = all.find((each) => each.spanContext().spanId === span.parentSpanContext?.spanId);
      return above === undefined ? span.name : `${this.pathTo(above)} → ${span.name}`;
    },
  };
}

export const traceIdOf = (span: ReadableSpan): string => span.spanContext().traceId;

export const kindOf = (span: ReadableSpan): string => SpanKind[span.kind].toLowerCase();
