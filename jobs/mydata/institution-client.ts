import type { ApiType } from "../../schemas/types/mydata/collection-request.ts";
import { FailedCall, senseless } from "./failed-call.ts";
import { type InstitutionAnswer, readAnswer } from "./institution-answer.ts";
import type { Institution } from "./institutions.ts";
import { TokenCache, type TokenHolder, type Tokens } from "./token-cache.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface ClientOptions {
  readonly fetch: Fetch;
  /** 25 characters, new with each call. */
  readonly newTransactionId: () => string;
  readonly institutionOf: (id: string) => Institution | undefined;
}

/** One question, as the standard puts it: parameters of a GET go into the query, those of a POST into a JSON body. */
export interface Question {
  readonly method: "GET" | "POST";
  /** Behind the base URL. */
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface Call {
  readonly holder: TokenHolder;
  readonly apiType: ApiType;
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

const API_TYPES: Readonly<Record<ApiType, string>> = {
  scheduled: "scheduled",
  userConsent: "user-consent",
  userRefresh: "user-refresh",
  userSearch: "user-search",
};

/** Asks institutions, and keeps the tokens for that. One for all customers and institutions of a worker. */
export class InstitutionClient {
  readonly #options: ClientOptions;
  readonly #tokens: TokenCache;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#tokens = new TokenCache({
      grant: ({ institution, authorizationCode }, signal) =>
        this.#issue(institution, { grant_type: "authorization_code", code: authorizationCode }, signal),
      refresh: ({ institution }, refreshToken, signal) =>
        this.#issue(institution, { grant_type: "refresh_token", refresh_token: refreshToken }, signal),
    });
  }

  /** One collection at an institution that is in the table: its calls share one renewal of the access token. */
  session(call: Call): Session {
    return new Session(call, this.#tokens, (question, token) => this.#ask(question, call, token));
  }

  async #ask(question: Question, call: Call, token: string): Promise<InstitutionAnswer> {
    return await this.#send(call.holder.institution, question, call.signal, {
      authorization: `Bearer ${token}`,
      "x-api-type": API_TYPES[call.apiType],
      "x-mulgil-idempotency-key": call.idempotencyKey,
    });
  }

  async #issue(institution: string, parameters: Question["parameters"], signal: AbortSignal): Promise<Tokens> {
    const question: Question = { method: "POST", path: "/oauth/2.0/token", parameters };
    const answer = await this.#send(institution, question, signal, {});
    const { access_token: access, refresh_token: refresh } = answer.body;
    if (answer.class !== "ok") throw new FailedCall(answer);
    if (typeof access !== "string" || typeof refresh !== "string") throw senseless("an answer without tokens");
    return { access, refresh };
  }

  async #send(
    institution: string,
    { method, path, parameters }: Question,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>>,
  ): Promise<InstitutionAnswer> {
    const { fetch, newTransactionId, institutionOf } = this.#options;
    const url = `${institutionOf(institution)!.baseUrl}${path}`;
    const query = method === "GET" ? `?${new URLSearchParams(parameters)}` : "";
    const response = await fetch(url + query, {
      method,
      signal,
      headers: { ...headers, "x-api-tran-id": newTransactionId(), "content-type": "application/json" },
      ...(method === "POST" && { body: JSON.stringify(parameters) }),
    });
    return await readAnswer(response);
  }
}

/** The calls of one collection. */
export class Session {
  readonly #call: Call;
  readonly #tokens: TokenCache;
  readonly #send: (question: Question, token: string) => Promise<InstitutionAnswer>;
  #mayRenew = true;

  constructor(call: Call, tokens: TokenCache, send: (question: Question, token: string) => Promise<InstitutionAnswer>) {
    this.#call = call;
    this.#tokens = tokens;
    this.#send = send;
  }

  /**
   * Asks one question, and once more with a new token if the old one is refused: the first time in a collection.
   * @throws {FailedCall} if the answer is none
   */
  async ask(question: Question): Promise<InstitutionAnswer> {
    const { holder, signal } = this.#call;
    const token = await this.#tokens.accessToken(holder, signal);
    let answer = await this.#send(question, token);
    if (answer.class === "token" && this.#mayRenew) {
      this.#mayRenew = false;
      answer = await this.#send(question, await this.#tokens.renewed(holder, token, signal));
    }
    if (answer.class !== "ok") throw new FailedCall(answer);
    return answer;
  }
}
