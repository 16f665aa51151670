import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { MemberStatus } from "../worker/member-status.ts";
import { CERTIFICATE, KEY } from "./http/access/certificate.fixture.ts";
import { advertised, type ListenAddress, serveWorker } from "./worker-server.ts";

const LOOPBACK: ListenAddress = { host: "127.0.0.1", port: 0 };
const SELF = { host: "here", pid: 42 };

async function serve(listen = LOOPBACK) {
  const server = await serveWorker(listen, SELF);
  onTestFinished(() => server.close());
  return server;
}

const member = (change: Partial<MemberStatus> = {}): MemberStatus => ({
  ...{ job: "totals", worker: "totals-0", memberId: "m", isAssigned: true, activity: "running" },
  tasks: [{ task: "events_0", status: "running", restoring: undefined }],
  ...change,
});

describe("serveWorker", () => {
  it("tells what it is shown", async () => {
    const server = await serve();
    const { address } = server.identity;
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const report = async () => (await fetch(`${address}/status`)).json();
    expect(await report()).toEqual({ process: { ...SELF, address }, members: [] });
    server.show(() => [member()]);
    expect(await report()).toEqual({
      process: { ...SELF, address },
      members: [JSON.parse(JSON.stringify(member()))],
    });
  });

  it("is healthy at once, and ready when all members have their tasks and all of them run", async () => {
    const server = await serve();
    const codeOf = async (path: string) => (await fetch(`${server.identity.address}${path}`)).status;
    const readyWith = async (...members: readonly MemberStatus[]) => {
      server.show(() => members);
      return await codeOf("/readyz");
    };
    expect([await codeOf("/healthz"), await codeOf("/readyz")]).toEqual([200, 503]);
    expect(await readyWith(member(), member({ tasks: [] }))).toBe(200);
    expect(await readyWith(member(), member({ isAssigned: false, tasks: [] }))).toBe(503);
    const restoring = { done: 1, total: 2, recordsPerSecond: 1, timeLeftMs: 1 };
    expect(await readyWith(member({ tasks: [{ task: "a_0", status: "restoring", restoring }] }))).toBe(503);
    expect(await readyWith(member({ tasks: [{ task: "a_0", status: "starting", restoring: undefined }] }))).toBe(503);
    expect(await codeOf("/healthz")).toBe(200);
  });

  it("only answers GET, on three paths", async () => {
    const { address } = (await serve()).identity;
    expect((await fetch(`${address}/status`, { method: "POST" })).status).toBe(405);
    expect((await fetch(`${address}/else`)).status).toBe(404);
  });

  it("gives the name of the machine as its address where it listens everywhere", () => {
    expect(advertised({ host: "0.0.0.0", port: 80 }, "here")).toBe("http://here:80");
    expect(advertised({ host: "[::]", port: 80 }, "here")).toBe("http://here:80");
    expect(advertised({ host: "[::1]", port: 80 }, "here")).toBe("http://[::1]:80");
  });

  it("says that a port is taken", async () => {
    const { port } = new URL((await serve()).identity.address);
    await expect(serve({ host: "127.0.0.1", port: Number(port) })).rejects.toMatchObject({ code: "LISTEN_FAILED" });
  });

  it("speaks HTTPS with the certificate and the key that it is given", async () => {
    const { certFile, keyFile } = certificateFiles();
    const tls = { certFile, keyFile };
    const server = await serveWorker(LOOPBACK, SELF, { tls });
    onTestFinished(() => server.close());
    const { address } = server.identity;
    expect(address).toMatch(/^https:/);
    const status = await new Promise((resolve, reject) => {
      get(`${address}/healthz`, { ca: CERTIFICATE }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).once("error", reject);
    });
    expect(status).toBe(200);
    await expect(fetch(`http://${new URL(address).host}/healthz`)).rejects.toThrow();
  });

  it("does not start with a key that is none, or that others can read", async () => {
    const { certFile, keyFile } = certificateFiles();
    const start = (tls: { certFile: string; keyFile: string }) => serveWorker(LOOPBACK, SELF, { tls });
    await expect(start({ certFile, keyFile: certFile })).rejects.toMatchObject({ code: "HTTP_TLS" });
    const open = certificateFiles(0o604);
    await expect(start(open)).rejects.toMatchObject({ code: "HTTP_TLS", message: expect.stringContaining("chmod") });
    await expect(start({ certFile: "nowhere", keyFile })).rejects.toMatchObject({ code: "HTTP_TLS" });
  });
});

function certificateFiles(mode = 0o600) {
  const folder = mkdtempSync(path.join(tmpdir(), "mulgil-tls-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [certFile, keyFile] = [path.join(folder, "cert.pem"), path.join(folder, "key.pem")];
  writeFileSync(certFile, CERTIFICATE, { mode: 0o600 });
  writeFileSync(keyFile, KEY, { mode });
  return { certFile, keyFile };
}
