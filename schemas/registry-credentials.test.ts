import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { openConfluentRegistry } from "./confluent-registry.ts";

const auth = { username: "me", password: "top-secret" };
const basic = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");

describe("the credentials of a schema registry", () => {
  let server: Server | undefined;
  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  });

  async function serve(status: number, seen: (string | undefined)[]): Promise<string> {
    server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(status, { "content-type": "application/json" }).end('["a-value"]');
    });
    const listening = server;
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  }

  it("go with every request", async () => {
    const seen: (string | undefined)[] = [];
    const registry = await openConfluentRegistry({ url: await serve(200, seen), auth });
    expect(await registry.subjects()).toEqual(["a-value"]);
    expect(seen).toEqual([`Basic ${basic}`]);
  });

  it("are asked for with every request, where they can change", async () => {
    const seen: (string | undefined)[] = [];
    const passwords = ["old", "new"];
    const password = async () => passwords.shift() ?? Promise.reject(new Error("the file is gone"));
    const registry = await openConfluentRegistry({ url: await serve(200, seen), auth: { username: "me", password } });
    await registry.subjects();
    await registry.subjects();
    expect(seen.map((each) => Buffer.from(each!.slice("Basic ".length), "base64").toString())).toEqual([
      "me:old",
      "me:new",
    ]);
    await expect(registry.subjects()).rejects.toMatchObject({
      code: "REGISTRY_NOT_AUTHORIZED",
      message: expect.stringContaining("its password cannot be read: the file is gone; check user and password"),
    });
  });

  it.each([
    [401, "REGISTRY_NOT_AUTHORIZED"],
    [422, "SCHEMA_INVALID"],
    [500, "REGISTRY_UNREACHABLE"],
  ])("are in no error, however closely it is looked at: %i", async (status, code) => {
    const registry = await openConfluentRegistry({ url: await serve(status, []), auth });
    const error: unknown = await registry.subjects().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    const shown = inspect(error, { depth: Infinity, showHidden: true });
    expect(shown).not.toContain(auth.password);
    expect(shown).not.toContain(basic);
  });

  it("are in no error of a registry that is not there", async () => {
    const url = await serve(200, []);
    await new Promise((resolve) => server!.close(resolve));
    const registry = await openConfluentRegistry({ url, auth });
    const error: unknown = await registry.subjects().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    const shown = inspect(error, { depth: Infinity, showHidden: true });
    expect(shown).not.toContain(auth.password);
    expect(shown).not.toContain(basic);
  });
});
