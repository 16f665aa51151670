import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { levelDisk } from "../../state/level-disk.ts";
import { mulgil, objectsIn, type RunningCommand, startMulgil, temporaryFolder } from "./support/mulgil.ts";

const PAYMENTS = JSON.stringify({
  ...{ type: "record", name: "Payment", topic: "payments", key: "customer", eventTime: "at", partitions: 3 },
  fields: [
    { name: "customer", type: "string" },
    { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 } },
    { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
    { name: "shop", type: "string" },
  ],
});

const JOB = `
  import { count, Decimal, defineJob, mapStore, type Schema, session, sum, topic, tumbling, valueStore } from "mulgil";
  interface Payment { readonly customer: string; readonly amount: Decimal; readonly at: number; readonly shop: string }
  const payments = topic("payments", { value: { avro: ${PAYMENTS} } as Schema<Payment>, key: "customer", eventTime: "at" });
  const decimal = { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 };
  const text = { avro: "string" } as Schema<string>;
  const long = { avro: "long" } as Schema<number>;
  export default defineJob({
    name: "spending",
    version: 1,
    commitEvery: "100 ms",
    flow(from) {
      const all = from(payments);
      all.aggregate("totals", { payments: count(), total: sum((p) => p.amount, { scale: 2 }) });
      all.window(tumbling("1 hour", { grace: "30 days" })).aggregate("hourly", { payments: count() });
      all.window(session("10 minutes", { grace: "30 days" })).aggregate("visits", { payments: count() });
      all.process("shops", {
        stores: { seen: mapStore("string", long), last: valueStore(text) },
        timers: { forget: "stream-time" },
        onRecord(payment, { stores, timers }) {
          stores.seen.set(payment.shop, (stores.seen.get(payment.shop) ?? 0) + 1);
          stores.last.set(payment.shop);
          timers.forget.set(payment.at + 100 * 86_400_000);
        },
        onTimer() {},
      });
    },
  });
`;

const START = Date.parse("2026-03-01T00:00:00Z");
const MINUTE = 60_000;
const CUSTOMERS = Array.from({ length: 30 }, (_, at) => `c-${String(at).padStart(2, "0")}`);
const ROWS = CUSTOMERS.flatMap((customer, at) =>
  [0, 5, 70].map((minutes, nth) => ({
    ...{ customer, amount: `${at}.${nth}5`, at: START + minutes * MINUTE, shop: nth === 1 ? "bakery" : "books" },
  })),
);

interface Entry {
  readonly task: string;
  readonly key: string;
  readonly entryKey?: string;
  readonly windowStartMs?: number;
  readonly value: unknown;
}

interface Verified {
  readonly task: string;
  readonly report: { readonly differences: readonly unknown[] };
}

async function project() {
  const cwd = temporaryFolder({ "payment.avsc": PAYMENTS, "job.ts": JOB });
  const env = { MULGIL_DATA_DIR: "data" };
  const stdin = ROWS.map((row) => JSON.stringify(row)).join("\n");
  const written = await mulgil(["write", "payments", "-f", "-", "--schemas", "."], { cwd, env, stdin });
  expect(written).toMatchObject({ code: 0 });
  const state = (...args: readonly string[]) => mulgil(["state", ...args], { cwd, env });
  const json = async <T>(...args: readonly string[]): Promise<T> => {
    const { code, stdout, stderr } = await state(...args, "-o", "json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  };
  const status = async () => JSON.parse((await mulgil(["status", "-o", "json"], { cwd, env })).stdout);
  return {
    ...{ cwd, state, json },
    runToEnd: async () =>
      expect(await mulgil(["run", "job.ts", "--until-idle"], { cwd, env })).toMatchObject({ code: 0 }),
    start: async (...args: readonly string[]): Promise<RunningCommand> => {
      const running = startMulgil(["run", "job.ts", ...args], { cwd, env });
      const isThere = expect
        .poll(async () => (await status())[0], { timeout: 60_000 })
        .toMatchObject({ status: "running", lag: 0 });
      await Promise.race([isThere, running.ended.then(({ stderr }) => Promise.reject(new Error(stderr)))]);
      return running;
    },
    scan: async (store: string, ...args: readonly string[]): Promise<readonly Entry[]> => {
      const { code, stdout, stderr } = await state("scan", "spending", store, ...args, "-o", "ndjson");
      expect({ code, stderr }).toMatchObject({ code: 0 });
      return objectsIn<Entry>(stdout);
    },
  };
}

const byKey = (left: string, right: string) => (left < right ? -1 : 1);

describe("mulgil state, while the job runs in another process", { timeout: 180_000 }, () => {
  it("gets, scans, sizes and verifies the stores, whichever worker owns them", async () => {
    const { start, json, scan, state, cwd } = await project();
    const running = await start("--workers", "2");

    const [{ workers }] = JSON.parse((await mulgil(["status", "-d", "data", "-o", "json"], { cwd })).stdout);
    const { address } = workers[0];
    expect((await fetch(`${address}/jobs/spending/stores`)).status).toBe(200);
    expect((await fetch(`${address}/jobs/spending/stores/totals/entries`)).status).toBe(401);

    const found = await json<{ source: string; entries: Entry[]; positions: unknown[] }>(
      "get",
      "spending",
      "totals",
      "c-07",
    );
    expect(found).toMatchObject({
      source: "store",
      entries: [{ key: "c-07", value: { payments: 3, total: "21.45" } }],
    });
    const window = await json<{ entries: Entry[] }>(
      ...["get", "spending", "hourly", "c-07", "--window", "2026-03-01T01:00:00Z"],
    );
    expect(window.entries).toMatchObject([{ windowStartMs: START + 60 * MINUTE, value: { payments: 1 } }]);
    const windows = await json<{ entries: Entry[] }>("get", "spending", "hourly", "c-07");
    expect(windows.entries.map(({ value }) => value)).toEqual([{ payments: 2 }, { payments: 1 }]);
    const sessions = await json<{ entries: Entry[] }>("get", "spending", "visits", "c-07");
    expect(sessions.entries.map(({ windowStartMs, value }) => [windowStartMs, value])).toEqual([
      [START, { payments: 2 }],
      [START + 70 * MINUTE, { payments: 1 }],
    ]);
    const shops = await json<{ entries: Entry[] }>("get", "spending", "shops.seen", "c-07");
    expect(shops.entries.map(({ entryKey, value }) => [entryKey, value])).toEqual([
      ["bakery", 1],
      ["books", 2],
    ]);
    const books = await json<{ entries: Entry[] }>("get", "spending", "shops.seen", "c-07", "--entry", "books");
    expect(books.entries).toMatchObject([{ entryKey: "books", value: 2 }]);

    const all = await scan("totals", "--all");
    expect(all.map(({ key }) => key).toSorted(byKey)).toEqual(CUSTOMERS);
    expect(new Set(all.map(({ task }) => task)).size).toBe(3);
    expect((await scan("totals", "--prefix", "c-1", "--all")).map(({ key }) => key).toSorted(byKey)).toEqual(
      CUSTOMERS.filter((key) => key.startsWith("c-1")),
    );
    expect(await scan("totals", "--limit", "7")).toHaveLength(7);
    expect(await scan("hourly", "--to-window", "2026-03-01T01:00:00Z", "--all")).toHaveLength(30);
    expect(await scan("hourly", "--from-window", "2026-03-01T01:00:00Z", "--prefix", "c-2", "--all")).toHaveLength(10);
    expect(await scan("visits", "--all")).toHaveLength(60);
    expect(await scan("shops.seen", "--prefix", "c-0", "--all")).toHaveLength(20);
    expect(await scan("shops.timers.stream", "--all")).toHaveLength(30);
    expect(await scan("totals", "--task", all[0]!.task, "--all")).toEqual(
      all.filter(({ task }) => task === all[0]!.task),
    );
    const { stdout } = await state("scan", "spending", "hourly", "--limit", "2");
    expect(stdout).toMatch(
      /^TASK +KEY +WINDOW +VALUE +EVENT TIME\npayments_0 +c-\d\d +2026-03-01T00:00:00.000Z +\{"payments":2\}/,
    );

    const sizes = await json<{ store: string; entries: number; bytesOnDisk: number; changelog: { offsets: number } }[]>(
      ...["size", "spending"],
    );
    expect(sizes).toHaveLength(18);
    const totals = sizes.filter(({ store }) => store === "totals");
    expect(totals.reduce((sum, { entries }) => sum + entries, 0)).toBe(30);
    for (const { bytesOnDisk, changelog } of totals) {
      expect(bytesOnDisk).toBeGreaterThan(0);
      expect(changelog.offsets).toBeGreaterThan(0);
    }

    const verified = await json<{ store: string; report: unknown }[]>("verify", "spending");
    expect(verified).toHaveLength(18);
    for (const { report } of verified) expect(report).toMatchObject({ status: "compared", differing: 0, overtaken: 0 });
    expect(readdirSync(path.join(cwd, "data/state/.verify/spending/payments_0"))).toEqual([]);

    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  it("refuses what it cannot answer, and says what to do", async () => {
    const { start, state } = await project();
    await start();
    expect(await state("get", "spending", "totals", "nobody")).toMatchObject({
      ...{ code: 1, stdout: "" },
      stderr: 'mulgil: store "totals" of job "spending" has no entry for the key "nobody" [STATE_KEY_ABSENT]\n',
    });
    const unknown = await state("get", "spending", "total", "c-07");
    expect(unknown.stderr).toBe(
      'mulgil: job "spending" has no store "total": there is totals, hourly, visits, shops.seen, shops.last, shops.timers.stream [STATE_STORE_UNKNOWN]\n',
    );
    expect((await state("get", "spendings", "totals", "c-07")).stderr).toContain("[JOB_UNKNOWN]");
    expect((await state("get", "spending", "totals", "c-07", "--window", "0")).stderr).toContain(
      "it has no windows [STATE_QUERY]",
    );
    expect((await state("get", "spending", "totals", "c-07", "--entry", "x")).stderr).toContain("[STATE_QUERY]");
    expect((await state("scan", "spending", "totals", "--task", "payments_9")).stderr).toContain(
      "[STATE_TASK_UNKNOWN]",
    );
    expect((await state("verify", "spending", "--reveal")).stderr).toContain("[CHANGE_REASON_MISSING]");
    for (const args of [
      ["get", "spending", "totals"],
      ["get", "spending", "hourly", "c-07", "--window", "noon"],
      ["scan", "spending", "totals", "--limit", "0"],
      ["verify", "spending", "--rate", "fast"],
    ])
      expect(await state(...args)).toMatchObject({ code: 2, stdout: "" });
  });
});

describe("mulgil state verify", { timeout: 180_000 }, () => {
  it("is ended by Ctrl-C, also in the worker, which goes on", async () => {
    const { start, json, cwd } = await project();
    await start();
    const args = ["state", "verify", "spending", "totals", "--rate", "1", "-d", "data"];
    const verifying = startMulgil(args, { cwd });
    const replicas = () => replicasIn(path.join(cwd, "data", "state", ".verify", "spending"));
    await expect.poll(replicas, { timeout: 60_000 }).toEqual(["payments_0/totals"]);
    verifying.process.kill("SIGINT");
    expect(await verifying.ended).toMatchObject({
      ...{ code: 1, stdout: "" },
      stderr: expect.stringMatching(/interrupted: nothing was changed \[STATE_INTERRUPTED\]\n$/),
    });
    await expect.poll(replicas, { timeout: 60_000 }).toEqual([]);
    expect(await json("verify", "spending", "totals")).toHaveLength(3);
  });
});

const replicasIn = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder).flatMap((task) => readdirSync(path.join(folder, task)).map((store) => `${task}/${store}`))
    : [];

describe("mulgil state, when the job has stopped", { timeout: 180_000 }, () => {
  it("reads the changelogs, without the job's definition", async () => {
    const { runToEnd, state, json, scan, cwd } = await project();
    await runToEnd();
    expect((await state("get", "spending", "totals", "c-07")).stderr).toContain("[STATE_JOB_STOPPED]");
    expect((await state("scan", "spending", "totals")).stderr).toContain("[STATE_JOB_STOPPED]");
    const get = async (...args: readonly string[]) =>
      (await json<{ source: string; entries: Entry[] }>("get", "spending", ...args, "--from-changelog")).entries;
    expect(await get("totals", "c-07")).toMatchObject([{ key: "c-07", value: { payments: 3, total: "21.45" } }]);
    expect(await get("hourly", "c-07", "--window", String(START))).toMatchObject([{ value: { payments: 2 } }]);
    expect(await get("visits", "c-07")).toMatchObject([{ value: { payments: 2 } }, { value: { payments: 1 } }]);
    expect(await get("shops.seen", "c-07")).toMatchObject([{ entryKey: "bakery", value: 1 }, { entryKey: "books" }]);
    expect(await get("shops.last", "c-07")).toMatchObject([{ value: "books" }]);
    const all = await scan("totals", "--all", "--from-changelog");
    expect(all.map(({ key }) => key).toSorted(byKey)).toEqual(CUSTOMERS);
    expect(await scan("visits", "--all", "--from-changelog")).toHaveLength(60);
    expect(await scan("shops.seen", "--prefix", "c-0", "--all", "--from-changelog")).toHaveLength(20);
    const sizes = await json<{ entries?: number; problem?: string }[]>("size", "spending");
    expect(sizes[0]).toMatchObject({ problem: "the job does not run" });
    expect(existsSync(path.join(cwd, "data", "state"))).toBe(true);
  });

  it("verifies what the data directory has, and ends with 3 when an entry differs", async () => {
    const { runToEnd, state, json, cwd } = await project();
    await runToEnd();
    const equal = await state("verify", "spending");
    expect(equal).toMatchObject({ code: 0 });
    expect(equal.stdout.split("\n").filter((line) => line.includes(" equal "))).toHaveLength(18);

    const disk = levelDisk(path.join(cwd, "data", "state"));
    const { entries } = await json<{ entries: [Entry] }>("get", "spending", "totals", "c-07", "--from-changelog");
    const [{ task }] = entries;
    const database = await disk.open(`spending/${task}/totals`);
    const key = Buffer.from("\u0001c-07");
    const value = database.getSync(key)!;
    value[value.length - 1]!++;
    await database.write([{ key, value }]);
    await database.close();

    const { code, stdout } = await state("verify", "spending", "totals");
    expect(code).toBe(3);
    const hash = createHash("sha256").update("c-07").digest("hex").slice(0, 16);
    expect(stdout).toContain(`totals in ${task}:\n  different entry of key #${hash}`);
    expect(stdout).not.toContain("c-07");
    const revealed = await state("verify", "spending", "totals", "--reveal", "--why", "a wrong balance", "-o", "json");
    expect(revealed.code).toBe(3);
    expect(
      (JSON.parse(revealed.stdout) as Verified[]).find((each) => each.task === task)!.report.differences,
    ).toMatchObject([
      { kind: "different", stored: [{ key: "c-07" }], replayed: [{ key: "c-07", value: { total: "21.45" } }] },
    ]);
    const audit = await mulgil(["audit", "-d", "data"], { cwd });
    expect(audit.stdout).toContain("a wrong balance");
    expect((await state("verify", "spending", "--task", "payments_9")).stderr).toContain("[STATE_NOT_HERE]");
  });
});
