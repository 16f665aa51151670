import type { KafkaVariables } from "../../runtime/log/kafka/kafka-settings.ts";

/** The environment variables that the CLI obeys; docs/CLI.md lists them. The only file that reads process.env. */
export const variables = {
  dataDir: process.env["MULGIL_DATA_DIR"],
  kafka: process.env["MULGIL_KAFKA"],
  registry: process.env["MULGIL_REGISTRY"],
  /** Set by a run that starts several processes, for these: which of its workers this is. */
  worker: process.env["MULGIL_WORKER"],
  /** The key of the digests that stand for personal data with the rule "hash". */
  piiKeyFile: process.env["MULGIL_PII_KEY_FILE"],
  /** Shows stack traces and causes. */
  debug: process.env["MULGIL_DEBUG"] === "1",
};

/** The variables of OpenTelemetry that decide whether, what and where to: scripts/environment/tracing.ts. */
export const tracingVariables = {
  isDisabled: process.env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true",
  exporter: process.env["OTEL_TRACES_EXPORTER"],
  endpoint: process.env["OTEL_EXPORTER_OTLP_ENDPOINT"],
  tracesEndpoint: process.env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"],
  sampler: process.env["OTEL_TRACES_SAMPLER"],
  samplerArgument: process.env["OTEL_TRACES_SAMPLER_ARG"],
  serviceName: process.env["OTEL_SERVICE_NAME"],
};

/** How brokers and the schema registry are reached: docs/KAFKA.md lists them. */
export const kafkaVariables: KafkaVariables = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^MULGIL_(KAFKA|REGISTRY)/.test(name)),
);

/** For a process that is to be this worker of the run. Everything else it inherits: secrets are in no argument. */
export const workerEnvironment = (worker: string): NodeJS.ProcessEnv => ({ ...process.env, MULGIL_WORKER: worker });
