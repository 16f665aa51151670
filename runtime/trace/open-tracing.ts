import type { TracerProvider } from "@opentelemetry/api";
import type { Sampling } from "./sampling.ts";
import type { Tracer } from "./tracer.ts";

/** Where the spans of a run go, and which records are traced. */
export interface TracingOptions {
  /**
   * Where spans go: the application's own provider (it ends it, too), or an OTLP/HTTP endpoint, which takes "<url>/v1/traces". Headers, certificates and time-outs of
   * the endpoint come from OTEL_EXPORTER_OTLP_….
   */
  readonly to: { readonly tracerProvider: TracerProvider } | { readonly url: string };
  /** Of records that carry no trace, the share that begins one, 0 to 1. @default 1 */
  readonly ratio?: number;
  /** Whether a record that carries a trace is traced if and only if that is. @default true */
  readonly isParentBased?: boolean;
  /** "service.name" of spans for an endpoint. @default "mulgil" */
  readonly serviceName?: string;
}

export interface OpenTracing {
  readonly tracer: Tracer;
  /** Sends what is still here. */
  close(): Promise<void>;
}

/** An endpoint that does not answer must not hold a run that ends. */
const EXPORT_TIMEOUT_MS = 5_000;

/** @param system the messaging system: "kafka" */
export async function openTracing(options: TracingOptions, system: string): Promise<OpenTracing> {
  const { to, ratio = 1, isParentBased = true, serviceName = "mulgil" } = options;
  if (!(ratio >= 0 && ratio <= 1)) throw new RangeError(`tracing.ratio is ${ratio}: give a number from 0 to 1`);
  const sampling: Sampling = { ratio, isParentBased };
  // Loaded by those who trace.
  const { openTelemetryTracer } = await import("./opentelemetry.ts");
  if ("tracerProvider" in to) {
    const tracer = openTelemetryTracer({ provider: to.tracerProvider, sampling, system });
    return { tracer, close: () => Promise.resolve() };
  }
  const [{ AlwaysOnSampler, BatchSpanProcessor, TracerProvider: Provider }, { OTLPTraceExporter }, resources] =
    await Promise.all([
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/resources"),
    ]);
  const exporter = new OTLPTraceExporter({ url: to.url, timeoutMillis: EXPORT_TIMEOUT_MS });
  const { defaultResource, detectResources, envDetector, resourceFromAttributes } = resources;
  const provider = new Provider({
    // The one who asks has decided.
    sampler: new AlwaysOnSampler(),
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(resourceFromAttributes({ "service.name": serviceName })),
    spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: EXPORT_TIMEOUT_MS })],
  });
  const tracer = openTelemetryTracer({ provider, sampling, system });
  return { tracer, close: () => provider.shutdown() };
}
