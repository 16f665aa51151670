export interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

/** Whose tokens of which institution, under which consent: a new one has new tokens. */
export interface TokenHolder {
  readonly customerId: string;
  readonly institution: string;
  readonly authorizationCode: string;
  readonly consentedAt: number;
}

export interface TokenIssuer {
  readonly grant: (holder: TokenHolder, signal: AbortSignal) => Promise<Tokens>;
  readonly refresh: (holder: TokenHolder, refreshToken: string, signal: AbortSignal) => Promise<Tokens>;
}

const HOLDERS_MAX = 100_000;

/**
 * Tokens in memory, of the holders that were used last. They are got when they are needed first; calls that need the same ones at the same time wait for one
 * answer.
 */
export class TokenCache {
  readonly #issuer: TokenIssuer;
  readonly #tokens = new Map<string, Promise<Tokens>>();
  readonly #holdersMax: number;

  constructor(issuer: TokenIssuer, holdersMax = HOLDERS_MAX) {
    this.#issuer = issuer;
    this.#holdersMax = holdersMax;
  }

  async accessToken(holder: TokenHolder, signal: AbortSignal): Promise<string> {
    const key = keyOf(holder);
    const tokens = this.#tokens.get(key) ?? this.#issuer.grant(holder, signal);
    return (await this.#keep(key, tokens)).access;
  }

  /** Behind a refusal of an access token. Whoever comes second gets what the first one got. */
  async renewed(holder: TokenHolder, refused: string, signal: AbortSignal): Promise<string> {
    const key = keyOf(holder);
    const before = this.#tokens.get(key);
    const known = await before;
    const isRenewed = this.#tokens.get(key) !== before;
    if (isRenewed || known === undefined || known.access !== refused) return await this.accessToken(holder, signal);
    return (await this.#keep(key, this.#issuer.refresh(holder, known.refresh, signal))).access;
  }

  /** What could not be got is not kept: the next call asks again. */
  async #keep(key: string, tokens: Promise<Tokens>): Promise<Tokens> {
    this.#tokens.delete(key);
    this.#tokens.set(key, tokens);
    if (this.#tokens.size > this.#holdersMax) this.#tokens.delete(this.#tokens.keys().next().value!);
    try {
      return await tokens;
    } catch (error) {
      if (this.#tokens.get(key) === tokens) this.#tokens.delete(key);
      throw error;
    }
  }
}

const keyOf = ({ customerId, institution, authorizationCode, consentedAt }: TokenHolder): string =>
  [customerId, institution, authorizationCode, consentedAt].join("\n");
