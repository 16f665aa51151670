import type { TracingOptions } from "../../runtime/index.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";

/** https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
export interface TracingVariables {
  readonly isDisabled: boolean;
  readonly exporter?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly tracesEndpoint?: string | undefined;
  readonly sampler?: string | undefined;
  readonly samplerArgument?: string | undefined;
  readonly serviceName?: string | undefined;
}

type Sampler = Pick<Required<TracingOptions>, "ratio" | "isParentBased">;

const SAMPLERS: Readonly<Record<string, (ratio: () => number) => Sampler>> = {
  always_on: () => ({ ratio: 1, isParentBased: false }),
  always_off: () => ({ ratio: 0, isParentBased: false }),
  traceidratio: (ratio) => ({ ratio: ratio(), isParentBased: false }),
  parentbased_always_on: () => ({ ratio: 1, isParentBased: true }),
  parentbased_always_off: () => ({ ratio: 0, isParentBased: true }),
  parentbased_traceidratio: (ratio) => ({ ratio: ratio(), isParentBased: true }),
};

/** Undefined if no endpoint is named. @throws {MulgilError} TRACING_SETTING */
export function tracingFrom(variables: TracingVariables): TracingOptions | undefined {
  const { isDisabled, exporter, serviceName } = variables;
  const url = endpointOf(variables);
  if (isDisabled || exporter === "none" || url === undefined) return undefined;
  if (exporter !== undefined && exporter !== "" && exporter !== "otlp")
    throw wrong(`OTEL_TRACES_EXPORTER is "${exporter}": Mulgil has otlp (over HTTP) and none`);
  return { to: { url }, ...samplerOf(variables), ...(serviceName && { serviceName }) };
}

function endpointOf({ endpoint, tracesEndpoint }: TracingVariables): string | undefined {
  if (tracesEndpoint) return urlOf("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", tracesEndpoint);
  if (!endpoint) return undefined;
  return `${urlOf("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).replace(/\/+$/, "")}/v1/traces`;
}

function urlOf(name: string, text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === "http:" || url?.protocol === "https:") return text;
  throw wrong(`${name} is no address: write http://host:4318`);
}

function samplerOf({ sampler, samplerArgument }: TracingVariables): Sampler {
  const name = sampler || "parentbased_always_on";
  const found = SAMPLERS[name];
  if (found !== undefined) return found(() => ratioOf(samplerArgument));
  throw wrong(`OTEL_TRACES_SAMPLER is "${name}": there are ${Object.keys(SAMPLERS).join(", ")}`);
}

function ratioOf(text: string | undefined): number {
  if (text === undefined || text === "") return 1;
  const ratio = Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw wrong(
    `OTEL_TRACES_SAMPLER_ARG is "${text}": write the share of the records as a number from 0 to 1, like 0.01`,
  );
}

const wrong = (message: string): MulgilError => new MulgilError(message, { code: "TRACING_SETTING" });
