import { type Answer, answerWith } from "./answer.ts";
import type { Grant } from "./authority.ts";
import type { Institution } from "./institution.ts";
import { type Parameters, requiredTextOf } from "./parameters.ts";
import { RefusedRequest } from "./refused-request.ts";
import { responseCode } from "./response-code.ts";

const SECOND_MS = 1_000;

/** `POST /oauth/2.0/token`. @throws {RefusedRequest} */
export function answerToken(institution: Institution, parameters: Parameters, nowMs: number): Answer {
  const { authority, behaviour } = institution;
  const grantType = requiredTextOf(parameters, "grant_type");
  switch (grantType) {
    case "authorization_code":
      return grantAnswer(institution, authority.grant(customerOf(parameters), behaviour, nowMs), nowMs);
    case "refresh_token":
      return grantAnswer(
        institution,
        authority.refresh(requiredTextOf(parameters, "refresh_token"), behaviour, nowMs),
        nowMs,
      );
    default:
      throw new RefusedRequest(
        responseCode.badParameter,
        `grant_type must be authorization_code or refresh_token, not ${grantType}`,
      );
  }
}

/** `POST /oauth/2.0/revoke`. @throws {RefusedRequest} */
export function answerRevoke({ authority }: Institution, parameters: Parameters, nowMs: number): Answer {
  authority.revoke(requiredTextOf(parameters, "token"), nowMs);
  return answerWith({});
}

function customerOf(parameters: Parameters): string {
  const customer = requiredTextOf(parameters, "code");
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(customer))
    throw new RefusedRequest(responseCode.badParameter, "code must be the customer's id, 1 to 64 of A-Za-z0-9._-");
  return customer;
}

const grantAnswer = (
  { behaviour }: Institution,
  { accessToken, refreshToken, consentUntilMs }: Grant,
  nowMs: number,
): Answer =>
  answerWith({
    token_type: "Bearer",
    access_token: accessToken,
    expires_in: Math.floor(behaviour.accessTokenMs / SECOND_MS),
    refresh_token: refreshToken,
    refresh_token_expires_in: Math.floor(behaviour.refreshTokenMs / SECOND_MS),
    consent_expires_in: Math.floor((consentUntilMs - nowMs) / SECOND_MS),
  });
