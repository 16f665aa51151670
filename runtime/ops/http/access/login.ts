import type { Caller } from "../worker-routes.ts";

/** What came of a token. */
export type Login =
  | { readonly kind: "known"; readonly caller: Caller }
  | { readonly kind: "refused"; readonly reason: RefusedLogin }
  /** Nobody can say for now: a file or the identity provider cannot be read. */
  | { readonly kind: "undecided" };

/** "wrong": of nobody, expired, or meant for others. "role": of somebody who has none here. */
export type RefusedLogin = "wrong" | "role";

/** Says whose a token is. Never rejects. */
export interface Authenticator {
  login(token: string): Promise<Login>;
}

export const refused = (reason: RefusedLogin): Login => ({ kind: "refused", reason });
