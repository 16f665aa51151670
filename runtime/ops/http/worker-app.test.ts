import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { FastifyInstance } from "fastify";
import { describe, expect, it, onTestFinished } from "vitest";
import { ManualClock } from "../../testing/manual-clock.ts";
import { WorkerMetrics } from "../metrics/worker-metrics.ts";
import { Access, assertProtected } from "./access/access.ts";
import type { HttpOptions } from "./access/http-options.ts";
import { startIssuer } from "./access/oidc-issuer.fixture.ts";
import { notFound } from "./http-error.ts";
import { workerRoutes } from "./routes.ts";
import { createWorkerApp } from "./worker-app.ts";
import type { WorkerContext, WorkerRoutes } from "./worker-routes.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const TOKENS = {
  viewer: "the-token-of-a-viewer",
  operator: "the-token-of-an-operator",
  admin: "the-token-of-an-admin",
};

const testRoutes: WorkerRoutes = (app) => {
  const add = (role: "operator" | "admin", url: string) =>
    app.post(url, { config: { role }, schema: { summary: url } }, ({ caller }) => ({ caller }));
  add("operator", "/operate");
  add("admin", "/administer");
  app.get("/broken", { config: { role: "viewer" }, schema: { summary: "breaks" } }, () => {
    throw new Error("a secret of the inside");
  });
  app.get("/none", { config: { role: "viewer" }, schema: { summary: "is none" } }, () => {
    throw notFound("there is no such thing");
  });
  app.get(
    "/things/:thing",
    {
      config: { role: "viewer" },
      schema: {
        summary: "a thing",
        params: { type: "object", properties: { thing: { type: "integer" } } },
        querystring: { type: "object", additionalProperties: false, properties: { limit: { type: "integer" } } },
      },
    },
    ({ params, query }) => ({ params, query }),
  );
};

async function app(http: HttpOptions = {}, listen = LOOPBACK) {
  const clock = new ManualClock(Date.now());
  const metrics = new WorkerMetrics(clock);
  const context: WorkerContext = {
    identity: () => ({ host: "here", pid: 1, address: "http://127.0.0.1:1" }),
    ...{ clock, metrics, areMetricsGuarded: http.areMetricsGuarded ?? false, run: () => undefined },
  };
  const access = await Access.open({ listen, http, clock, onRefused: (reason) => metrics.loginRefused(reason) });
  const created = await createWorkerApp([...workerRoutes, testRoutes], context, { access, tls: undefined });
  onTestFinished(() => created.close());
  return { app: created, clock };
}

function tokensFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "mulgil-http-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "tokens");
  writeFileSync(
    file,
    Object.entries(TOKENS)
      .map(([role, token]) => `${role}:${token}\n`)
      .join(""),
    { mode: 0o600 },
  );
  return file;
}

async function ask(
  to: FastifyInstance,
  method: "GET" | "POST" | "OPTIONS",
  url: string,
  headers: Record<string, string> = {},
) {
  const answer = await to.inject({ method, url, headers: { host: "127.0.0.1", ...headers } });
  return { status: answer.statusCode, headers: answer.headers, body: answer.body };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const statusOf = async (to: FastifyInstance, method: "GET" | "POST", url: string, headers?: Record<string, string>) =>
  (await ask(to, method, url, headers)).status;

describe("who may use the interface", () => {
  it("lets everybody on this machine look, and nobody change anything, without tokens", async () => {
    const { app: open } = await app();
    expect(await statusOf(open, "GET", "/status")).toBe(200);
    expect(await statusOf(open, "POST", "/operate")).toBe(401);
    expect(await statusOf(open, "POST", "/operate", bearer(TOKENS.admin))).toBe(401);
    // Somebody may have a token for other workers at hand.
    expect(await statusOf(open, "GET", "/status", bearer(TOKENS.viewer))).toBe(200);
  });

  it("does not answer a page whose name points here", async () => {
    const { app: open } = await app();
    expect(await statusOf(open, "GET", "/status", { host: "rebound.example:8080" })).toBe(403);
    for (const host of ["localhost:8080", "127.0.0.1:1", "[::1]:8080"])
      expect(await statusOf(open, "GET", "/status", { host })).toBe(200);
  });

  it("wants a token for everything but health and metrics once there are some", async () => {
    const { app: guarded } = await app({ tokensFile: tokensFile() });
    for (const url of ["/healthz", "/metrics"]) expect(await statusOf(guarded, "GET", url)).toBe(200);
    expect(await statusOf(guarded, "GET", "/readyz")).toBe(503);
    for (const url of ["/status", "/openapi.json", "/things/1"]) {
      const { status, headers, body } = await ask(guarded, "GET", url);
      expect({ status, challenge: headers["www-authenticate"] }).toEqual({ status: 401, challenge: "Bearer" });
      expect(JSON.parse(body)).toMatchObject({ error: { code: "HTTP_UNAUTHENTICATED" } });
      expect(await statusOf(guarded, "GET", url, bearer(TOKENS.viewer))).toBe(200);
    }
  });

  it("wants a token for metrics where that is asked for", async () => {
    const { app: guarded } = await app({ tokensFile: tokensFile(), areMetricsGuarded: true });
    expect(await statusOf(guarded, "GET", "/metrics")).toBe(401);
    expect(await statusOf(guarded, "GET", "/metrics", bearer(TOKENS.viewer))).toBe(200);
  });

  it("lets each role do what it may, and what those before it may", async () => {
    const { app: guarded } = await app({ tokensFile: tokensFile() });
    const statuses = async (token: string) => [
      await statusOf(guarded, "GET", "/status", bearer(token)),
      await statusOf(guarded, "POST", "/operate", bearer(token)),
      await statusOf(guarded, "POST", "/administer", bearer(token)),
    ];
    expect(await statuses(TOKENS.viewer)).toEqual([200, 403, 403]);
    expect(await statuses(TOKENS.operator)).toEqual([200, 200, 403]);
    expect(await statuses(TOKENS.admin)).toEqual([200, 200, 200]);
  });

  it.each([
    ["of nobody", bearer("the-token-of-nobody")],
    ["that is empty", { authorization: "Bearer " }],
    ["of another kind", { authorization: `Basic ${TOKENS.admin}` }],
    ["with something behind it", { authorization: `Bearer ${TOKENS.admin} ${TOKENS.admin}` }],
  ])("refuses a token %s, and does not tell it", async (_what, headers) => {
    const { app: guarded } = await app({ tokensFile: tokensFile() });
    const { status, body } = await ask(guarded, "GET", "/status", headers);
    expect(status).toBe(401);
    expect(body).not.toContain("the-token");
  });

  it("takes tokens of an identity provider beside those of the file", async () => {
    const issuer = await startIssuer();
    const { app: guarded } = await app({
      tokensFile: tokensFile(),
      oidc: { issuer: issuer.issuer, audience: "mulgil" },
    });
    const operator = bearer(await issuer.token({ roles: ["mulgil-operator"] }));
    expect(JSON.parse((await ask(guarded, "POST", "/operate", operator)).body)).toEqual({
      caller: { name: "someone", role: "operator" },
    });
    expect(await statusOf(guarded, "POST", "/administer", operator)).toBe(403);
    expect(await statusOf(guarded, "GET", "/status", bearer(await issuer.token({ roles: [] })))).toBe(403);
    expect(await statusOf(guarded, "GET", "/status", bearer(await issuer.token({ aud: "else" })))).toBe(401);
    expect(await statusOf(guarded, "GET", "/status", bearer(TOKENS.viewer))).toBe(200);
    issuer.status.answers = false;
  });

  it("says that it cannot say whose a token is while the provider is away", async () => {
    const issuer = await startIssuer();
    issuer.status.answers = false;
    const { app: guarded } = await app({ oidc: { issuer: issuer.issuer, audience: "mulgil" } });
    const { status, body } = await ask(guarded, "GET", "/status", bearer(await issuer.token()));
    expect({ status, code: JSON.parse(body).error.code }).toEqual({ status: 503, code: "HTTP_LOGIN_UNDECIDED" });
  });

  it("listens to nobody who is wrong too often, for a minute, and counts whom it refused", async () => {
    const { app: guarded, clock } = await app({ tokensFile: tokensFile() });
    for (let count = 0; count < 20; count++)
      expect(await statusOf(guarded, "GET", "/status", bearer(`the-token-of-nobody-${count}`))).toBe(401);
    expect(await statusOf(guarded, "GET", "/status", bearer(TOKENS.viewer))).toBe(429);
    expect(await statusOf(guarded, "GET", "/status")).toBe(401);
    clock.advance(60_000);
    expect(await statusOf(guarded, "GET", "/status", bearer(TOKENS.viewer))).toBe(200);
    const { body } = await ask(guarded, "GET", "/metrics");
    expect(body).toContain('mulgil_http_refused_logins_total{reason="wrong"} 20');
    expect(body).toContain('mulgil_http_refused_logins_total{reason="limited"} 1');
    expect(body).toContain('mulgil_http_refused_logins_total{reason="missing"} 1');
  });
});

describe("where it may listen", () => {
  const everywhere = (host: string, http: HttpOptions = {}) => assertProtected({ host, port: 8080 }, http);

  it("is not open to others unless that is said", () => {
    for (const host of ["0.0.0.0", "::", "[::]", "10.0.0.1", "worker-1", "::ffff:10.0.0.1", "localhost.example"])
      expect(() => everywhere(host), host).toThrow(expect.objectContaining({ code: "LISTEN_UNPROTECTED" }));
    for (const host of ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"]) everywhere(host);
    everywhere("0.0.0.0", { isOpen: true });
    everywhere("0.0.0.0", { tokensFile: "tokens" });
    everywhere("0.0.0.0", { oidc: { issuer: "https://provider.example", audience: "mulgil" } });
  });

  it("lets everybody look, and nobody change anything, where it was opened", async () => {
    const { app: open } = await app({ isOpen: true }, { host: "0.0.0.0", port: 0 });
    expect(await statusOf(open, "GET", "/status", { host: "worker-1.example" })).toBe(200);
    expect(await statusOf(open, "POST", "/operate")).toBe(401);
  });
});

describe("what it answers", () => {
  it("has headers that keep browsers from doing anything with it, and none that let other origins in", async () => {
    const { app: open } = await app();
    for (const url of ["/status", "/nowhere", "/healthz"]) {
      const { headers } = await ask(open, "GET", url, { origin: "https://elsewhere.example" });
      expect(headers).toMatchObject({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
    expect((await ask(open, "OPTIONS", "/status", { origin: "https://elsewhere.example" })).status).toBe(405);
  });

  it("does not tell what broke inside", async () => {
    const { app: open } = await app();
    const { status, body } = await ask(open, "GET", "/broken");
    expect({ status, code: JSON.parse(body).error.code }).toEqual({ status: 500, code: "HTTP_FAILED" });
    expect(body).not.toMatch(/secret|stack|at /);
  });

  it("says what is wrong with a request", async () => {
    const { app: open } = await app();
    const errorOf = async (url: string) => JSON.parse((await ask(open, "GET", url)).body).error;
    expect(await errorOf("/none")).toEqual({ code: "HTTP_NOT_FOUND", message: "there is no such thing" });
    expect(await errorOf("/things/none")).toMatchObject({
      code: "HTTP_BAD_REQUEST",
      message: expect.stringContaining("thing"),
    });
    expect(await errorOf("/things/1?limt=2")).toMatchObject({ code: "HTTP_BAD_REQUEST" });
    expect(await errorOf("/%ff")).toMatchObject({ code: "HTTP_BAD_REQUEST" });
    const answer = await open.inject({
      ...{ method: "POST", url: "/operate", payload: "x".repeat(100_000) },
      headers: { "content-type": "application/json", host: "127.0.0.1" },
    });
    // Who it is comes before what is in it.
    expect(answer.statusCode).toBe(401);
  });

  it("takes no body that is larger than anybody needs", async () => {
    const { app: guarded } = await app({ tokensFile: tokensFile() });
    const headers = { ...bearer(TOKENS.admin), "content-type": "application/json" };
    const answer = await guarded.inject({
      method: "POST",
      url: "/operate",
      headers,
      payload: `"${"x".repeat(70_000)}"`,
    });
    expect(answer.statusCode).toBe(413);
    expect(answer.json()).toMatchObject({ error: { code: "HTTP_TOO_LARGE" } });
  });

  it("ends a connection on which a request comes byte by byte", async () => {
    const { app: open } = await app();
    expect(open.server.headersTimeout).toBeLessThanOrEqual(10_000);
    expect(open.server.requestTimeout).toBeLessThanOrEqual(10_000);
    open.server.headersTimeout = 100;
    await open.listen({ host: "127.0.0.1", port: 0 });
    const socket = connect((open.server.address() as AddressInfo).port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.write("GET /healthz HTTP/1.1\r\nhost: loc");
    let answer = "";
    socket.on("data", (bytes) => {
      answer += bytes;
    });
    await once(socket, "close");
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("refuses a route that does not say who may call it", async () => {
    const clock = new ManualClock(0);
    const access = await Access.open({ listen: LOOPBACK, http: {}, clock, onRefused: () => undefined });
    const open: WorkerRoutes = (to) => void to.get("/open", () => "open");
    const creating = createWorkerApp([open], {} as WorkerContext, { access, tls: undefined });
    await expect(creating).rejects.toMatchObject({ code: "HTTP_ROUTE_OPEN" });
  });
});
