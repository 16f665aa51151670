import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { workerClient } from "./worker-client.ts";

async function serverWith(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answering = (status: number, body: string, headers = {}) =>
  serverWith((_request, response) => response.writeHead(status, headers).end(body));

function tokenFile(mode = 0o600): string {
  const folder = mkdtempSync(path.join(tmpdir(), "mulgil-token-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "token");
  writeFileSync(file, "the-token-of-a-viewer\n");
  chmodSync(file, mode);
  return file;
}

describe("workerClient", () => {
  it("shows the token of the file, and sends and takes JSON", async () => {
    const address = await serverWith(async (request, response) => {
      const body = await Array.fromAsync(request);
      const { method, url, headers } = request;
      response.end(JSON.stringify({ method, url, token: headers.authorization, body: Buffer.concat(body).toString() }));
    });
    const client = await workerClient(tokenFile());
    const token = "Bearer the-token-of-a-viewer";
    expect(await client.get(address, "/a?b=1")).toEqual({ method: "GET", url: "/a?b=1", token, body: "" });
    expect(await client.post(address, "/c", { d: 1 })).toEqual({ method: "POST", url: "/c", token, body: '{"d":1}' });
    expect(await (await workerClient(undefined)).get(address, "/")).not.toHaveProperty("token");
  });

  it.each([
    [401, "WORKER_UNAUTHENTICATED", /why not; name a file with your token in MULGIL_HTTP_TOKEN_FILE/],
    [403, "WORKER_FORBIDDEN", /does not allow this: why not/],
    [404, "WORKER_REFUSED", /: why not$/],
  ])("says what a %d means", async (status, code, message) => {
    const address = await answering(status, JSON.stringify({ error: { code: "X", message: "why not" } }));
    await expect((await workerClient(undefined)).get(address, "/")).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it("takes no page of another program for an answer, and follows it nowhere", async () => {
    const client = await workerClient(tokenFile());
    const page = await answering(200, "<html>");
    await expect(client.get(page, "/")).rejects.toMatchObject({ code: "WORKER_REFUSED" });
    const asked: unknown[] = [];
    const elsewhere = await serverWith((request, response) => {
      asked.push(request.headers);
      response.end("{}");
    });
    const leading = await answering(302, "", { location: elsewhere });
    await expect(client.get(leading, "/")).rejects.toMatchObject({ code: "WORKER_UNREACHABLE" });
    expect(asked).toEqual([]);
  });

  it("does not wait for ever, and says that nobody is there", async () => {
    const client = await workerClient(undefined);
    const silent = await serverWith(() => undefined);
    await expect(client.get(silent, "/", { timeoutMs: 50 })).rejects.toMatchObject({ code: "WORKER_SILENT" });
    await expect(client.get("http://127.0.0.1:1", "/")).rejects.toMatchObject({ code: "WORKER_UNREACHABLE" });
  });

  it("uses no token that others can read, and none that is not there", async () => {
    const file = tokenFile(0o604);
    await expect(workerClient(file)).rejects.toMatchObject({
      code: "HTTP_TOKEN_FILE",
      message: expect.not.stringContaining("the-token"),
    });
    await expect(workerClient(`${file}-not`)).rejects.toMatchObject({ code: "HTTP_TOKEN_FILE" });
  });
});
