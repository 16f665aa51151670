import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { mulgil, temporaryFolder } from "./support/mulgil.ts";

const TOPICS = `
  const schema = { avro: { type: "record", name: "Click", fields: [{ name: "user", type: "string" }] } } as const;
  const clicks = topic("clicks", { value: schema as Schema<{ readonly user: string }>, key: "user" });`;
const HEAD = `import { count, defineJob, type Schema, topic, tumbling } from "mulgil";${TOPICS}`;
const GOOD = `${HEAD}
  const counts = topic("counts", { value: { avro: { type: "record", name: "Counts", fields: [{ name: "clicks", type: "long" }] } } as Schema<{ clicks: number }>, keyType: "string" });
  export const clicksADay = defineJob({ name: "clicks-a-day", version: 1, flow(from) {
    from(clicks).window(tumbling("1 day", { grace: "1 hour" })).aggregate("by-day", { clicks: count() }).map(({ clicks }) => ({ clicks })).to(counts);
  } });`;
const BAD = `${HEAD}
  export default defineJob({ name: "bad", version: 1, flow(from) {
    from(clicks).window(tumbling("0 days", { grace: "soon" })).aggregate("by day", { clicks: count() });
  } });`;

const inFolder = (files: Readonly<Record<string, string>>) => {
  const cwd = temporaryFolder(files);
  return (...args: readonly string[]) => mulgil(args, { cwd });
};

describe("mulgil validate", () => {
  it("reports every mistake of every file with its code, step and remedy", async () => {
    const run = inFolder({
      "bad.ts": BAD,
      "good.ts": GOOD,
      "broken.ts": "export const one = 1;\nthrow new Error('boom');\n",
    });
    const { code, stdout, stderr } = await run("validate", "bad.ts", "good.ts", "broken.ts");
    expect(code).toBe(1);
    expect(stdout).toMatch(/bad\.ts, job bad, by day\n {2}JOB_STEP_NAME {2}/);
    expect(stdout).toMatch(/JOB_WINDOW_SIZE {2}/);
    expect(stdout).toMatch(/JOB_WINDOW_DURATION {2}/);
    expect(stdout).toMatch(/broken\.ts\n {2}JOB_FILE_LOAD {2}the job file broken\.ts:2 cannot be loaded: Error: boom/);
    expect(stdout).not.toContain("good.ts");
    expect(stderr).toMatch(/^mulgil: \d+ mistakes in 2 of 3 files \[VALIDATE_FAILED\]\n$/);
  });

  it("says that there are none", async () => {
    const run = inFolder({ "good.ts": GOOD });
    expect(await run("validate", "good.ts")).toMatchObject({
      code: 0,
      stdout: "no mistakes in clicks-a-day\n",
      stderr: "",
    });
  });
});

describe("mulgil describe", () => {
  it("prints the plan as text, Mermaid and JSON", async () => {
    const run = inFolder({ "good.ts": GOOD });
    const text = await run("describe", "good.ts");
    expect(text).toMatchObject({ code: 0, stderr: "" });
    expect(text.stdout).toMatch(/^job clicks-a-day, version 1/);
    expect((await run("describe", "good.ts", "-o", "mermaid")).stdout).toMatch(/^flowchart LR\n/);
    expect(JSON.parse((await run("describe", "good.ts", "-o", "json")).stdout)).toMatchObject({
      job: "clicks-a-day",
      version: 1,
    });
  });

  it("names the mistakes of a job that cannot be planned", async () => {
    const run = inFolder({ "bad.ts": BAD });
    const { code, stdout, stderr } = await run("describe", "bad.ts");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain('job "bad" has');
    expect(stderr).toContain("JOB_WINDOW_SIZE");
  });
});

describe("a job file", () => {
  it.each<[string, string, RegExp]>([
    [
      "throws",
      "const f = () => {\n  throw new RangeError('out');\n};\nf();",
      /^mulgil: the job file job\.ts:2 cannot be loaded: RangeError: out \[JOB_FILE_LOAD\]\n$/,
    ],
    [
      "uses syntax that Node cannot strip",
      "export const a = 1;\nenum Colour { Red }",
      /job\.ts:2 cannot be loaded: .*without enum.*\[JOB_FILE_LOAD\]/,
    ],
    ["is no TypeScript", "export const a = ;", /job\.ts:1 cannot be loaded: .*\[JOB_FILE_LOAD\]/],
    [
      "imports what is not there",
      'import "./nope.ts";',
      /job\.ts cannot be loaded: Cannot find module .*nope\.ts.*check the path.*\[JOB_FILE_LOAD\]/,
    ],
    [
      "imports a name that mulgil does not have",
      'import { dance } from "mulgil";',
      /job\.ts:1 cannot be loaded: .*does not provide an export named 'dance'.*\[JOB_FILE_LOAD\]/,
    ],
    ["exports no job", "export const a = 1;", /^mulgil: job\.ts exports no job: .*defineJob.* \[JOB_FILE_EMPTY\]\n$/],
    ["throws no Error", "throw 'text';", /job\.ts cannot be loaded: it throws text \[JOB_FILE_LOAD\]/],
  ])("that %s is reported in one message", async (_name, source, message) => {
    const run = inFolder({ "job.ts": source });
    const { code, stdout, stderr } = await run("run", "job.ts");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  it("that is missing is reported before anything runs", async () => {
    const run = inFolder({ "good.ts": GOOD });
    const { code, stderr } = await run("run", "good.ts", "nope.ts");
    expect(code).toBe(1);
    expect(stderr).toBe("mulgil: the job file nope.ts does not exist: check its name [JOB_FILE_MISSING]\n");
  });

  it("in a package of CommonJS says what to change", async () => {
    const run = inFolder({ "package.json": '{ "type": "commonjs" }', "job.ts": GOOD });
    expect((await run("validate", "job.ts")).stderr).toMatch(/write "type": "module" in the nearest package\.json/);
  });

  it("without a job is passed over beside others, and so are tests", async () => {
    const run = inFolder({
      "good.ts": GOOD,
      "topics.ts": "export const a = 1;",
      "good.test.ts": "throw new Error('a test');",
    });
    expect(await run("validate", "good.test.ts", "good.ts", "topics.ts")).toMatchObject({
      code: 0,
      stdout: "no mistakes in clicks-a-day\n",
    });
  });

  it("may not give its job the name of another", async () => {
    const run = inFolder({ "good.ts": GOOD, "copy.ts": GOOD });
    const { code, stderr } = await run("describe", "good.ts", "copy.ts");
    expect(code).toBe(1);
    expect(stderr).toMatch(/two jobs are called "clicks-a-day", in good\.ts and copy\.ts.*\[JOB_NAME_DUPLICATE\]/);
  });
});

describe("mulgil types", () => {
  const AVSC = JSON.stringify({
    type: "record",
    name: "Click",
    topic: "clicks",
    key: "user",
    fields: [{ name: "user", type: "string" }],
  });

  it("writes the types of the schemas, and --check tells when they are not current", async () => {
    const cwd = temporaryFolder();
    mkdirSync(path.join(cwd, "schemas"));
    writeFileSync(path.join(cwd, "schemas", "click.avsc"), AVSC);
    const run = (...args: readonly string[]) => mulgil(["types", ...args], { cwd });
    expect(await run("--check")).toMatchObject({
      code: 1,
      stdout: "schemas/types/click.ts: missing\n",
      stderr: expect.stringContaining("[TYPES_STALE]"),
    });
    expect(await run()).toMatchObject({ code: 0, stdout: "schemas/types/click.ts: written\n" });
    expect(readFileSync(path.join(cwd, "schemas", "types", "click.ts"), "utf8")).toContain("export interface Click");
    expect(await run("--check")).toMatchObject({ code: 0, stdout: "the generated types are current\n" });
    writeFileSync(path.join(cwd, "schemas", "click.avsc"), AVSC.replace('"user","type"', '"user","doc":"Who.","type"'));
    expect(await run("--check")).toMatchObject({ code: 1, stdout: "schemas/types/click.ts: not current\n" });
  });

  it("says what is wrong with a schema", async () => {
    const cwd = temporaryFolder({ "click.avsc": '{ "type": "record" }' });
    const { code, stderr } = await mulgil(["types", "--schemas", "."], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^mulgil: click\.avsc: .*\[SCHEMA_FILE\]\n$/);
  });

  it("needs a folder of schemas", async () => {
    const { code, stderr } = await mulgil(["types"], { cwd: temporaryFolder() });
    expect(code).toBe(1);
    expect(stderr).toMatch(/the folder \.\/schemas does not exist.*\[FILE_MISSING\]/);
  });
});
