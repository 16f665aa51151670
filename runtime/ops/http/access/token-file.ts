import { stat } from "node:fs/promises";
import { ConfigError } from "../../../errors/errors.ts";
import type { Clock } from "../../../time/clock.ts";
import { type Authenticator, type Login, refused } from "./login.ts";
import { readOwnerOnly } from "./owner-only-file.ts";
import { findToken, type RoleToken, readRoleTokens } from "./role-tokens.ts";

const LOOK_EVERY_MS = 1_000;

/**
 * Tokens in a file. A change counts within a second; while the file cannot be read, or is wrong, nobody is let in by it: a token that was taken out
 * must not live on.
 */
export class TokenFile implements Authenticator {
  readonly #path: string;
  readonly #clock: Clock;
  #tokens: readonly RoleToken[] | undefined;
  #stamp = "";
  #lookAtMs = 0;

  private constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** @throws {ConfigError} HTTP_TOKENS */
  static async open(path: string, clock: Clock): Promise<TokenFile> {
    const file = new TokenFile(path, clock);
    try {
      await file.#read();
      file.#lookAtMs = clock.now() + LOOK_EVERY_MS;
      return file;
    } catch (error) {
      const message = `${(error as Error).message}. Write a role and a token a line, like operator:<token>, with: openssl rand -base64 32`;
      throw new ConfigError("the HTTP interface has no usable tokens:", [{ code: "HTTP_TOKENS", at: path, message }], {
        cause: error,
      });
    }
  }

  async login(token: string): Promise<Login> {
    await this.#refresh();
    if (this.#tokens === undefined) return { kind: "undecided" };
    const found = findToken(this.#tokens, token);
    return found === undefined ? refused("wrong") : { kind: "known", caller: { name: found.name, role: found.role } };
  }

  async #refresh(): Promise<void> {
    const nowMs = this.#clock.now();
    if (nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + LOOK_EVERY_MS;
    try {
      const { mtimeMs, size, ino } = await stat(this.#path);
      if (this.#tokens !== undefined && `${mtimeMs} ${size} ${ino}` === this.#stamp) return;
      await this.#read();
    } catch {
      this.#tokens = undefined;
    }
  }

  async #read(): Promise<void> {
    const { text, stamp } = await readOwnerOnly(this.#path);
    const { tokens, problems } = readRoleTokens(text);
    if (problems.length > 0) throw new Error(problems.join("; "));
    this.#tokens = tokens;
    this.#stamp = stamp;
  }
}
