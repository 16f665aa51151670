import type { KafkaVariables } from "../../runtime/log/kafka/kafka-settings.ts";
import { type EnvironmentWithProfile, environmentWithProfile } from "./environment-with-profile.ts";

/** Read when the first of it is needed: a profile may be missing, and that is to be told like every error. */
let merged: EnvironmentWithProfile | undefined;
function withProfile(): EnvironmentWithProfile {
  merged ??= environmentWithProfile(process.env, process.argv.slice(2));
  return merged;
}
const environment = (): NodeJS.ProcessEnv => withProfile().environment;

/** The environment variables that the CLI obeys; docs/CLI.md lists them. The only file that reads process.env. */
export const variables = {
  get dataDir(): string | undefined {
    return environment()["MULGIL_DATA_DIR"];
  },
  get kafka(): string | undefined {
    return environment()["MULGIL_KAFKA"];
  },
  get registry(): string | undefined {
    return environment()["MULGIL_REGISTRY"];
  },
  /** The profile in use. */
  get profile(): string | undefined {
    return withProfile().profile;
  },
  /** How brokers and the schema registry are reached: docs/KAFKA.md lists them. */
  get kafkaSettings(): KafkaVariables {
    return Object.fromEntries(Object.entries(environment()).filter(([name]) => /^MULGIL_(KAFKA|REGISTRY)/.test(name)));
  },
  /** Set by a run that starts several processes, for these: which of its workers this is. */
  worker: process.env["MULGIL_WORKER"],
  /** The key of the digests that stand for personal data with the rule "hash". */
  piiKeyFile: process.env["MULGIL_PII_KEY_FILE"],
  /** Shows stack traces and causes. */
  debug: process.env["MULGIL_DEBUG"] === "1",
  /** As it is, without a profile: says where the profiles are. */
  raw: process.env,
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

/** For a process that is to be this worker of the run. Everything else it inherits: secrets are in no argument. */
export const workerEnvironment = (worker: string): NodeJS.ProcessEnv => ({ ...process.env, MULGIL_WORKER: worker });

/** Who may use the HTTP interface of a process, and what other commands show it: docs/cli/http.md lists them. */
export const httpVariables = {
  listen: process.env["MULGIL_HTTP_LISTEN"],
  tokens: process.env["MULGIL_HTTP_TOKENS"],
  oidcIssuer: process.env["MULGIL_HTTP_OIDC_ISSUER"],
  oidcAudience: process.env["MULGIL_HTTP_OIDC_AUDIENCE"],
  oidcRolesClaim: process.env["MULGIL_HTTP_OIDC_ROLES_CLAIM"],
  oidcRoles: process.env["MULGIL_HTTP_OIDC_ROLES"],
  cert: process.env["MULGIL_HTTP_CERT"],
  key: process.env["MULGIL_HTTP_KEY"],
  insecureListen: isOn(process.env["MULGIL_HTTP_INSECURE_LISTEN"]),
  metricsAuth: isOn(process.env["MULGIL_HTTP_METRICS_AUTH"]),
  /** A file with the token that commands show to workers. */
  get tokenFile(): string | undefined {
    return environment()["MULGIL_HTTP_TOKEN_FILE"];
  },
};

function isOn(value: string | undefined): true | undefined {
  return value === "1" ? true : undefined;
}
