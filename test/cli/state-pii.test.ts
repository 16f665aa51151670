import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { openDataDirectory } from "../../runtime/log/embedded/data-directory.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { PLANS, readPlans } from "../../runtime/worker/remembered-plans.ts";
import { withLog } from "../../scripts/environment/open-log.ts";
import { levelDisk } from "../../state/level-disk.ts";
import { mulgil, objectsIn, type RunningCommand, startMulgil, temporaryFolder } from "./support/mulgil.ts";

interface Entry {
  readonly task: string;
  readonly key: string;
  readonly entryKey?: string;
  readonly value: unknown;
  readonly masked?: readonly string[];
}

interface Audited {
  readonly action: string;
  readonly target: string;
  readonly by: string;
  readonly why: string;
}

/** A page, of which there is a next one. */
interface Answer {
  readonly entries: readonly [Entry, Entry, Entry];
  readonly tasks: readonly [{ readonly task: string; readonly after: string }];
}

interface OpenApi {
  readonly paths: Readonly<
    Record<string, { readonly get: { readonly parameters: readonly { readonly name: string }[] } }>
  >;
}

const MASKED = "***masked***";
const HASH = /^\*\*\*[0-9a-f]{16}\*\*\*$/;
const PHONES = Array.from({ length: 12 }, (_, at) => `010-1234-56${String(at).padStart(2, "0")}`);
const NOTE = "allergic to nuts";

const visitSchema = (isTagged: boolean) =>
  JSON.stringify({
    ...{ type: "record", name: "Visit", topic: "visits", key: "phone", eventTime: "at", partitions: 2 },
    fields: [
      { name: "phone", type: "string", ...(isTagged && { pii: "hash" }) },
      { name: "note", type: ["null", "string"], default: null, ...(isTagged && { pii: "mask" }) },
      { name: "shop", type: "string" },
      { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
    ],
  });

const jobSource = (isTagged: boolean) => `
  import { count, defineJob, last, mapStore, type Schema, topic, valueStore } from "mulgil";
  interface Visit { readonly phone: string; readonly note: string | null; readonly shop: string; readonly at: number }
  const visit = { avro: ${visitSchema(isTagged)} } as Schema<Visit>;
  const visits = topic("visits", { value: visit, key: "phone", eventTime: "at" });
  const text = { avro: "string" } as Schema<string>;
  export default defineJob({
    name: "shop",
    version: 1,
    commitEvery: "100 ms",
    flow(from) {
      const all = from(visits);
      all.aggregate("people", { visits: count(), note: last((v) => v.note ?? "", text) });
      all.keyBy((v) => v.shop).aggregate("shops", { visits: count() });
      all.reduce("latest", (_before, v) => v);
      all.process("seen", {
        stores: { shops: mapStore("string", visit), last: valueStore(text) },
        onRecord(v, { stores }) {
          stores.shops.set(v.shop, v);
          stores.last.set(v.phone);
        },
      });
    },
  });
`;

const ROWS = PHONES.map((phone, at) =>
  JSON.stringify({ phone, note: NOTE, shop: at % 2 === 0 ? "books" : "bakery", at: Date.UTC(2026, 2, 1) + at }),
);

/** A project with visits, and what is asked of its job's state. */
async function project({ isTagged = true, hasKey = true } = {}) {
  const cwd = temporaryFolder({
    ...{ "visit.avsc": visitSchema(isTagged), "job.ts": jobSource(isTagged) },
    key: "0123456789abcdef0123456789abcdef\n",
  });
  const env = { MULGIL_DATA_DIR: "data", ...(hasKey && { MULGIL_PII_KEY_FILE: "key" }) };
  const run = (...args: readonly string[]) => mulgil(args, { cwd, env });
  const write = async (rows: readonly string[]) => {
    const args = ["write", "visits", "-f", "-", "--schemas", "."];
    expect(await mulgil(args, { cwd, env, stdin: rows.join("\n") })).toMatchObject({ code: 0 });
  };
  await write(ROWS);
  const scan = async (store: string, ...args: readonly string[]): Promise<readonly Entry[]> => {
    const { code, stdout, stderr } = await run("state", "scan", "shop", store, "--all", "-o", "ndjson", ...args);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return objectsIn<Entry>(stdout);
  };
  const get = async (...args: readonly string[]): Promise<readonly Entry[]> => {
    const { code, stdout, stderr } = await run("state", "get", "shop", ...args, "-o", "json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout).entries;
  };
  const start = async (): Promise<RunningCommand> => {
    const running = startMulgil(["run", "job.ts"], { cwd, env });
    const status = async () => JSON.parse((await run("status", "-o", "json")).stdout)[0];
    const isThere = expect.poll(status, { timeout: 60_000 }).toMatchObject({ status: "running", lag: 0 });
    await Promise.race([isThere, running.ended.then(({ stderr }) => Promise.reject(new Error(stderr)))]);
    await expect.poll(async () => (await scan("shops")).length, { timeout: 60_000 }).toBe(2);
    return running;
  };
  const audit = async (): Promise<readonly Audited[]> => JSON.parse((await run("audit", "-o", "json")).stdout);
  const runToEnd = async () => expect(await run("run", "job.ts", "--until-idle")).toMatchObject({ code: 0 });
  return { cwd, run, write, scan, get, start, audit, runToEnd };
}

/** No text that is tagged may be anywhere, in whatever form. */
function expectNothingPersonal(shown: unknown): void {
  const text = JSON.stringify(shown);
  for (const secret of [...PHONES, NOTE]) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(Buffer.from(secret).toString("base64").slice(0, 10));
  }
}

/** The same from workers and from changelogs. */
async function expectMasked({ run, scan, get }: Awaited<ReturnType<typeof project>>, ...args: readonly string[]) {
  const people = await scan("people", ...args);
  const latest = await scan("latest", ...args);
  const seen = await scan("seen.shops", ...args);
  const last = await scan("seen.last", ...args);
  expectNothingPersonal([people, latest, seen, last]);
  expect(people).toHaveLength(12);
  for (const { key, value, masked } of people) {
    expect(key).toMatch(HASH);
    expect({ value, masked }).toEqual({ value: MASKED, masked: ["key", "value"] });
  }
  const keys = people.map(({ key }) => key).toSorted();
  expect(new Set(keys).size).toBe(12);
  for (const entries of [latest, seen, last]) expect(entries.map(({ key }) => key).toSorted()).toEqual(keys);
  for (const { key, value, masked } of latest) {
    expect(value).toMatchObject({ phone: key, note: MASKED, shop: expect.stringMatching(/^b/) });
    expect(masked).toEqual(["key", "value.phone", "value.note"]);
  }
  expect(seen[0]).toMatchObject({ entryKey: MASKED, masked: ["key", "entryKey", "value.phone", "value.note"] });
  expect(last[0]).toMatchObject({ value: MASKED, masked: ["key", "value"] });
  const shops = (await scan("shops", ...args)).map(({ key, value }) => ({ key, value }));
  expect(shops.toSorted((left, right) => (left.key < right.key ? -1 : 1))).toEqual([
    { key: "bakery", value: MASKED },
    { key: "books", value: MASKED },
  ]);
  // Who may try out beginnings reads a key letter by letter.
  expect(await run("state", "scan", "shop", "people", "--prefix", "010", ...args)).toMatchObject({
    ...{ code: 1, stdout: "", stderr: expect.stringContaining("[STATE_QUERY]") },
  });
  expect(await scan("shops", "--prefix", "bo", ...args)).toHaveLength(1);
  const [found] = await get("latest", PHONES[3]!, ...args);
  expect(found).toMatchObject({ key: PHONES[3], value: { note: MASKED }, masked: ["value.phone", "value.note"] });
}

async function expectRevealed({ scan, get }: Awaited<ReturnType<typeof project>>, ...args: readonly string[]) {
  const people = await scan("people", "--reveal", "--why", "complaint 4711", ...args);
  expect(people.map(({ key }) => key).toSorted()).toEqual(PHONES);
  for (const { value, masked } of people) expect({ value, masked }).toEqual({ value: { visits: 1, note: NOTE } });
  const beginning = ["--prefix", "010-1234-560", "--reveal", "--why", "complaint 4711"];
  expect(await scan("people", ...beginning, ...args)).toHaveLength(10);
  expect(await get("latest", PHONES[3]!, "--reveal", "--why", "he asked", ...args)).toMatchObject([
    { key: PHONES[3], value: { phone: PHONES[3], note: NOTE, shop: "bakery" } },
  ]);
}

describe("personal data in state", { timeout: 180_000 }, () => {
  it("is hidden in what workers show, and shown to who says why, once that is in the audit trail", async () => {
    const shop = await project();
    await shop.start();
    await expectMasked(shop);
    expect(await shop.audit()).toEqual([]);
    await expectRevealed(shop);
    const by = expect.stringMatching(/^owner of the data directory \(says: .+@.+\)$/);
    expect(await shop.audit()).toMatchObject([
      { action: "reveal", target: "job shop, store people", why: "complaint 4711", by },
      { action: "reveal", target: "job shop, store latest", why: "he asked", by },
    ]);
    for (const command of [
      ["scan", "shop", "people"],
      ["get", "shop", "people", PHONES[0]!],
      ["verify", "shop"],
    ]) {
      expect(await shop.run("state", ...command, "--reveal")).toMatchObject({
        ...{ code: 1, stdout: "" },
        stderr: expect.stringContaining("CHANGE_REASON_MISSING"),
      });
    }
    expect(await shop.audit()).toHaveLength(2);
    const { stdout: table } = await shop.run("state", "scan", "shop", "latest");
    expectNothingPersonal(table);
    expect(table).toContain(MASKED);
  });

  it("is hidden in what is read from changelogs, and shown to who says why", async () => {
    const shop = await project();
    await shop.runToEnd();
    await expectMasked(shop, "--from-changelog");
    expect(await shop.audit()).toEqual([]);
    await expectRevealed(shop, "--from-changelog");
    const by = expect.stringMatching(/^[^ ]+@[^ ]+$/);
    const people = { action: "reveal", target: "job shop, store people, its changelog", why: "complaint 4711", by };
    expect(await shop.audit()).toMatchObject([
      people,
      people,
      { action: "reveal", target: "job shop, store latest, its changelog", why: "he asked", by },
    ]);
  });

  it("cannot be told apart without a key for hashes", async () => {
    const { runToEnd, scan } = await project({ hasKey: false });
    await runToEnd();
    const people = await scan("people", "--from-changelog");
    expectNothingPersonal(people);
    expect(new Set(people.map(({ key }) => key))).toEqual(new Set([MASKED]));
  });

  it("is what a schema of today says, also of the state of yesterday", async () => {
    const shop = await project({ isTagged: false });
    await shop.runToEnd();
    expect(await shop.get("latest", PHONES[3]!, "--from-changelog")).toMatchObject([{ value: { note: NOTE } }]);
    writeFileSync(path.join(shop.cwd, "visit.avsc"), visitSchema(true));
    await expectMasked(shop, "--from-changelog", "--schemas", ".");
    // The tag makes no other plan: the state goes on, and the plan that is remembered has it.
    writeFileSync(path.join(shop.cwd, "job.ts"), jobSource(true));
    await shop.runToEnd();
    await expectMasked(shop, "--from-changelog", "--schemas", "nowhere");
  });

  it("is hidden as a whole where an earlier version has remembered the plan", async () => {
    const shop = await project();
    await shop.runToEnd();
    const directory = await openDataDirectory(path.join(shop.cwd, "data"), { clock: systemClock });
    const { personal, ...former } = (await readPlans(directory.log)).get("shop")!;
    expect(personal).toBeDefined();
    const record = { key: Buffer.from("shop"), value: Buffer.from(JSON.stringify(former)), timestampMs: 0 };
    await directory.log.produce([{ topic: PLANS.topic, partition: 0, records: [record] }]);
    await directory.close();
    const latest = await shop.scan("latest", "--from-changelog");
    expectNothingPersonal(latest);
    for (const { value } of latest) expect(value).toBe(MASKED);
  });

  it("is not hidden where no schema tags any", async () => {
    const { start, scan, get } = await project({ isTagged: false });
    await start();
    for (const args of [[], ["--from-changelog"]]) {
      const people = await scan("people", ...args);
      expect(people.map(({ key }) => key).toSorted()).toEqual(PHONES);
      for (const entry of people) {
        expect(entry).not.toHaveProperty("masked");
        expect(entry.value).toEqual({ visits: 1, note: NOTE });
      }
      expect(await get("seen.shops", PHONES[1]!, ...args)).toMatchObject([
        { entryKey: "bakery", value: { note: NOTE } },
      ]);
    }
  });
});

describe("personal data in a verification", { timeout: 180_000 }, () => {
  it("is not even a hash that can be tried out, unless it is revealed", async () => {
    const { cwd, run, runToEnd, audit, scan } = await project({ hasKey: false });
    await runToEnd();
    const [{ task }] = (await scan("people", "--from-changelog")) as [Entry];
    const database = await levelDisk(path.join(cwd, "data", "state")).open(`shop/${task}/people`);
    const [[key, value]] = (await Array.fromAsync(database.iterate({ gte: Buffer.of(1), lt: Buffer.of(2) }))) as [
      [Buffer, Buffer],
    ];
    value[value.length - 1]!++;
    await database.write([{ key, value }]);
    await database.close();
    const hidden = await run("state", "verify", "shop", "people", "-o", "json");
    expect(hidden.code).toBe(3);
    expectNothingPersonal(hidden.stdout);
    expect(hidden.stdout).toContain(`"keyHash": "${MASKED}"`);
    const shown = await run("state", "verify", "shop", "people", "--reveal", "--why", "a wrong note", "-o", "json");
    expect(shown.stdout).toContain(key.subarray(1).toString());
    expect(await audit()).toMatchObject([
      { action: "reveal", target: "job shop, store people, what differs", why: "a wrong note" },
    ]);
  });
});

describe("personal data in a verification by a worker", { timeout: 180_000 }, () => {
  it("is a hash with a key, unless it is revealed", async () => {
    const { cwd, run, start, audit, scan, write } = await project();
    await start();
    const partition = Number((await scan("people"))[0]!.task.at(-1));
    // A restore would bring what the job has never written.
    const foreign = { key: Buffer.from("\u0001010-9999"), value: Buffer.alloc(20), timestampMs: 0 };
    const changelog = { topic: "shop.people.changelog", partition, records: [foreign] };
    await withLog({ dataDir: path.join(cwd, "data") }, async ({ log }) => void (await log.produce([changelog])));
    await write(ROWS);
    const verify = (...args: readonly string[]) => run("state", "verify", "shop", "people", "-o", "json", ...args);
    await expect.poll(async () => (await verify()).code, { timeout: 60_000 }).toBe(3);
    const { stdout: hidden } = await verify();
    expect(hidden).not.toContain("010-9999");
    // Cursors are sealed with it.
    expect(hidden).not.toContain("incarnation");
    expect(hidden).toMatch(/"keyHash": "\*\*\*[0-9a-f]{16}\*\*\*"/);
    expect(await audit()).toEqual([]);
    const { stdout: shown } = await verify("--reveal", "--why", "who is that?");
    expect(shown).toContain(Buffer.from("\u0001010-9999").toString("base64"));
    const by = expect.stringMatching(/^owner of the data directory \(says: .+\)$/);
    expect(await audit()).toMatchObject([{ target: "job shop, store people, what differs", why: "who is that?", by }]);
  });
});

describe("personal data over HTTP", { timeout: 180_000 }, () => {
  it("is hidden from who has a token, and shown to who says why: the worker itself records that", async () => {
    const { cwd, run, start, audit } = await project();
    await start();
    const [{ workers }] = JSON.parse((await run("status", "-o", "json")).stdout);
    const { address } = workers[0];
    const [tokenFile] = readdirSync(path.join(cwd, "data")).filter((name) => name.endsWith(".token"));
    const authorization = `Bearer ${readFileSync(path.join(cwd, "data", tokenFile!), "utf8").trim()}`;
    const ask = async (route: string, body?: unknown) => {
      const init = { method: "POST", body: JSON.stringify(body) };
      const headers = { authorization, ...(body !== undefined && { "content-type": "application/json" }) };
      const response = await fetch(`${address}/jobs/shop/stores/people/${route}`, { headers, ...(body ? init : {}) });
      return { status: response.status, answer: (await response.json()) as Answer };
    };

    const page = await ask("entries?limit=3");
    expect(page.status).toBe(200);
    expectNothingPersonal(page.answer);
    const [{ task, after }] = page.answer.tasks;
    // Where a page ends is a key.
    expect(Buffer.from(after, "base64url").toString("latin1")).not.toContain("010-");
    const next = await ask(`entries?task=${task}&limit=3&after=${after}`);
    expectNothingPersonal(next.answer);
    expect(next.answer.entries[0].key).not.toBe(page.answer.entries[2].key);
    expect(await ask(`entries?task=${task}&after=AAAA`)).toMatchObject({
      ...{ status: 400, answer: { error: { code: "STATE_QUERY" } } },
    });

    expect(await ask("entries?prefix=010")).toMatchObject({
      ...{ status: 400, answer: { error: { code: "STATE_QUERY" } } },
    });

    for (const route of ["entries?reveal=true", "entries?reveal=true&why=%20"])
      expect(await ask(route)).toMatchObject({ status: 400, answer: { error: { code: "CHANGE_REASON_MISSING" } } });
    const verifications = `tasks/${task}/verifications`;
    expect(await ask(verifications, { reveals: true })).toMatchObject({
      ...{ status: 400, answer: { error: { code: "CHANGE_REASON_MISSING" } } },
    });
    expect((await ask("entries?reveal=true&why=a%0Ab")).status).toBe(400);
    expect(await audit()).toEqual([]);

    const revealed = await ask("entries?reveal=true&why=complaint&limit=3");
    expect(PHONES).toContain(revealed.answer.entries[0].key);
    for (let pages = 0; pages < 3; pages++) await ask("entries?reveal=true&why=complaint&limit=3");
    expect((await ask(verifications, { reveals: true, why: "it differs", by: "ana" })).status).toBe(202);
    expect((await ask(verifications, {})).status).toBe(202);
    expect(await audit()).toMatchObject([
      { target: "job shop, store people", why: "complaint", by: "owner of the data directory" },
      ...[
        {
          target: "job shop, store people, what differs",
          why: "it differs",
          by: "owner of the data directory (says: ana)",
        },
      ],
    ]);
    const { paths } = (await (await fetch(`${address}/openapi.json`)).json()) as OpenApi;
    const { parameters } = paths["/jobs/{job}/stores/{store}/entries"]!.get;
    expect(parameters.map(({ name }) => name)).toEqual(expect.arrayContaining(["reveal", "why", "by"]));
  });
});
