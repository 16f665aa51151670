import { createHmac } from "node:crypto";
import type { Behaviour } from "./behaviour.ts";
import { RefusedRequest } from "./refused-request.ts";
import { responseCode } from "./response-code.ts";

type TokenKind = "a" | "r";

interface Token {
  readonly kind: TokenKind;
  readonly institution: string;
  readonly customer: string;
  /** When it was issued, in ms, or a little later where two were issued in one: each has its own, so that what is revoked is all up to one. */
  readonly serial: number;
  readonly expiresMs: number;
  readonly consentUntilMs: number;
}

export interface Grant {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly consentUntilMs: number;
}

/** Serials up to these are no longer good. */
interface Revoked {
  readonly accessUpTo: number;
  readonly consentUpTo: number;
}

export interface AuthorityOptions {
  readonly institution: string;
  readonly seed: number;
}

type Lifetimes = Pick<Behaviour, "accessTokenMs" | "refreshTokenMs" | "consentMs">;

/**
 * Gives out tokens and checks them. A token carries what it is good for and a signature made from the seed, so nothing is kept of those that were given out;
 * only what was revoked or withdrawn is, a few numbers for each customer.
 */
export class Authority {
  readonly #institution: string;
  readonly #secret: string;
  #serial = 0;
  readonly #revoked = new Map<string, Revoked>();

  constructor({ institution, seed }: AuthorityOptions) {
    this.#institution = institution;
    this.#secret = `mulgil-institutions-${seed}`;
  }

  /** The customer consents. */
  grant(customer: string, lifetimes: Lifetimes, nowMs: number): Grant {
    return this.#issue(customer, nowMs + lifetimes.consentMs, lifetimes, nowMs);
  }

  /** @throws {RefusedRequest} 40101, 40104, 40106 */
  refresh(refreshToken: string, lifetimes: Lifetimes, nowMs: number): Grant {
    const token = this.#verified(refreshToken, "r", nowMs);
    return this.#issue(token.customer, token.consentUntilMs, lifetimes, nowMs);
  }

  /** The customer of an access token. @throws {RefusedRequest} 40101, 40104, 40105, 40106 */
  customerOf(accessToken: string, nowMs: number): string {
    return this.#verified(accessToken, "a", nowMs).customer;
  }

  /** Ends an access token and those before it, or with a refresh token the consent. @throws {RefusedRequest} 40101, 40104 */
  revoke(text: string, nowMs: number): void {
    const { kind, customer, serial } = this.#parsed(text);
    if (kind === "r") {
      this.withdrawConsent(customer, nowMs);
      return;
    }
    const revoked = this.#revokedOf(customer);
    this.#revoked.set(customer, { ...revoked, accessUpTo: Math.max(revoked.accessUpTo, serial) });
  }

  /** Ends all access tokens of a customer. */
  revokeAccess(customer: string, nowMs: number): void {
    this.#revoked.set(customer, { ...this.#revokedOf(customer), accessUpTo: this.#serialAt(nowMs) });
  }

  /** The customer withdraws; only a new grant helps. */
  withdrawConsent(customer: string, nowMs: number): void {
    this.#revoked.set(customer, { ...this.#revokedOf(customer), consentUpTo: this.#serialAt(nowMs) });
  }

  /** Not under that of any token until now, also of an earlier life of the institution. */
  #serialAt(nowMs: number): number {
    this.#serial = Math.max(this.#serial, Math.floor(nowMs));
    return this.#serial;
  }

  #issue(customer: string, consentUntilMs: number, { accessTokenMs, refreshTokenMs }: Lifetimes, nowMs: number): Grant {
    const serial = Math.max(this.#serial + 1, Math.floor(nowMs));
    this.#serial = serial;
    const common = { institution: this.#institution, customer, serial, consentUntilMs };
    return {
      accessToken: this.#signed({ ...common, kind: "a", expiresMs: nowMs + accessTokenMs }),
      refreshToken: this.#signed({ ...common, kind: "r", expiresMs: nowMs + refreshTokenMs }),
      consentUntilMs,
    };
  }

  #verified(text: string, kind: TokenKind, nowMs: number): Token {
    const token = this.#parsed(text);
    const { accessUpTo, consentUpTo } = this.#revokedOf(token.customer);
    if (token.kind !== kind) throw new RefusedRequest(responseCode.badToken, "not a token of this kind");
    if (token.serial <= consentUpTo) throw new RefusedRequest(responseCode.noConsent, "the consent was withdrawn");
    if (nowMs >= token.consentUntilMs) throw new RefusedRequest(responseCode.noConsent, "the consent has expired");
    if (kind === "a" && token.serial <= accessUpTo)
      throw new RefusedRequest(responseCode.badToken, "the access token was revoked");
    if (nowMs >= token.expiresMs) {
      throw kind === "a"
        ? new RefusedRequest(responseCode.expiredToken, "the access token has expired")
        : new RefusedRequest(responseCode.noConsent, "the refresh token has expired");
    }
    return token;
  }

  #parsed(text: string): Token {
    const end = text.lastIndexOf(".");
    const [kind, institution, customer, serial, expires, consentUntil] = text.slice(0, end).split("~");
    if (end < 0 || this.#signature(text.slice(0, end)) !== text.slice(end + 1) || consentUntil === undefined)
      throw new RefusedRequest(responseCode.badToken, "not a token of these institutions");
    if (institution !== this.#institution)
      throw new RefusedRequest(responseCode.foreignToken, `the token is one of ${institution}`);
    return {
      kind: kind as TokenKind,
      institution: institution!,
      customer: customer!,
      serial: Number(serial),
      expiresMs: Number.parseInt(expires!, 36),
      consentUntilMs: Number.parseInt(consentUntil, 36),
    };
  }

  #signed({ kind, institution, customer, serial, expiresMs, consentUntilMs }: Token): string {
    const content = [kind, institution, customer, serial, stamp(expiresMs), stamp(consentUntilMs)].join("~");
    return `${content}.${this.#signature(content)}`;
  }

  #signature(content: string): string {
    return createHmac("sha256", this.#secret).update(content).digest("base64url").slice(0, 22);
  }

  #revokedOf(customer: string): Revoked {
    return this.#revoked.get(customer) ?? { accessUpTo: 0, consentUpTo: 0 };
  }
}

const stamp = (timeMs: number): string => Math.floor(timeMs).toString(36);
