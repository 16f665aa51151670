import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../runtime/testing/manual-clock.ts";
import { standardBehaviour } from "../../scripts/institutions/behaviour.ts";
import { institutionsOf } from "../../scripts/institutions/institutions-of.ts";
import { startInstitutions } from "../../scripts/institutions/start-institutions.ts";
import { bank, type Caller, startCaller } from "./support.ts";

const ACCOUNTS = "/v1/bank/accounts";

interface AdminReply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the fields of an answer depend on what was asked for
  readonly body: any;
}

async function admin(caller: Caller, path: string, method = "GET", body?: object): Promise<AdminReply> {
  const response = await fetch(`${caller.institutions.address}/_admin/institutions${path}`, {
    method,
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

describe("over HTTP", () => {
  it("lists the institutions with what they do and what they have counted", async () => {
    const caller = await startCaller([bank({ cursors: "looping" }), { id: "card-01", industry: "card" }]);
    await caller.consent("bank-01");
    const { body } = await admin(caller, "");
    expect(body.map(({ id, industry, url }: Record<string, string>) => [id, industry, url])).toEqual([
      ["bank-01", "bank", caller.institutions.url("bank-01")],
      ["card-01", "card", caller.institutions.url("card-01")],
    ]);
    expect(body[0].behaviour).toEqual({ ...standardBehaviour, cursors: "looping" });
    expect(body[0].stats).toMatchObject({ requests: 1, answersByCode: { "00000": 1 } });
    expect((await admin(caller, "/card-01")).body).toEqual(body[1]);
  });

  it("changes fields of a behaviour, or all of it", async () => {
    const caller = await startCaller();
    expect((await admin(caller, "/bank-01/behaviour", "PATCH", { outage: { kind: "unavailable" } })).status).toBe(200);
    expect((await admin(caller, "/bank-01/behaviour", "PATCH", { pageItemsMax: 7 })).body.outage).toEqual({
      kind: "unavailable",
    });
    expect((await caller.call("bank-01", ACCOUNTS)).status).toBe(503);
    await admin(caller, "/bank-01/behaviour", "PUT", { cursors: "duplicated" });
    expect(caller.institutions.behaviour("bank-01")).toEqual({ ...standardBehaviour, cursors: "duplicated" });
    expect((await caller.call("bank-01", ACCOUNTS)).code).toBe("40101");
  });

  it("names the field that is wrong, and changes nothing", async () => {
    const caller = await startCaller();
    const { status, body } = await admin(caller, "/bank-01/behaviour", "PATCH", { pageItemsMax: 7, cursors: "round" });
    expect(status).toBe(400);
    expect(body.error).toBe('behaviour.cursors must be one of correct, looping, duplicated, not "round"');
    expect(caller.institutions.behaviour("bank-01")).toEqual(standardBehaviour);
    expect((await admin(caller, "/bank-01/behaviour", "PATCH")).status).toBe(400);
    expect((await admin(caller, "/bank-09")).body.error).toBe("there is no bank-09; there are bank-01");
  });

  it("revokes tokens, withdraws consents, and lists deliveries", async () => {
    const caller = await startCaller();
    const { access: token, refresh } = await caller.consent("bank-01");
    const codeOf = async (access: string) => (await caller.call("bank-01", ACCOUNTS, { token: access })).code;
    expect(await codeOf(token)).toBe("00000");
    expect((await admin(caller, "/bank-01/deliveries")).body).toMatchObject([{ customer: "customer-1" }]);
    await admin(caller, "/bank-01/customers/customer-1/revoke-tokens", "POST");
    expect(await codeOf(token)).toBe("40101");
    const { body } = await caller.call("bank-01", "/oauth/2.0/token", {
      body: { grant_type: "refresh_token", refresh_token: refresh },
    });
    expect(await codeOf(body.access_token)).toBe("00000");
    await admin(caller, "/bank-01/customers/customer-1/withdraw-consent", "POST");
    expect(await codeOf(body.access_token)).toBe("40106");
  });
});

describe("as a library", () => {
  it("refuses definitions that are wrong", async () => {
    const start = (institutions: Parameters<typeof startInstitutions>[0]["institutions"]) =>
      startInstitutions({ clock: new ManualClock(), seed: 7, institutions });
    await expect(start([bank(), bank()])).rejects.toThrow("there are two institutions bank-01");
    await expect(start([{ id: "a/b", industry: "bank" }])).rejects.toThrow('"a/b" is no id of an institution');
    await expect(start([{ id: "x", industry: "farm" as "bank" }])).rejects.toThrow(
      "the industry of x must be one of bank, card, insu, not farm",
    );
    await expect(start([bank({ pageItemsMax: 0 })])).rejects.toThrow(
      "behaviour of bank-01.pageItemsMax must be a whole number from 1 to 500, not 0",
    );
  });

  it("makes institutions of all industries in turn", () => {
    expect(institutionsOf(5).map(({ id }) => id)).toEqual(["bank-01", "card-01", "insu-01", "bank-02", "card-02"]);
  });
});

describe("as a command", () => {
  it("says where the institutions are, serves them, and ends with Ctrl-C", async () => {
    const script = new URL("../../scripts/institutions/serve.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--conditions=mulgil-source", script, "--count", "3", "--seed", "9"]);
    const exited = once(child, "exit");
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    try {
      await expect.poll(() => output).toContain("Ctrl-C ends them.");
      const address = /3 institutions at (\S+):/.exec(output)![1];
      const listed = (await (await fetch(`${address}/_admin/institutions`)).json()) as readonly { id: string }[];
      expect(listed.map(({ id }) => id)).toEqual(["bank-01", "card-01", "insu-01"]);
      const change = /curl -X PATCH (\S+) -d '(.*silent.*)'/.exec(output)!;
      expect((await fetch(change[1]!, { method: "PATCH", body: change[2]! })).status).toBe(200);
      child.kill("SIGINT");
      expect(await exited).toEqual([0, null]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("refuses a count that is none", async () => {
    const script = new URL("../../scripts/institutions/serve.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--conditions=mulgil-source", script, "--count", "none"]);
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    expect((await once(child, "close"))[0]).toBe(1);
    expect(errors).toContain("a whole number from 1 to 200.");
  });
});
