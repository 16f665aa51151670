import { type Command, InvalidArgumentError, Option } from "commander";
import type { HttpOptions, OidcOptions } from "../../runtime/index.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { httpVariables } from "../environment/variables.ts";
import { messageOf } from "../output/problem.ts";

type RoleNames = NonNullable<OidcOptions["roleNames"]>;

/** Who may use the HTTP interface of a process, as it was typed. */
export interface HttpFlags {
  readonly httpTokens?: string;
  readonly oidcIssuer?: string;
  readonly oidcAudience?: string;
  readonly oidcRolesClaim?: string;
  readonly oidcRoles?: RoleNames;
  readonly httpCert?: string;
  readonly httpKey?: string;
  readonly insecureListen?: true;
  readonly metricsAuth?: true;
}

/** Adds the options; each has a variable, so that a deployment can say it once. */
export function addHttpOptions(command: Command): Command {
  const option = (flags: string, description: string, value: string | true | undefined) =>
    new Option(flags, description).default(value);
  return command
    .addOption(
      option("--http-tokens <file>", "roles and tokens, a line each (MULGIL_HTTP_TOKENS)", httpVariables.tokens),
    )
    .addOption(
      option(
        "--oidc-issuer <url>",
        "takes tokens of this identity provider (MULGIL_HTTP_OIDC_ISSUER)",
        httpVariables.oidcIssuer,
      ),
    )
    .addOption(
      option(
        "--oidc-audience <name>",
        "that are meant for this (MULGIL_HTTP_OIDC_AUDIENCE)",
        httpVariables.oidcAudience,
      ),
    )
    .addOption(
      option(
        "--oidc-roles-claim <path>",
        "where they have their roles; otherwise in roles (MULGIL_HTTP_OIDC_ROLES_CLAIM)",
        httpVariables.oidcRolesClaim,
      ),
    )
    .addOption(
      new Option(
        "--oidc-roles <role=name,...>",
        "what the roles are called there; otherwise mulgil-viewer, mulgil-operator, mulgil-admin (MULGIL_HTTP_OIDC_ROLES)",
      ).argParser(roleNames),
    )
    .addOption(
      option("--http-cert <file>", "speaks HTTPS with this certificate (MULGIL_HTTP_CERT)", httpVariables.cert),
    )
    .addOption(option("--http-key <file>", "and its key (MULGIL_HTTP_KEY)", httpVariables.key))
    .addOption(
      option(
        "--insecure-listen",
        "lets everybody look who can reach the address (MULGIL_HTTP_INSECURE_LISTEN=1)",
        httpVariables.insecureListen,
      ),
    )
    .addOption(
      option(
        "--metrics-auth",
        "asks for a token at /metrics too (MULGIL_HTTP_METRICS_AUTH=1)",
        httpVariables.metricsAuth,
      ),
    );
}

/** @throws {MulgilError} HTTP_OPTIONS if one is there without the other that it needs, or a variable makes no sense */
export function httpOptions(flags: HttpFlags): HttpOptions {
  const { httpTokens, httpCert, httpKey, insecureListen, metricsAuth } = flags;
  if ((httpCert === undefined) !== (httpKey === undefined)) throw incomplete("--http-cert", "--http-key");
  const oidc = oidcOptions(flags);
  return {
    ...(httpTokens !== undefined && { tokensFile: httpTokens }),
    ...(oidc !== undefined && { oidc }),
    ...(httpCert !== undefined && { tls: { certFile: httpCert, keyFile: httpKey! } }),
    ...{ isOpen: insecureListen ?? false, areMetricsGuarded: metricsAuth ?? false },
  };
}

/** What a variable says; parsed when it is needed, for it must not break commands that have no use for it. @throws {MulgilError} HTTP_OPTIONS */
export function parsedVariable<Value>(
  name: string,
  text: string | undefined,
  parse: (text: string) => Value,
): Value | undefined {
  try {
    return text === undefined ? undefined : parse(text);
  } catch (error) {
    throw new MulgilError(`${name}="${text}" is not understood. ${messageOf(error)}`, { code: "HTTP_OPTIONS" });
  }
}

function oidcOptions(flags: HttpFlags): OidcOptions | undefined {
  const { oidcIssuer: issuer, oidcAudience: audience, oidcRolesClaim: rolesClaim } = flags;
  const oidcRoles = flags.oidcRoles ?? parsedVariable("MULGIL_HTTP_OIDC_ROLES", httpVariables.oidcRoles, roleNames);
  if ((issuer === undefined) !== (audience === undefined)) throw incomplete("--oidc-issuer", "--oidc-audience");
  if (issuer === undefined || audience === undefined) return undefined;
  return {
    ...{ issuer, audience },
    ...(rolesClaim !== undefined && { rolesClaim }),
    ...(oidcRoles !== undefined && { roleNames: oidcRoles }),
  };
}

const incomplete = (one: string, other: string): MulgilError =>
  new MulgilError(`${one} and ${other} go together: give both, or neither`, { code: "HTTP_OPTIONS" });

function roleNames(text: string): RoleNames {
  const pairs = text.split(",").map((pair) => /^(viewer|operator|admin)=(.+)$/.exec(pair.trim()));
  if (pairs.includes(null)) throw new InvalidArgumentError("Write role=name,..., with viewer, operator or admin.");
  return Object.fromEntries(pairs.map((pair) => [pair![1], pair![2]])) as RoleNames;
}
