import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { openDataDirectory } from "../../runtime/log/embedded/data-directory.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { mulgil, objectsIn, startMulgil, temporaryFolder } from "./support/mulgil.ts";

interface Printed {
  readonly key: unknown;
  readonly value: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly masked?: readonly string[];
}

const PHONE = "010-1234-5678";
const EMAIL = "ana@example.org";
const STREET = "Nerudova 1";
const MASKED = "***masked***";

const schema = (isTagged: boolean) => {
  const tag = (pii: string) => (isTagged ? { pii } : {});
  const address = {
    type: "record",
    name: "Address",
    fields: [
      { name: "street", type: "string", ...tag("drop") },
      { name: "city", type: "string" },
    ],
  };
  return JSON.stringify({
    type: "record",
    name: "Customer",
    namespace: "shop",
    topic: "shop.customers",
    key: "phone",
    partitions: 1,
    fields: [
      { name: "phone", type: "string", ...tag("mask") },
      { name: "email", type: ["null", "string"], default: null, ...tag("hash") },
      { name: "addresses", type: { type: "array", items: address }, default: [] },
      { name: "segment", type: "string", default: "none" },
    ],
  });
};

const CUSTOMER = { phone: PHONE, email: EMAIL, addresses: [{ street: STREET, city: "Praha" }], segment: "gold" };
const ROWS = `${JSON.stringify(CUSTOMER)}\n`;

/** A project that has written a customer. */
async function project({ isTagged = true, rows = ROWS } = {}) {
  const cwd = temporaryFolder({ "customers.avsc": schema(isTagged), "rows.ndjson": rows });
  const env = { MULGIL_DATA_DIR: "data" };
  const run = (...args: readonly string[]) => mulgil(args, { cwd, env });
  const written = await run("write", "shop.customers", "--file", "rows.ndjson", "--schemas", ".");
  expect(written).toMatchObject({ code: 0, stderr: "" });
  const read = async (...args: readonly string[]) => {
    const outcome = await run("read", "shop.customers", "--schemas", ".", ...args);
    return { ...outcome, records: outcome.code === 0 ? objectsIn<Printed>(outcome.stdout) : [] };
  };
  return { cwd, env, run, read };
}

/** No text that is tagged may be anywhere. */
function expectNothingPersonal(text: string): void {
  for (const secret of [PHONE, EMAIL, STREET, Buffer.from(PHONE).toString("base64").slice(0, 12)])
    expect(text).not.toContain(secret);
}

describe("personal data", () => {
  it("is hidden by read, in values and keys, and what is hidden is named", async () => {
    const { run, read } = await project();
    const { records, stdout } = await read();
    expect(records).toMatchObject([
      {
        key: MASKED,
        value: { phone: MASKED, email: MASKED, addresses: [{ city: "Praha" }], segment: "gold" },
        masked: ["key", "value.phone", "value.email", "value.addresses.street"],
      },
    ]);
    expectNothingPersonal(stdout);
    const { stdout: table } = await run("read", "shop.customers", "-o", "table");
    expect(table).toContain("gold");
    expectNothingPersonal(table);
  });

  it("is hidden by read --follow", async () => {
    const { cwd, env } = await project();
    const following = startMulgil(["read", "shop.customers", "--follow"], { cwd, env });
    await following.until(({ stdout }) => stdout.includes("gold"));
    following.process.kill("SIGTERM");
    expectNothingPersonal((await following.ended).stdout);
  });

  it("is shown with --reveal, which the audit trail has before with who, what and why", async () => {
    const { run, read } = await project();
    const { records } = await read("--reveal", "--why", "complaint 4711", "--partition", "0");
    expect(records).toMatchObject([{ key: PHONE, value: CUSTOMER }]);
    expect(records[0]).not.toHaveProperty("masked");
    const { stdout } = await run("audit", "-o", "json");
    expect(JSON.parse(stdout)).toMatchObject([
      {
        action: "reveal",
        target: "topic shop.customers, partition 0, from earliest",
        why: "complaint 4711",
        by: expect.stringMatching(/.@./),
        outcome: "done",
      },
    ]);
  });

  it("is not revealed to somebody who does not say why", async () => {
    const { read } = await project();
    const { code, stdout, stderr } = await read("--reveal");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("CHANGE_REASON_MISSING");
  });

  it("is not written back: a masked copy is refused, and a revealed one is one", async () => {
    const { cwd, env, run, read } = await project();
    const copy = (stdin: string, ...args: readonly string[]) =>
      mulgil(["write", "shop.copy", "--file", "-", "--schema", "customers.avsc", ...args], { cwd, env, stdin });
    const masked = (await read()).stdout;
    const { masked: _, ...withoutList } = JSON.parse(masked) as Printed;
    for (const [input, ...args] of [
      [masked, "--envelope"],
      [`${JSON.stringify(withoutList)}\n`, "--envelope"],
      [`${JSON.stringify({ ...CUSTOMER, phone: MASKED })}\n`],
    ] as const) {
      const { code, stderr } = await copy(input, ...args);
      expect(code).toBe(1);
      expect(stderr).toContain("ROW_MASKED");
      expect(stderr).toMatch(/\((?:key|.*phone.*)\)/);
      expect(stderr).toContain("--reveal");
    }
    expect((await run("read", "shop.copy")).stdout).toBe("");
    const revealed = (await read("--reveal", "--why", "copy")).stdout;
    expect(await copy(revealed, "--envelope")).toMatchObject({ code: 0, stderr: "" });
    const copied = await run("read", "shop.copy", "--reveal", "--why", "test");
    expect(objectsIn<Printed>(copied.stdout)).toMatchObject([{ key: PHONE, value: CUSTOMER }]);
  });

  it("is hidden in records that were written before the field was tagged, be it in a file or in the registry", async () => {
    const { cwd, run, read } = await project({ isTagged: false });
    expect((await read()).records).toMatchObject([{ key: PHONE, value: { phone: PHONE } }]);
    writeFileSync(path.join(cwd, "customers.avsc"), schema(true));
    const byFile = await read();
    expectNothingPersonal(byFile.stdout);
    expect(byFile.records).toMatchObject([{ key: MASKED, value: { phone: MASKED, segment: "gold" } }]);
    await run("write", "shop.customers", "--file", "rows.ndjson", "--schema", "customers.avsc");
    const byRegistry = await run("read", "shop.customers", "--schemas", "elsewhere");
    expectNothingPersonal(byRegistry.stdout);
    expect(objectsIn(byRegistry.stdout)).toHaveLength(2);
  });

  it("with the rule hash is recognisable with a key, and only with the same key", async () => {
    const other = { ...CUSTOMER, phone: "020" };
    const { cwd, env } = await project({ rows: `${ROWS}${JSON.stringify(other)}\n` });
    writeFileSync(path.join(cwd, "key"), "0123456789abcdef0123456789abcdef\n");
    writeFileSync(path.join(cwd, "other-key"), "0123456789abcdef0123456789abcdeg\n");
    writeFileSync(path.join(cwd, "short"), "0123\n");
    const read = (file: string) =>
      mulgil(["read", "shop.customers"], { cwd, env: { ...env, MULGIL_PII_KEY_FILE: file } });
    const emails = async (file: string) =>
      objectsIn<Printed>((await read(file)).stdout).map(({ value }) => value["email"]);
    const [first, second] = await emails("key");
    expect(first).toMatch(/^\*\*\*[0-9a-f]{16}\*\*\*$/);
    expect(second).toBe(first);
    expect(await emails("key")).toEqual([first, first]);
    expect((await emails("other-key"))[0]).not.toBe(first);
    for (const file of ["short", "missing"]) {
      expect(await read(file)).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("PII_KEY_FILE") });
    }
  });

  it("is not shown as bytes either, where a value cannot be decoded", async () => {
    const { cwd, run } = await project();
    const directory = await openDataDirectory(path.join(cwd, "data"), { clock: systemClock });
    const garbage = Buffer.from(`{"phone":"${PHONE}"}`);
    const records = [{ key: Buffer.from("k"), value: garbage, timestampMs: 0 }];
    await directory.log.produce([{ topic: "shop.customers", partition: 0, records }]);
    await directory.close();
    const { stdout } = await run("read", "shop.customers", "--from", "offset:1");
    expectNothingPersonal(stdout);
    expect(objectsIn<Printed>(stdout)).toMatchObject([
      { value: { $bytes: MASKED, $length: garbage.length, $error: expect.stringContaining("schema id") } },
    ]);
    const { stdout: revealed } = await run("read", "shop.customers", "--from", "offset:1", "--reveal", "--why", "test");
    expect(objectsIn<Printed>(revealed)).toMatchObject([{ value: { $bytes: garbage.toString("base64") } }]);
  });

  it("is hidden in dead letters, and in their messages", async () => {
    const { cwd, run } = await project();
    writeFileSync(path.join(cwd, "job.ts"), JOB);
    const ran = await run("run", "job.ts", "--until-idle", "--log-format", "json");
    expect(ran).toMatchObject({ code: 0 });
    expectNothingPersonal(ran.stdout + ran.stderr);
    const { stdout } = await run("read", "check.dlq", "--schemas", ".");
    expectNothingPersonal(stdout);
    expect(objectsIn<Printed>(stdout)).toMatchObject([
      {
        key: MASKED,
        value: { phone: MASKED, segment: "gold" },
        headers: {
          "mulgil.dlq.code": "WRONG_NUMBER",
          "mulgil.dlq.message": `nobody answers ${MASKED}`,
          "mulgil.dlq.offset": "0",
        },
        masked: expect.arrayContaining(["key", "headers.mulgil.dlq.message"]),
      },
    ]);
  });

  it("is in no message about a row that is rejected", async () => {
    const rows = [
      `{"phone":"${PHONE}","email":7}`,
      `{"phone":"${PHONE}","addresses":"${STREET}"}`,
      `{"phone":"${PHONE}`,
      `{"phone":["${PHONE}"]}`,
    ];
    const { cwd, run } = await project();
    writeFileSync(path.join(cwd, "bad.ndjson"), `${rows.join("\n")}\n`);
    const { stdout, stderr } = await run("write", "shop.customers", "--file", "bad.ndjson", "--schemas", ".");
    expect(stderr.match(/^line \d/gm)).toHaveLength(4);
    expectNothingPersonal(stdout + stderr);
    const errors = objectsIn(readFileSync(path.join(cwd, "bad.ndjson.rejects.ndjson"), "utf8")).map(
      ({ error }) => error,
    );
    expectNothingPersonal(JSON.stringify(errors));
  });

  it("is not claimed to be hidden where the tag hides nothing", async () => {
    const { cwd, run } = await project();
    writeFileSync(path.join(cwd, "customers.avsc"), schema(true).replace('"pii":"drop"', '"pii":"remove"'));
    expect(await run("write", "shop.customers", "--file", "rows.ndjson", "--schema", "customers.avsc")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"pii" of "street" must be "mask", "hash" or "drop"'),
    });
  });
});

const JOB = `
import { defineJob, TerminalError } from "mulgil";
const customers = { name: "shop.customers", value: { avro: ${schema(true)} }, key: "phone", partitions: 1 } as const;
const checked = { ...customers, name: "shop.checked" };
export default defineJob({
  name: "check",
  version: 1,
  flow(from) {
    from(customers)
      .map((customer: { phone: string }) => {
        throw new TerminalError("nobody answers " + customer.phone, { code: "WRONG_NUMBER" });
      })
      .to(checked);
  },
});
`;

it("is hidden in dead letters, unless somebody says why he has to see it", { timeout: 60_000 }, async () => {
  const { cwd, run } = await project();
  const job = `
    import { defineJob, type Schema, TerminalError, topic } from "mulgil";
    const customer = { avro: ${schema(true)} } as Schema<{ readonly phone: string }>;
    export default defineJob({ name: "greeting", version: 1, flow: (from) => void from(topic("shop.customers", { value: customer, key: "phone" }))
      .map((value) => { if (value) throw new TerminalError("no greeting", { code: "NO_GREETING" }); return value; })
      .to(topic("greetings", { value: customer, key: "phone" })) });`;
  writeFileSync(path.join(cwd, "job.ts"), job);
  expect(await run("run", "job.ts", "--until-idle")).toMatchObject({ code: 0 });
  for (const format of ["table", "json"]) {
    const hidden = await run("dlq", "show", "greeting", "--schemas", ".", "-o", format);
    expect(hidden).toMatchObject({ code: 0, stderr: "" });
    expect(hidden.stdout).toContain("NO_GREETING");
    expectNothingPersonal(hidden.stdout);
  }
  expect((await run("dlq", "show", "greeting", "--reveal")).stderr).toContain("[CHANGE_REASON_MISSING]");
  const shown = await run("dlq", "show", "greeting", "--schemas", ".", "--reveal", "--why", "he called", "-o", "json");
  expect(shown.stdout).toContain(PHONE);
  expect((await run("audit")).stdout).toMatch(/reveal +dead letters of job greeting +done +he called/);
});

describe("personal data in the file of a replay", { timeout: 60_000 }, () => {
  const replay = ["replay", "shop.customers", "--schemas", ".", "--yes", "--why", "complaint 4711", "--to-file"];
  const written = (cwd: string, file: string) => readFileSync(path.join(cwd, file), "utf8");

  it("is hidden, and a copy that lacks it is not taken back, be nothing left of it but the list", async () => {
    const nothingElse = JSON.stringify({ phone: "020", addresses: [{ street: STREET, city: "Praha" }] });
    const { cwd, env, run } = await project({ rows: nothingElse });
    for (const format of ["records", "envelope"]) {
      expect(await run(...replay, format, "--format", format)).toMatchObject({ code: 0 });
      expectNothingPersonal(written(cwd, format));
      expect(objectsIn<Printed>(written(cwd, format))).toMatchObject([
        { key: MASKED, masked: ["key", "value.phone", "value.addresses.street"] },
      ]);
    }
    // As if only the dropped field were tagged.
    const stdin = written(cwd, "envelope").replaceAll(MASKED, "020");
    const copy = await mulgil(["write", "shop.copy", "-f", "-", "--envelope", "--schema", "customers.avsc"], {
      ...{ cwd, env, stdin },
    });
    expect(copy).toMatchObject({ code: 1, stderr: expect.stringContaining("ROW_MASKED") });
    expect(await auditOf(run)).toMatchObject([
      ...[{ action: "replay", outcome: "begun", after: { format: "records", reveals: false } }],
      ...[{ action: "replay", outcome: "done" }, { action: "replay" }, { action: "replay" }],
    ]);
  });

  it("is as it is with --reveal, once the audit trail says so", async () => {
    const { cwd, run } = await project();
    const dry = await run(...replay.slice(0, -1), "--dry-run", "--sample", "1", "--to-file", "dry", "--reveal");
    expect(dry.stdout).toContain("personal data would be in the file as it is, which is recorded");
    expectNothingPersonal(dry.stdout + dry.stderr);
    expect(await auditOf(run)).toEqual([]);
    for (const format of ["records", "envelope"]) {
      const { code, stdout, stderr } = await run(...replay, format, "--format", format, "--reveal", "--id", format);
      expect(code).toBe(0);
      expectNothingPersonal(stdout + stderr);
      const [record] = objectsIn<Printed>(written(cwd, format));
      expect(record).toMatchObject({ key: PHONE, value: CUSTOMER });
      expect(record).not.toHaveProperty("masked");
    }
    const audit = await auditOf(run);
    expect(audit.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual(
      Array.from({ length: 2 }, () => ["replay begun", "reveal done", "replay done"]).flat(),
    );
    expect(audit[1]).toMatchObject({
      target: `topic shop.customers, by replay records to ${path.join(realpathSync(cwd), "records")}`,
      why: "complaint 4711",
    });
    expect(audit[0]).toMatchObject({ after: { format: "records", reveals: true } });
  });

  it("is no matter of replays to a topic, and no other replay under the same name", async () => {
    const { run } = await project();
    const toTopic = await run(...replay.slice(0, -1), "--to-topic", "shop.more", "--reveal");
    expect(toTopic).toMatchObject({ code: 2, stderr: expect.stringContaining("--reveal is for --to-file") });
    expect(await run(...replay, "file", "--id", "one")).toMatchObject({ code: 0 });
    const again = await run(...replay, "file", "--id", "one", "--reveal");
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("REPLAY_ID_TAKEN") });
  });
});

interface Audited {
  readonly action: string;
  readonly outcome: string;
}

async function auditOf(run: (...args: readonly string[]) => Promise<{ readonly stdout: string }>) {
  return JSON.parse((await run("audit", "-o", "json")).stdout) as readonly Audited[];
}
