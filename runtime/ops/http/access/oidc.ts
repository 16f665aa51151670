import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { ConfigError } from "../../../errors/errors.ts";
import type { Clock } from "../../../time/clock.ts";
import { ROLES, type Role } from "../worker-routes.ts";
import type { OidcOptions } from "./http-options.ts";
import { type Authenticator, type Login, refused } from "./login.ts";
import { isLoopbackHost } from "./loopback.ts";

/** Signatures by a key that only the provider has: no shared secrets, and never none. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const CLOCK_TOLERANCE_SECONDS = 30;
const PROVIDER_TIMEOUT_MS = 5_000;
/** A token of an unknown key has the keys fetched again, but no more often: anybody can make one up. */
const KEYS_EVERY_MS = 30_000;
/** While the provider cannot be reached. */
const RETRY_EVERY_MS = 5_000;

const ROLE_NAMES: Readonly<Record<Role, string>> = {
  viewer: "mulgil-viewer",
  operator: "mulgil-operator",
  admin: "mulgil-admin",
};

/** Tokens (JWT) of an identity provider, which is asked for its keys when the first one comes. */
export class Oidc implements Authenticator {
  readonly #options: OidcOptions;
  readonly #clock: Clock;
  #keys: Promise<JWTVerifyGetKey> | undefined;
  #retryAtMs = -Infinity;

  /** @throws {ConfigError} HTTP_OIDC if the issuer is no URL that can be trusted */
  constructor(options: OidcOptions, clock: Clock) {
    const url = URL.parse(options.issuer);
    const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopbackHost(url.hostname));
    if (!isSafe)
      throw wrongOptions(
        `the issuer must be an https URL, as it stands in the claim "iss" of its tokens, not "${options.issuer}"`,
      );
    if (options.audience === "") throw wrongOptions("tokens must be meant for this interface: name the audience");
    this.#options = options;
    this.#clock = clock;
  }

  async login(token: string): Promise<Login> {
    try {
      const { issuer, audience } = this.#options;
      const { payload } = await jwtVerify(token, await this.#providerKeys(), {
        ...{ issuer, audience, algorithms: ALGORITHMS },
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ["exp", "sub"],
      });
      const role = this.#roleIn(payload);
      return role === undefined ? refused("role") : { kind: "known", caller: { name: nameIn(payload), role } };
    } catch (error) {
      return isAboutToken(error) ? refused("wrong") : { kind: "undecided" };
    }
  }

  async #providerKeys(): Promise<JWTVerifyGetKey> {
    if (this.#keys === undefined) {
      if (this.#clock.now() < this.#retryAtMs)
        throw new Error("the identity provider could not be reached a moment ago");
      this.#keys = this.#discover();
    }
    try {
      return await this.#keys;
    } catch (error) {
      this.#keys = undefined;
      this.#retryAtMs = this.#clock.now() + RETRY_EVERY_MS;
      throw error;
    }
  }

  async #discover(): Promise<JWTVerifyGetKey> {
    const { issuer } = this.#options;
    const response = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, {
      redirect: "error",
      signal: AbortSignal.timeout(PROVIDER_TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`the identity provider answered ${response.status}`);
    const found = (await response.json()) as { readonly issuer?: unknown; readonly jwks_uri?: unknown };
    if (found.issuer !== issuer) throw new Error("the identity provider calls itself otherwise");
    return createRemoteJWKSet(new URL(String(found.jwks_uri)), {
      timeoutDuration: PROVIDER_TIMEOUT_MS,
      cooldownDuration: KEYS_EVERY_MS,
    });
  }

  /** The highest that it has. */
  #roleIn(payload: JWTPayload): Role | undefined {
    const { rolesClaim = "roles", roleNames } = this.#options;
    const names = new Set(namesIn(claimAt(payload, rolesClaim)));
    return ROLES.findLast((role) => names.has(roleNames?.[role] ?? ROLE_NAMES[role]));
  }
}

/** Some claims are URLs, which have dots of their own. */
function claimAt(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  return path.split(".").reduce<unknown>((found, name) => {
    const isThere = typeof found === "object" && found !== null && Object.hasOwn(found, name);
    return isThere ? (found as Record<string, unknown>)[name] : undefined;
  }, payload);
}

function namesIn(claim: unknown): readonly string[] {
  if (typeof claim === "string") return claim.split(" ");
  return Array.isArray(claim) ? claim.filter((name) => typeof name === "string") : [];
}

const nameIn = ({ sub, preferred_username: name }: JWTPayload): string =>
  typeof name === "string" ? `${name} (${sub})` : sub!;

/** Anything else is about the provider. */
function isAboutToken(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return false;
  return error instanceof errors.JOSEError && error.code !== errors.JOSEError.code;
}

const wrongOptions = (message: string): ConfigError =>
  new ConfigError("the HTTP interface cannot use the identity provider:", [{ code: "HTTP_OIDC", at: "oidc", message }]);
