import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { mulgil, startMulgil, temporaryFolder } from "./support/mulgil.ts";

const EVENT = {
  ...{ type: "record", name: "Event", topic: "events", key: "id", partitions: 2 },
  fields: [{ name: "id", type: "string" }],
};

const JOB = `
  import { count, defineJob, TerminalError, type Schema, topic } from "mulgil";
  const event = { avro: ${JSON.stringify(EVENT)} } as Schema<{ readonly id: string }>;
  const totals = { avro: { type: "record", name: "Total", fields: [{ name: "events", type: "long" }] } } as Schema<{ events: number }>;
  export default defineJob({
    name: "totals",
    version: 3,
    flow(from) {
      from(topic("events", { value: event, key: "id" }))
        .filter(({ id }) => {
          if (id === "bad") throw new TerminalError("this one is bad", { code: "EVENT_BAD" });
          return true;
        })
        .aggregate("totals", { events: count() })
        .to(topic("totals", { value: totals, keyType: "string" }));
    },
  });
`;

const TOKENS = { viewer: "the-token-of-a-viewer", operator: "the-token-of-an-operator" };

async function project() {
  const cwd = temporaryFolder({ "event.avsc": JSON.stringify(EVENT), "job.ts": JOB });
  const secret = (name: string, text: string): string => {
    const file = path.join(cwd, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const tokens = secret("tokens", `viewer:${TOKENS.viewer}\noperator:${TOKENS.operator}\n`);
  const env = { MULGIL_DATA_DIR: "data" };
  const stdin = ["a", "b", "c", "bad"].map((id) => JSON.stringify({ id })).join("\n");
  const written = await mulgil(["write", "events", "-f", "-", "--schemas", "."], { cwd, env, stdin });
  expect(written).toMatchObject({ code: 0 });
  const view = async (more: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await mulgil(["status", "-o", "json"], { cwd, env: { ...env, ...more } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout)[0];
  };
  return {
    ...{ cwd, env, tokens, secret, view },
    start: (args: readonly string[] = [], more: Record<string, string> = {}) =>
      startMulgil(["run", "job.ts", ...args], { cwd, env: { ...env, ...more } }),
    /** Of the process that runs, once it has its tasks. */
    async address(): Promise<string> {
      const addressNow = async () => (await view().catch(() => undefined))?.workers[0]?.address ?? "";
      await expect.poll(addressNow, { timeout: 60_000 }).toMatch(/^https?:/);
      return await addressNow();
    },
  };
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/** Of a series, in Prometheus' text format. */
const metricValue = (text: string, series: string): number | undefined => {
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length));
};

describe("the HTTP interface of mulgil run", { timeout: 120_000 }, () => {
  it("tells whether it is healthy and ready, and Prometheus what it has done", async () => {
    const { start, address } = await project();
    const running = start();
    const url = await address();
    const get = async (at: string) => await fetch(`${url}${at}`);
    await expect.poll(async () => (await get("/readyz")).status).toBe(200);
    expect(await (await get("/healthz")).text()).toBe("ok\n");
    const metrics = async () => await (await get("/metrics")).text();
    await expect.poll(async () => metricValue(await metrics(), 'mulgil_records_produced_total{job="totals"}')).toBe(4);
    const text = await metrics();
    expect((await get("/metrics")).headers.get("content-type")).toContain("text/plain; version=0.0.4");
    const values = {
      'mulgil_records_consumed_total{job="totals"}': 4,
      'mulgil_tasks{job="totals",status="running"}': 2,
      'mulgil_members{job="totals",status="assigned"}': 1,
      'mulgil_rebalances_total{job="totals"}': 1,
      mulgil_ready: 1,
    };
    for (const [series, value] of Object.entries(values)) expect(metricValue(text, series), series).toBe(value);
    expect(text).toMatch(/^mulgil_dead_letters_total\{job="totals",step="[^"]+",code="EVENT_BAD"\} 1$/m);
    for (const partition of [0, 1]) {
      const input = `{job="totals",task="events_${partition}",topic="events",partition="${partition}"}`;
      expect(metricValue(text, `mulgil_consumer_lag_records${input}`)).toBe(0);
      expect(metricValue(text, `mulgil_consumer_lag_seconds${input}`)).toBe(0);
    }
    const commits = metricValue(text, 'mulgil_commits_total{job="totals"}')!;
    expect(commits).toBeGreaterThan(0);
    expect(metricValue(text, 'mulgil_commit_duration_seconds_count{job="totals"}')).toBe(commits);
    expect(metricValue(text, 'mulgil_commit_duration_seconds_bucket{job="totals",le="+Inf"}')).toBe(commits);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m);
    const bytes = async () =>
      metricValue(await metrics(), 'mulgil_state_bytes{job="totals",task="events_0",store="totals"}') ?? 0;
    await expect.poll(bytes).toBeGreaterThan(0);
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("describes itself", async () => {
    const { start, address } = await project();
    start();
    const url = await address();
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as Document;
    expect(document).toMatchObject({
      openapi: "3.1.0",
      info: { title: expect.any(String), version: expect.any(String) },
    });
    for (const [at, methods] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        expect(operation.summary, `${method} ${at}`).toMatch(/\w/);
        expect(Object.keys(operation.responses).length, `${method} ${at}`).toBeGreaterThan(0);
        for (const { description } of Object.values(operation.responses)) expect(description).toMatch(/\w/);
        const parameters = [...at.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        const described = (operation.parameters ?? []).filter((each) => each.in === "path").map(({ name }) => name);
        expect(described.sort(), at).toEqual(parameters.sort());
        if (method === "get" && parameters.length === 0 && !at.includes("{")) {
          const { status } = await fetch(`${url}${at}`);
          expect(Object.keys(operation.responses), `${at} answered ${status}`).toContain(String(status));
        }
      }
    }
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(["/status", "/healthz", "/readyz", "/metrics", "/openapi.json"]),
    );
  });

  it("asks for a token where there are some, and status shows its own", async () => {
    const { start, address, tokens, secret, view } = await project();
    start(["--http-tokens", tokens, "--metrics-auth"]);
    const url = await address();
    for (const at of ["/status", "/openapi.json", "/metrics"]) {
      expect((await fetch(`${url}${at}`)).status).toBe(401);
      expect((await fetch(`${url}${at}`, bearer("the-token-of-nobody"))).status).toBe(401);
      expect((await fetch(`${url}${at}`, bearer(TOKENS.viewer))).status).toBe(200);
    }
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const without = (await view()).workers[0];
    expect(without).toMatchObject({ answers: false, problem: expect.stringContaining("MULGIL_HTTP_TOKEN_FILE") });
    const tokenFile = secret("own-token", `${TOKENS.viewer}\n`);
    expect((await view({ MULGIL_HTTP_TOKEN_FILE: tokenFile })).workers[0]).toMatchObject({ answers: true });
  });

  it("obeys a token that was taken out, or put in, while it runs", async () => {
    const { start, address, tokens } = await project();
    start([], { MULGIL_HTTP_TOKENS: tokens });
    const url = await address();
    const statusWith = async (token: string) => (await fetch(`${url}/status`, bearer(token))).status;
    expect(await statusWith(TOKENS.viewer)).toBe(200);
    writeFileSync(tokens, "viewer:the-token-of-another\n");
    await expect.poll(() => statusWith("the-token-of-another")).toBe(200);
    expect(await statusWith(TOKENS.viewer)).toBe(401);
  });

  it("is not started where others could reach it and nobody is asked who he is", async () => {
    const { start } = await project();
    const { code, stdout, stderr } = await start(["--listen", "0.0.0.0:0"]).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("[LISTEN_UNPROTECTED]");
    expect(stderr).toContain("--http-tokens");
  });

  it("starts there with tokens, or when it is told to", async () => {
    const { start, tokens, address } = await project();
    const guarded = start(["--listen", "0.0.0.0:0", "--http-tokens", tokens]);
    const { port } = new URL(await address());
    expect((await fetch(`http://127.0.0.1:${port}/status`)).status).toBe(401);
    guarded.process.kill("SIGTERM");
    await guarded.ended;
    const open = start(["--until-idle"], { MULGIL_HTTP_LISTEN: "0.0.0.0:0", MULGIL_HTTP_INSECURE_LISTEN: "1" });
    expect(await open.ended).toMatchObject({ code: 0 });
  });

  it("says what is wrong with its options, and shows no secret", async () => {
    const { start, tokens } = await project();
    const errorOf = async (...args: readonly string[]) => {
      const { code, stderr } = await start(args).ended;
      expect(code).not.toBe(0);
      expect(stderr).not.toContain("the-token");
      return stderr;
    };
    expect(await errorOf("--oidc-issuer", "https://provider.example")).toContain("[HTTP_OPTIONS]");
    expect(await errorOf("--oidc-issuer", "http://provider.example", "--oidc-audience", "m")).toContain("[HTTP_OIDC]");
    expect(await errorOf("--oidc-roles", "root=me")).toContain("Write role=name");
    expect(await errorOf("--http-cert", tokens)).toContain("[HTTP_OPTIONS]");
    expect(await errorOf("--http-cert", tokens, "--http-key", tokens)).toContain("[HTTP_TLS]");
    expect(await errorOf("--http-tokens", "nowhere")).toContain("[HTTP_TOKENS]");
    chmodSync(tokens, 0o644);
    expect(await errorOf("--http-tokens", tokens)).toContain("chmod 600");
  });

  it("says that the file with its own token cannot be used", async () => {
    const { cwd, env, start, address } = await project();
    start();
    await address();
    const { code, stderr } = await mulgil(["status"], { cwd, env: { ...env, MULGIL_HTTP_TOKEN_FILE: "nowhere" } });
    expect(code).toBe(1);
    expect(stderr).toContain("[HTTP_TOKEN_FILE]");
  });
});

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}
