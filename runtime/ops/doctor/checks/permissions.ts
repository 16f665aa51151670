import type { Facts, Failure } from "../facts.ts";
import type { Finding } from "../finding.ts";

const NOT_ALLOWED: ReadonlySet<string> = new Set(["LOG_NOT_AUTHORIZED", "LOG_AUTHENTICATION", "PERMISSION"]);

/** What could not be looked at: because it is not allowed, or because it failed. */
export function checkPermissions({ failures }: Facts): readonly Finding[] {
  return failures.map((failure) => (NOT_ALLOWED.has(failure.code) ? forbidden(failure) : failed(failure)));
}

const forbidden = ({ what, code, message }: Failure): Finding => ({
  check: "permissions",
  severity: "error",
  what: `it is not allowed to ${what}`,
  where: {},
  evidence: [`${message} [${code}]`],
  ageMs: undefined,
  todo: "give this user the right, or run the command as one who has it",
});

const failed = ({ what, code, message }: Failure): Finding => ({
  check: "access",
  severity: "error",
  what: `could not ${what}`,
  where: {},
  evidence: [`${message} [${code}]`],
  ageMs: undefined,
  todo: "mend what the message says, and ask again: what depends on it was not checked",
});
