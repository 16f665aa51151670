import { describe, expect, it } from "vitest";
import { tracingFrom } from "./tracing.ts";

const at = { isDisabled: false, endpoint: "http://collector:4318" };

describe("tracing by the variables of OpenTelemetry", () => {
  it("is off without an endpoint, when it is disabled, and with the exporter none", () => {
    expect(tracingFrom({ isDisabled: false })).toBeUndefined();
    expect(tracingFrom({ isDisabled: false, endpoint: "" })).toBeUndefined();
    expect(tracingFrom({ ...at, isDisabled: true })).toBeUndefined();
    expect(tracingFrom({ ...at, exporter: "none" })).toBeUndefined();
  });

  it("goes to /v1/traces of the endpoint, or to the endpoint of traces as it is", () => {
    expect(tracingFrom({ ...at, endpoint: "https://c:4318/base/" })?.to).toEqual({
      url: "https://c:4318/base/v1/traces",
    });
    expect(tracingFrom({ ...at, tracesEndpoint: "http://t:1/x" })?.to).toEqual({ url: "http://t:1/x" });
  });

  it.each([
    [undefined, undefined, { ratio: 1, isParentBased: true }],
    ["always_on", "0.5", { ratio: 1, isParentBased: false }],
    ["always_off", undefined, { ratio: 0, isParentBased: false }],
    ["traceidratio", "0.25", { ratio: 0.25, isParentBased: false }],
    ["parentbased_always_off", undefined, { ratio: 0, isParentBased: true }],
    ["parentbased_traceidratio", "0.01", { ratio: 0.01, isParentBased: true }],
    ["parentbased_traceidratio", undefined, { ratio: 1, isParentBased: true }],
  ])("samples with %s and %s", (sampler, samplerArgument, expected) => {
    expect(tracingFrom({ ...at, sampler, samplerArgument })).toMatchObject(expected);
  });

  it.each([
    [{ sampler: "sometimes" }, 'OTEL_TRACES_SAMPLER is "sometimes": there are always_on'],
    [{ sampler: "traceidratio", samplerArgument: "2" }, 'OTEL_TRACES_SAMPLER_ARG is "2"'],
    [{ endpoint: "collector:4318" }, "OTEL_EXPORTER_OTLP_ENDPOINT is no address"],
    [{ exporter: "zipkin" }, 'OTEL_TRACES_EXPORTER is "zipkin"'],
  ])("refuses %j", (variables, message) => {
    expect(() => tracingFrom({ ...at, ...variables })).toThrow(message);
  });
});
