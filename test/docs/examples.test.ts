import { rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type Job, validate } from "mulgil";
import { afterAll, describe, expect, it } from "vitest";
import { fencesOf, typeErrors, writeExamples } from "./examples.ts";

const { folder, examples } = writeExamples(["docs/JOBS.md", "README.md"]);
afterAll(() => rmSync(folder, { recursive: true }));

const load = (file: string): Promise<Readonly<Record<string, unknown>>> => import(pathToFileURL(file).href);
const isJob = (value: unknown): value is Job => typeof value === "object" && value !== null && "topology" in value;
const jobs = examples.filter(({ content }) => content.includes("defineJob("));
const tests = examples.filter(({ content }) => content.includes('from "vitest"'));

describe("the examples of docs/JOBS.md and README.md", () => {
  it("are there", () => {
    expect(examples.map(({ place }) => place.split(":")[0])).toEqual(
      expect.arrayContaining(["docs/JOBS.md", "README.md"]),
    );
    expect(tests).not.toEqual([]);
  });

  it("compile against the package", { timeout: 120_000 }, () => {
    expect(typeErrors(examples.map(({ file }) => file))).toEqual([]);
  });

  it.each(jobs)("define jobs without a mistake: $place", async ({ file }) => {
    const found = Object.values(await load(file)).filter(isJob);
    expect(found).not.toEqual([]);
    expect(found.flatMap((job) => validate(job))).toEqual([]);
  });
});

describe("the tests in docs/JOBS.md", async () => {
  // Loading them here makes them tests of this file.
  for (const { file } of tests) await load(file);
});

describe("fencesOf", () => {
  it("knows what stands behind the backticks, and where", () => {
    expect(fencesOf("text\n```ts\na\nb\n```\n```sh\nc\n```\n")).toEqual([
      { info: "ts", content: "a\nb\n", line: 3 },
      { info: "sh", content: "c\n", line: 7 },
    ]);
  });
});
