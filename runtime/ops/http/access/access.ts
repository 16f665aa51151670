import type { FastifyRequest } from "fastify";
import { ConfigError } from "../../../errors/errors.ts";
import type { Clock } from "../../../time/clock.ts";
import type { ListenAddress } from "../../worker-server.ts";
import { HttpError } from "../http-error.ts";
import { type Caller, ROLES, type Role } from "../worker-routes.ts";
import type { HttpOptions } from "./http-options.ts";
import type { Authenticator, Login } from "./login.ts";
import { LoginLimit } from "./login-limit.ts";
import { isLoopbackHost } from "./loopback.ts";
import { isOwnerToken, OWNER } from "./owner-token.ts";
import { TokenFile } from "./token-file.ts";

export interface AccessOptions {
  readonly listen: ListenAddress;
  readonly http: HttpOptions;
  /** Of whoever can read the data directory. */
  readonly ownerToken?: string | undefined;
  readonly clock: Clock;
  /** Counts why somebody was not let in. */
  readonly onRefused: (reason: string) => void;
}

const ANYBODY: Caller = { name: "anybody", role: "viewer" };

/**
 * Who may call what. Without tokens and OIDC everybody who reaches the address is a viewer: on this machine, unless that was opened. What changes something
 * always needs a token: one of those, or the one that lies in the data directory.
 */
export class Access {
  readonly #options: AccessOptions;
  readonly #authenticators: readonly Authenticator[];
  readonly #limit: LoginLimit;

  private constructor(options: AccessOptions, authenticators: readonly Authenticator[]) {
    this.#options = options;
    this.#authenticators = authenticators;
    this.#limit = new LoginLimit(options.clock);
  }

  /** @throws {ConfigError} LISTEN_UNPROTECTED, HTTP_TOKENS, HTTP_OIDC */
  static async open(options: AccessOptions): Promise<Access> {
    const { listen, http, clock } = options;
    assertProtected(listen, http);
    const { tokensFile, oidc } = http;
    const authenticators: Authenticator[] = [];
    if (tokensFile !== undefined) authenticators.push(await TokenFile.open(tokensFile, clock));
    if (oidc !== undefined) {
      const { Oidc } = await import("./oidc.ts");
      authenticators.push(new Oidc(oidc, clock));
    }
    return new Access(options, authenticators);
  }

  /** @throws {HttpError} if the request may not go on */
  async admit(request: FastifyRequest, needed: Role): Promise<Caller> {
    const token = bearerToken(request);
    if (token !== undefined && isOwnerToken(token, this.#options.ownerToken)) return this.#withRole(OWNER, needed);
    // A token for others does no harm where none is known.
    if (token === undefined || this.#authenticators.length === 0) return this.#withoutToken(request, needed);
    const waitMs = this.#limit.waitMs(request.ip);
    if (waitMs > 0) throw this.#limited(waitMs);
    const login = await this.#login(token);
    if (login.kind === "undecided") throw undecided();
    if (login.kind === "known") return this.#withRole(login.caller, needed);
    if (login.reason === "role") throw this.#forbid("whoever has this token has no role here");
    this.#limit.failed(request.ip);
    throw this.#refuse("wrong");
  }

  #withoutToken({ hostname }: FastifyRequest, needed: Role): Caller {
    if (this.#authenticators.length > 0 || needed !== "viewer") throw this.#refuse("missing");
    // A page in a browser can have its own name point here; then it reads what it asks for.
    if (isLoopbackHost(this.#options.listen.host) && !isLoopbackHost(hostname))
      throw this.#forbid(`call it by an address of this machine, not as ${hostname}, or give a token`);
    return ANYBODY;
  }

  #withRole(caller: Caller, needed: Role): Caller {
    if (ROLES.indexOf(caller.role) >= ROLES.indexOf(needed)) return caller;
    throw this.#forbid(`this needs the role ${needed}, and the token is of a ${caller.role}`);
  }

  /** The first who knows it decides. */
  async #login(token: string): Promise<Login> {
    const logins: Login[] = [];
    for (const authenticator of this.#authenticators) {
      const login = await authenticator.login(token);
      if (login.kind === "known") return login;
      logins.push(login);
    }
    const undecidedOne = logins.find(({ kind }) => kind === "undecided");
    return undecidedOne ?? logins.find((login) => login.kind === "refused" && login.reason === "role") ?? logins[0]!;
  }

  #refuse(reason: "missing" | "wrong"): HttpError {
    this.#options.onRefused(reason);
    return new HttpError(this.#refusal(reason), {
      code: "HTTP_UNAUTHENTICATED",
      status: 401,
      headers: { "www-authenticate": reason === "missing" ? "Bearer" : 'Bearer error="invalid_token"' },
    });
  }

  #refusal(reason: "missing" | "wrong"): string {
    if (this.#authenticators.length === 0)
      return "this needs a token, and the process knows none: see run --http-tokens";
    if (reason === "missing") return "this needs a token, in the header authorization: Bearer <token>";
    return "the token is not known here, has expired, or is meant for others";
  }

  #forbid(message: string): HttpError {
    this.#options.onRefused("role");
    return new HttpError(message, { code: "HTTP_FORBIDDEN", status: 403 });
  }

  #limited(waitMs: number): HttpError {
    this.#options.onRefused("limited");
    return new HttpError("too many wrong tokens came from this address: wait", {
      code: "HTTP_LOGIN_LIMIT",
      status: 429,
      headers: { "retry-after": String(Math.ceil(waitMs / 1_000)) },
    });
  }
}

/** @throws {ConfigError} LISTEN_UNPROTECTED */
export function assertProtected({ host, port }: ListenAddress, { tokensFile, oidc, isOpen }: HttpOptions): void {
  if (isLoopbackHost(host) || isOpen || tokensFile !== undefined || oidc !== undefined) return;
  const message = `others than this machine can reach ${host}:${port}, and nobody is asked who he is: give --http-tokens <file>, or --oidc-issuer and --oidc-audience; or listen on 127.0.0.1; or say --insecure-listen where the network lets nobody through`;
  throw new ConfigError("the HTTP interface would be open:", [{ code: "LISTEN_UNPROTECTED", at: "listen", message }]);
}

const undecided = (): HttpError =>
  new HttpError(
    "whose token this is cannot be said for now: the file of tokens or the identity provider cannot be read",
    {
      code: "HTTP_LOGIN_UNDECIDED",
      status: 503,
      headers: { "retry-after": "5" },
    },
  );

/** The empty one, and what is no bearer token, is a wrong one. */
function bearerToken({ headers }: FastifyRequest): string | undefined {
  if (headers.authorization === undefined) return undefined;
  return /^Bearer +(\S+) *$/i.exec(headers.authorization)?.[1] ?? "";
}
