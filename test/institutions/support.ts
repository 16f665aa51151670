import { expect, onTestFinished } from "vitest";
import { ManualClock } from "../../runtime/testing/manual-clock.ts";
import type { Behaviour } from "../../scripts/institutions/behaviour.ts";
import {
  type InstitutionDefinition,
  type Institutions,
  type InstitutionsOptions,
  startInstitutions,
} from "../../scripts/institutions/start-institutions.ts";

/** Wednesday, 2026-01-14, 10:00 in Seoul. */
export const START_MS = Date.UTC(2026, 0, 14, 1);
export const SECOND_MS = 1_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly code: string;
  // biome-ignore lint/suspicious/noExplicitAny: the fields of an answer depend on what was asked for
  readonly body: any;
}

export interface CallOptions {
  readonly body?: object | string;
  readonly token?: string;
  readonly apiType?: string;
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Institutions under a clock that the test holds, and somebody who calls them. */
export class Caller {
  readonly clock: ManualClock;
  readonly institutions: Institutions;
  #transactions = 0;

  constructor(clock: ManualClock, institutions: Institutions) {
    this.clock = clock;
    this.institutions = institutions;
  }

  transactionId(): string {
    return String(++this.#transactions).padStart(25, "0");
  }

  async call(institution: string, path: string, options: CallOptions = {}): Promise<Reply> {
    const { body, token, apiType = "user-refresh", idempotencyKey, headers, signal } = options;
    const response = await fetch(`${this.institutions.url(institution)}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        "x-api-tran-id": this.transactionId(),
        "x-api-type": apiType,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(idempotencyKey !== undefined && { "x-mulgil-idempotency-key": idempotencyKey }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await response.text();
    const parsed = text.startsWith("{") ? JSON.parse(text) : {};
    return { status: response.status, headers: response.headers, text, body: parsed, code: parsed.rsp_code };
  }

  /** The tokens of a customer who consents. */
  async consent(institution: string, customer = "customer-1"): Promise<{ access: string; refresh: string }> {
    const { code, body } = await this.call(institution, "/oauth/2.0/token", {
      body: { grant_type: "authorization_code", code: customer },
    });
    expect(code).toBe("00000");
    return { access: body.access_token, refresh: body.refresh_token };
  }

  async firstAccount(institution: string, token: string): Promise<string> {
    const { body } = await this.call(institution, "/v1/bank/accounts", { token });
    return body.account_list[0].account_num;
  }

  /** Moves the clock to its next timer as soon as there is one. */
  async advanceToNextTimer(): Promise<void> {
    await expect.poll(() => this.clock.nextMs).toBeLessThan(Infinity);
    this.clock.advanceTo(this.clock.nextMs);
  }

  configure(institution: string, change: Partial<Behaviour>): void {
    this.institutions.configure(institution, change);
  }
}

export const bank = (behaviour: Partial<Behaviour> = {}): InstitutionDefinition => ({
  id: "bank-01",
  industry: "bank",
  behaviour,
});

/** Started for one test, and closed behind it. */
export async function startCaller(
  institutions: readonly InstitutionDefinition[] = [bank()],
  options: Partial<InstitutionsOptions> = {},
): Promise<Caller> {
  const clock = new ManualClock(START_MS);
  const running = await startInstitutions({ clock, seed: 7, institutions, ...options });
  onTestFinished(() => running.close());
  return new Caller(clock, running);
}

export const january = { from_date: "20260101", to_date: "20260131" } as const;
