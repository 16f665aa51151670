import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { findToken, readRoleTokens } from "./role-tokens.ts";

const TOKEN = "a-token-of-somebody";
const digest = createHash("sha256").update(TOKEN).digest("hex");

describe("readRoleTokens", () => {
  it("reads tokens and digests of tokens, and passes over comments", () => {
    const { tokens, problems } = readRoleTokens(`# of Kim\nviewer:${TOKEN}\r\n\nadmin:sha256:${digest}\n`);
    expect(problems).toEqual([]);
    expect(tokens.map(({ role }) => role)).toEqual(["viewer", "admin"]);
    expect(tokens[0]!.digest).toEqual(tokens[1]!.digest);
    expect(JSON.stringify(tokens)).not.toContain(TOKEN);
  });

  it.each([
    ["root:a-token-of-somebody", /line 1 does not begin with a role/],
    ["a-token-of-somebody", /line 1 does not begin with a role/],
    ["viewer:short", /line 1 has a token of less than 16/],
    ["viewer:a token of somebody", /line 1 has a token with characters/],
    ["viewer:sha256:abc", /line 1 has a digest/],
    ["# nothing", /it has no token/],
  ])("says what is wrong with %j, and does not show it", (text, problem) => {
    const { tokens, problems } = readRoleTokens(text);
    expect(tokens).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(problem)]);
    expect(problems.join()).not.toMatch(/somebody|short|abc/);
  });
});

describe("findToken", () => {
  it("finds whose it is, and nobody for what is none", () => {
    const { tokens } = readRoleTokens(`viewer:${TOKEN}\noperator:${TOKEN}2\n`);
    expect(findToken(tokens, `${TOKEN}2`)?.role).toBe("operator");
    for (const other of ["", TOKEN.slice(1), digest, `sha256:${digest}`])
      expect(findToken(tokens, other)).toBeUndefined();
  });
});
