import { createHash, timingSafeEqual } from "node:crypto";
import { ROLES, type Role } from "../worker-routes.ts";

/** A token as it is kept: never itself. */
export interface RoleToken {
  readonly role: Role;
  readonly digest: Buffer;
  /** For the audit trail: the beginning of the digest. */
  readonly name: string;
}

const TOKEN_LENGTH_MIN = 16;
const TOKEN = /^[\w\-.~+/]+=*$/;
const DIGEST = /^sha256:([0-9a-f]{64})$/i;

/** Reads the lines of a file of tokens. Problems name the line and never show it. */
export function readRoleTokens(text: string): {
  readonly tokens: readonly RoleToken[];
  readonly problems: readonly string[];
} {
  const tokens: RoleToken[] = [];
  const problems: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const read = readLine(line.trim());
    if (typeof read === "string") problems.push(`line ${index + 1} ${read}`);
    else tokens.push(read);
  }
  if (tokens.length + problems.length === 0) problems.push("it has no token");
  return { tokens, problems };
}

function readLine(line: string): RoleToken | string {
  const at = line.indexOf(":");
  const role = ROLES.find((each) => each === line.slice(0, at));
  if (role === undefined) return `does not begin with a role (${ROLES.join(", ")}) and a colon`;
  const secret = line.slice(at + 1);
  const digest = DIGEST.exec(secret)?.[1];
  if (digest !== undefined) return tokenOf(role, Buffer.from(digest, "hex"));
  if (secret.startsWith("sha256:")) return "has a digest that is not 64 hexadecimal digits";
  if (secret.length < TOKEN_LENGTH_MIN) return `has a token of less than ${TOKEN_LENGTH_MIN} characters`;
  if (!TOKEN.test(secret)) return "has a token with characters that a header cannot carry";
  return tokenOf(role, digestOf(secret));
}

const tokenOf = (role: Role, digest: Buffer): RoleToken => ({
  role,
  digest,
  name: `token ${digest.toString("hex").slice(0, 8)}`,
});

const digestOf = (token: string): Buffer => createHash("sha256").update(token).digest();

/** Takes as long whichever it is, and if it is none. */
export function findToken(tokens: readonly RoleToken[], token: string): RoleToken | undefined {
  const digest = digestOf(token);
  let found: RoleToken | undefined;
  for (const each of tokens) if (timingSafeEqual(each.digest, digest)) found = each;
  return found;
}
