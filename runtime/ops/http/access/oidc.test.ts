import { exportSPKI, generateKeyPair } from "jose";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../testing/manual-clock.ts";
import { systemClock } from "../../../time/system-clock.ts";
import { Oidc } from "./oidc.ts";
import { startIssuer } from "./oidc-issuer.fixture.ts";

const WRONG = { kind: "refused", reason: "wrong" };

async function provider() {
  const issuer = await startIssuer();
  const oidc = new Oidc({ issuer: issuer.issuer, audience: "mulgil" }, systemClock);
  return { issuer, oidc };
}

describe("Oidc", () => {
  it("knows whose token it is, and takes the highest role in it", async () => {
    const { issuer, oidc } = await provider();
    expect(await oidc.login(await issuer.token())).toEqual({
      kind: "known",
      caller: { name: "someone", role: "viewer" },
    });
    const admin = await issuer.token({ preferred_username: "kim", roles: ["mulgil-admin", "mulgil-viewer", "else"] });
    expect(await oidc.login(admin)).toEqual({ kind: "known", caller: { name: "kim (someone)", role: "admin" } });
  });

  it("asks the provider for its keys once", async () => {
    const { issuer, oidc } = await provider();
    for (let count = 0; count < 3; count++) await oidc.login(await issuer.token());
    expect(issuer.asked()).toBe(2);
  });

  it.each([
    ["is meant for others", { aud: "another" }],
    ["comes from another issuer", { iss: "https://elsewhere.example" }],
    ["has expired", { exp: Math.floor(Date.now() / 1_000) - 60 }],
    ["is not valid yet", { nbf: Math.floor(Date.now() / 1_000) + 600 }],
    ["never expires", { exp: undefined }],
    ["is nobody's", { sub: undefined }],
  ])("refuses a token that %s", async (_what, claims) => {
    const { issuer, oidc } = await provider();
    expect(await oidc.login(await issuer.token(claims))).toEqual(WRONG);
  });

  it("bears with clocks that differ by some seconds", async () => {
    const { issuer, oidc } = await provider();
    const token = await issuer.token({ exp: Math.floor(Date.now() / 1_000) - 10 });
    expect(await oidc.login(token)).toMatchObject({ kind: "known" });
  });

  it("refuses a token without a signature", async () => {
    const { issuer, oidc } = await provider();
    const [, payload] = (await issuer.token()).split(".");
    const header = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    expect(await oidc.login(`${header}.${payload}.`)).toEqual(WRONG);
  });

  it("refuses a token that is signed with the public key as a shared secret", async () => {
    const { issuer, oidc } = await provider();
    const key = new TextEncoder().encode(await exportSPKI(issuer.publicKey));
    expect(await oidc.login(await issuer.token({}, { key, header: { alg: "HS256" } }))).toEqual(WRONG);
  });

  it("refuses a token of a key that the provider does not have, whatever it is called", async () => {
    const { issuer, oidc } = await provider();
    const { privateKey: key } = await generateKeyPair("ES256");
    expect(await oidc.login(await issuer.token({}, { key, header: { kid: "unknown" } }))).toEqual(WRONG);
    expect(await oidc.login(await issuer.token({}, { key }))).toEqual(WRONG);
  });

  it("refuses what is no token at all, or was changed", async () => {
    const { issuer, oidc } = await provider();
    const token = await issuer.token();
    const [header, , signature] = token.split(".");
    const payload = Buffer.from(JSON.stringify({ sub: "someone", roles: ["mulgil-admin"] })).toString("base64url");
    for (const each of ["", "a.b.c", "abc", `${header}.${payload}.${signature}`])
      expect(await oidc.login(each)).toEqual(WRONG);
  });

  it("says that somebody has no role here", async () => {
    const { issuer, oidc } = await provider();
    for (const roles of [[], ["mulgil"], "viewer", undefined, 7, { admin: true }])
      expect(await oidc.login(await issuer.token({ roles }))).toEqual({ kind: "refused", reason: "role" });
  });

  it("finds roles where the provider has them, and under its names", async () => {
    const issuer = await startIssuer();
    const loginBy = async (rolesClaim: string, claims: Record<string, unknown>) => {
      const roleNames = { operator: "sre" };
      const oidc = new Oidc({ issuer: issuer.issuer, audience: "mulgil", rolesClaim, roleNames }, systemClock);
      return await oidc.login(await issuer.token({ roles: undefined, ...claims }));
    };
    const operator = { kind: "known", caller: { name: "someone", role: "operator" } };
    expect(await loginBy("realm_access.roles", { realm_access: { roles: ["sre"] } })).toEqual(operator);
    expect(await loginBy("https://example.org/roles", { "https://example.org/roles": ["sre"] })).toEqual(operator);
    expect(await loginBy("scope", { scope: "openid sre" })).toEqual(operator);
    expect(await loginBy("constructor.name", {})).toEqual({ kind: "refused", reason: "role" });
    expect(await loginBy("roles", { roles: ["mulgil-operator"] })).toEqual({ kind: "refused", reason: "role" });
  });

  it("cannot say whose token it is while the provider is away, and asks again later", async () => {
    const issuer = await startIssuer();
    const clock = new ManualClock(Date.now());
    const oidc = new Oidc({ issuer: issuer.issuer, audience: "mulgil" }, clock);
    issuer.status.answers = false;
    expect(await oidc.login(await issuer.token())).toEqual({ kind: "undecided" });
    issuer.status.answers = true;
    expect(await oidc.login(await issuer.token())).toEqual({ kind: "undecided" });
    clock.advance(5_000);
    expect(await oidc.login(await issuer.token())).toMatchObject({ kind: "known" });
  });

  it.each(["http://provider.example", "provider", "", "file:///provider"])("does not trust the issuer %j", (issuer) => {
    expect(() => new Oidc({ issuer, audience: "mulgil" }, systemClock)).toThrow(
      expect.objectContaining({ code: "HTTP_OIDC" }),
    );
  });
});
