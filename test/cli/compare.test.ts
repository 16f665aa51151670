import { mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Comparison } from "../../scripts/compare/comparison.ts";
import { CompareProject, FIELDS } from "./support/compare-project.ts";
import { startMulgil } from "./support/mulgil.ts";
import { totalsProject } from "./support/totals-project.ts";

const TEST_MAX_MS = 180_000;
const { id, amount, note, at } = FIELDS;
const MASKED = "***masked***";
const rows = (howMany: number) =>
  Array.from({ length: howMany }, (_, number) => ({ id: `c-${number}`, amount: `${number}.50`, at: number }));
const [one, two, three] = rows(3) as [object, object, object];

/** Two topics that say the same. */
async function twins(right: Parameters<CompareProject["write"]>[2] = {}): Promise<CompareProject> {
  const project = new CompareProject();
  await project.write("totals", rows(30));
  await project.write("totals.green", rows(30).toReversed(), right);
  return project;
}

describe("mulgil compare", { timeout: TEST_MAX_MS }, () => {
  it("ends with 0 if two topics say the same, whatever came before, and in whichever partition", async () => {
    const project = await twins({ partitions: 5 });
    await project.write("totals", [{ id: "c-3", amount: "99" }, rows(4)[3]!]);
    const { code, stdout, stderr } = await project.compare("totals", "totals.green");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("totals and totals.green say the same: 30 keys");
    expect(stdout).toMatch(/records read +32 +30\n/);
    expect(stdout).toMatch(/totals was read up to 0:\d+ 1:\d+\n/);
    expect(project.temporaryFolders).toEqual([]);
  });

  it("ends with 3 if they differ, and shows key, field and place", async () => {
    const project = await twins();
    await project.write("totals.green", [{ id: "c-3", amount: "3.51", at: 3 }]);
    const { code, stdout } = await project.compare("totals", "totals.green");
    expect(code).toBe(3);
    expect(stdout).toContain("totals and totals.green DIFFER");
    expect(stdout).toMatch(/different +1 +1\n/);
    expect(stdout).toMatch(/c-3 {2}in totals \d\/\d+, in totals.green \d\/\d+\n {2}amount: "3.50" → "3.51"/);
    expect(await project.compared("totals", "totals.green")).toMatchObject({
      ...{ by: "keys", equal: 29, different: 1, onlyLeft: 0, onlyRight: 0 },
      left: { topic: "totals", records: 30, keys: 30 },
      right: { topic: "totals.green", records: 31, keys: 30 },
      differences: [{ key: "c-3", fields: [{ field: "amount", left: "3.50", right: "3.51" }] }],
    });
  });

  it("finds keys that are missing, and keys that are only in the other", async () => {
    const project = new CompareProject();
    await project.write("totals", [one, two]);
    await project.write("totals.green", [two, three]);
    expect(await project.compared("totals", "totals.green")).toMatchObject({
      ...{ equal: 1, different: 0, onlyLeft: 1, onlyRight: 1 },
      differences: [
        { key: "c-0", left: { value: { id: "c-0", amount: "0.50", note: null, at: 0 } } },
        { key: "c-2", right: { value: { id: "c-2" } } },
      ],
    });
    const { stdout } = await project.compare("totals", "totals.green", "--limit", "1");
    expect(stdout).toContain("c-0  only in totals ");
    expect(stdout).not.toContain("c-2");
    expect(stdout).toContain("1 more: --limit shows them");
    const events = await project.compare("totals", "totals.green", "--events", "--limit", "0");
    expect(events).toMatchObject({ code: 3, stdout: expect.stringContaining("2 more: --limit shows them") });
  });

  it("takes a tombstone for a key that is not there", async () => {
    const project = await twins();
    const gone = { key: "c-1", value: null, timestamp: new Date().toISOString() };
    await project.write("totals", [gone], {}, "--envelope");
    expect(await project.compared("totals", "totals.green")).toMatchObject({ equal: 29, onlyLeft: 0, onlyRight: 1 });
    await project.write("totals.green", [gone, { ...gone, key: "never" }], {}, "--envelope");
    expect(await project.compared("totals", "totals.green")).toMatchObject({ isEqual: true, equal: 29 });
  });

  it("compares values, not bytes: other schemas with other orders of fields", async () => {
    const fields = [
      at,
      { ...amount, type: { ...amount.type, scale: 4 } },
      { ...note, type: ["string", "null"], default: "" },
      id,
    ];
    const project = await twins();
    const others = rows(30).map((row) => ({ ...row, note: null }));
    await project.write("totals.other", others, { fields });
    expect(await project.compared("totals", "totals.other")).toMatchObject({ isEqual: true, equal: 30 });
  });

  it("tells fields that only one of both has, unless they are to be ignored", async () => {
    const cards = {
      type: "array",
      items: { type: "record", name: "Card", fields: [{ name: "changed", type: "long" }] },
    };
    const write = async (topic: string, more: object, fields: readonly object[]) =>
      project.write(topic, [{ id: "c-0", amount: "0.50", ...more }], { fields: [id, amount, ...fields] });
    const project = new CompareProject();
    await write("a", { at: 1, cards: [{ changed: 1 }] }, [at, { name: "cards", type: cards }]);
    await write("b", { cards: [{ changed: 2 }] }, [{ name: "cards", type: cards }]);
    expect(await project.compared("a", "b")).toMatchObject({
      differences: [
        {
          fields: [
            { field: "at", left: 1 },
            { field: "cards[0].changed", left: 1, right: 2 },
          ],
        },
      ],
    });
    expect(await project.compared("a", "b", "--ignore", "at")).toMatchObject({ different: 1 });
    expect(await project.compared("a", "b", "--ignore", "at,cards.changed", "--ignore", "nothing")).toMatchObject({
      ...{ isEqual: true, ignored: ["at", "cards.changed", "nothing"], ignoredInVain: ["nothing"] },
    });
  });

  it("counts every record with --events", async () => {
    const project = await twins();
    await project.write("totals.green", [two]);
    expect(await project.compared("totals", "totals.green")).toMatchObject({ isEqual: true });
    expect(await project.compared("totals", "totals.green", "--events")).toMatchObject({
      ...{ by: "events", equal: 30, onlyLeft: 0, onlyRight: 1 },
      differences: [{ key: "c-1", left: { partition: expect.any(Number) }, right: { times: 2 } }],
    });
    const { code, stdout } = await project.compare("totals", "totals.green", "--events");
    expect(code).toBe(3);
    expect(stdout).toMatch(/c-1 {2}in totals \d\/\d+, 2 times in totals.green \d\/\d+\n {2}\{"id":"c-1"/);
  });

  it("counts records without a key, too, with --events alone", async () => {
    const project = new CompareProject();
    await project.produce("a", { key: null, value: "{}" });
    await project.produce("b", { key: null, value: "{}" }, { key: null, value: "{}" });
    const refused = await project.compare("a", "b");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("COMPARE_KEYLESS") });
    expect(await project.compared("a", "b", "--events")).toMatchObject({
      ...{ equal: 1, onlyRight: 1, differences: [{ key: null, right: { times: 2 } }] },
    });
  });

  it("compares what lies between two times", async () => {
    const project = new CompareProject();
    const of = (key: string, value: string, timestamp: string) => ({
      key,
      timestamp,
      value: { id: key, amount: value },
    });
    const days = [
      of("x", "1", "2026-03-02T00:00:00Z"),
      of("y", "1", "2026-03-02T12:00:00Z"),
      of("y", "2", "2026-03-03T00:00:00Z"),
    ];
    const other = [
      of("w", "1", "2026-03-01T00:00:00Z"),
      of("y", "7", "2026-03-03T00:00:00Z"),
      of("y", "1", "2026-03-02T12:00:00Z"),
      days[0]!,
    ];
    await project.write("a", days, {}, "--envelope");
    await project.write("b", other, {}, "--envelope");
    expect(await project.compared("a", "b")).toMatchObject({ equal: 1, different: 1, onlyRight: 1 });
    const march2 = ["--from", "2026-03-02T00:00:00Z", "--to", "2026-03-03T00:00:00Z"];
    expect(await project.compared("a", "b", ...march2)).toMatchObject({
      isEqual: true,
      equal: 2,
      right: { records: 2 },
    });
  });

  it("compares what cannot be decoded as bytes, and says so", async () => {
    const project = new CompareProject();
    await project.produce("a", { key: "k", value: "{}" });
    await project.produce("b", { key: "k", value: "{}" });
    await project.produce("c", { key: "k", value: "[]" });
    expect(await project.compared("a", "b")).toMatchObject({ isEqual: true, left: { undecoded: 1 } });
    expect(await project.compared("a", "c")).toMatchObject({
      ...{ isEqual: false, differences: [{ key: "k", fields: [{ field: "", left: { $bytes: "e30=" } }] }] },
    });
    expect((await project.compare("a", "c")).stdout).toMatch(/compared as bytes +1 +1\n/);
  });
});

describe("mulgil compare, in a blue/green upgrade", { timeout: TEST_MAX_MS }, () => {
  it("says that the new version computes the same, or which keys it does not", async () => {
    const project = totalsProject();
    await project.write("a", "b", "b", "c", "c", "c");
    project.job("green.ts", { name: "totals-green", version: 2, step: "sums", sink: "totals.green" });
    await project.done("run", "job.ts", "green.ts", "--until-idle");
    const equal = await project.done("compare", "totals", "totals.green", "--key-type", "string");
    expect(equal.stdout).toContain("say the same: 3 keys");
    // The same, but for a mistake that one key shows.
    const wrong = project.read("green.ts").replaceAll("count()", 'sum((one) => (one.id === "b" ? 2 : 1))');
    project.file(
      "wrong.ts",
      wrong
        .replace("import { count,", "import { sum,")
        .replace("totals-green", "totals-wrong")
        .replace("totals.green", "totals.wrong"),
    );
    // Beside a job that runs, as a guest of its data directory.
    const running = project.start("wrong.ts");
    const looking = async () => {
      const { code, stdout } = await project.command(
        "compare",
        "totals",
        "totals.wrong",
        "--key-type",
        "string",
        "-o",
        "json",
      );
      return { code, comparison: code === 3 ? (JSON.parse(stdout) as Comparison) : undefined };
    };
    await expect.poll(looking, { timeout: 60_000, interval: 500 }).toMatchObject({
      code: 3,
      comparison: {
        ...{ equal: 2, different: 1, onlyLeft: 0, onlyRight: 0 },
        differences: [{ key: "b", fields: [{ field: "events", left: 2, right: 4 }] }],
      },
    });
    running.process.kill("SIGTERM");
    await running.ended;
  });
});

describe("mulgil compare and personal data", { timeout: TEST_MAX_MS }, () => {
  const PHONES = ["010-1234-5678", "010-8765-4321"];
  const row = (phone: string, amountText: string, key = "010-7777-7777") => ({ id: key, phone, amount: amountText });
  const NEW_CUSTOMER = "010-9999-9999";

  /** Only the schema of the old topic says what is personal. */
  async function project(): Promise<CompareProject> {
    const made = new CompareProject();
    const phone = { name: "phone", type: "string" };
    const tagged = { fields: [{ ...id, pii: "mask" }, { ...phone, pii: "mask" }, amount] };
    await made.write("totals", [row(PHONES[0]!, "1.00")], tagged);
    await made.write("totals.green", [row(PHONES[1]!, "2.00"), row(NEW_CUSTOMER, "3.00", NEW_CUSTOMER)], {
      fields: [amount, phone, id],
    });
    return made;
  }

  it("is hidden on both sides if one topic says that it is personal; that it differs is told", async () => {
    const made = await project();
    const { stdout, stderr } = await made.compare("totals", "totals.green");
    const { stdout: json } = await made.compare("totals", "totals.green", "-o", "json");
    for (const secret of [...PHONES, "7777", NEW_CUSTOMER]) expect(stdout + stderr + json).not.toContain(secret);
    expect(stdout).toContain("  phone: differs, and is personal data");
    expect(stdout).toContain('  amount: "1.00" → "2.00"');
    expect(JSON.parse(json)).toMatchObject({
      differences: [
        {
          key: MASKED,
          fields: [
            { field: "amount", left: "1.00", right: "2.00" },
            { field: "phone", hidden: true },
          ],
        },
        { key: MASKED, right: { value: { id: MASKED, phone: MASKED, amount: "3.00" } } },
      ],
    });
  });

  it("is shown with --reveal and a reason, which is recorded", async () => {
    const made = await project();
    const silent = await made.compare("totals", "totals.green", "--reveal");
    expect(silent).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("CHANGE_REASON_MISSING") });
    expect(await made.compared("totals", "totals.green", "--reveal", "--why", "ticket 4711")).toMatchObject({
      differences: [
        { key: "010-7777-7777", fields: [{}, { field: "phone", left: PHONES[0], right: PHONES[1] }] },
        { key: NEW_CUSTOMER },
      ],
    });
    const trail = JSON.parse((await made.done(["audit", "-o", "json"])).stdout);
    expect(trail).toMatchObject([
      { action: "reveal", why: "ticket 4711", target: "topics totals and totals.green, at most 10 keys" },
    ]);
  });
});

describe("mulgil compare, interrupted", { timeout: TEST_MAX_MS }, () => {
  it.each([
    { signals: ["SIGINT"], code: 1, says: "COMPARE_INTERRUPTED" },
    { signals: ["SIGINT", "SIGTERM"], code: 143, says: "" },
  ] as const)("by $signals leaves nothing behind", async ({ signals, code, says }) => {
    const project = totalsProject();
    await project.write("a", "b");
    const owner = project.start("job.ts", "--progress-every", "200ms");
    await owner.until(({ stdout }) => stdout.includes('"recordsIn":2'));
    const temporary = path.join(project.cwd, "temporary");
    mkdirSync(temporary);
    // While the process that has the data directory stands still, so does the comparison.
    owner.process.kill("SIGSTOP");
    const env = { MULGIL_DATA_DIR: "data", TMPDIR: temporary };
    const comparing = startMulgil(["compare", "events", "totals"], { cwd: project.cwd, env });
    const folders = () => readdirSync(temporary).filter((name) => name.startsWith("mulgil-compare-"));
    await expect.poll(folders, { timeout: 60_000, interval: 20 }).toHaveLength(1);
    for (const signal of signals) comparing.process.kill(signal);
    if (signals.length > 1) expect(await comparing.ended).toMatchObject({ code, stdout: "" });
    owner.process.kill("SIGCONT");
    expect(await comparing.ended).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(says) });
    expect(folders()).toEqual([]);
  });
});

describe("mulgil compare, asked wrongly", { timeout: TEST_MAX_MS }, () => {
  const CASES = [
    { args: ["totals", "nowhere"], code: 1, says: 'topic "nowhere" does not exist: there are totals, totals.green' },
    { args: ["totals", "totals"], code: 2, says: "the same topic" },
    { args: ["totals"], code: 2, says: "missing required argument 'other'" },
    { args: ["totals", "totals.green", "--from", "offset:3"], code: 2, says: "the same offset is another record" },
    { args: ["totals", "totals.green", "--from", "latest"], code: 2, says: "Write earliest, a time" },
    { args: ["totals", "totals.green", "--from", "soon"], code: 2, says: "Write earliest, a time" },
    { args: ["totals", "totals.green", "--from", "1h", "--to", "2h"], code: 2, says: "--from has to be before --to" },
    { args: ["totals", "totals.green", "--to", "2020-01-01"], code: 1, says: "between --from and --to" },
    { args: ["totals", "totals.green", "--ignore", "cards[0].at"], code: 2, says: "without indices" },
    { args: ["totals", "totals.green", "--limit", "-1"], code: 2, says: "--limit" },
  ];

  it("says what is wrong, and leaves nothing behind", async () => {
    const project = new CompareProject();
    await project.write("totals", [one]);
    await project.write("totals.green", [one]);
    for (const { args, code, says } of CASES) {
      const outcome = await project.compare(...args);
      expect(outcome, args.join(" ")).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(says) });
      expect(project.temporaryFolders).toEqual([]);
    }
  });

  it("says where there is no data", async () => {
    const outcome = await new CompareProject().compare("a", "b");
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining("DATA_DIR_MISSING") });
  });
});
