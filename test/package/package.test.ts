import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const REPOSITORY = path.resolve(import.meta.dirname, "../..");
const CURRENT_NODE = path.join(REPOSITORY, "node_modules", ".bin");

/** As a user's repository has it: a job with a schema of its own, nothing compiled. */
const JOB = `
  import { count, defineJob, type Schema, topic } from "mulgil";
  interface Visit { readonly page: string }
  const visit: Schema<Visit> = { avro: { type: "record", name: "Visit", topic: "visits", key: "page", fields: [{ name: "page", type: "string" }] } };
  const total: Schema<{ visits: number }> = { avro: { type: "record", name: "Total", fields: [{ name: "visits", type: "long" }] } };
  export const visits = topic("visits", { value: visit, key: "page" });
  export default defineJob({
    name: "visits",
    version: 1,
    flow(from) {
      from(visits).aggregate("totals", { visits: count() }).to(topic("visit-totals", { value: total, keyType: "string" }));
    },
  });
`;
const SCHEMA =
  '{ "type": "record", "name": "Visit", "topic": "visits", "key": "page", "fields": [{ "name": "page", "type": "string" }] }';

let folder: string;

/** Runs a program in the folder, with a Node in front of the PATH. */
function inFolder(
  command: string,
  args: readonly string[],
  options: { readonly node: string; readonly input?: string },
) {
  const { MULGIL_DATA_DIR: _folder, MULGIL_DEBUG: _debug, ...inherited } = process.env;
  const env = { ...inherited, PATH: `${options.node}${path.delimiter}${process.env["PATH"]}`, NODE_OPTIONS: "" };
  return spawnSync(command, args, {
    cwd: folder,
    env,
    encoding: "utf8",
    ...(options.input !== undefined && { input: options.input }),
  });
}

const mulgil = (args: readonly string[], options: { readonly node?: string; readonly input?: string } = {}) =>
  inFolder(path.join(folder, "node_modules", ".bin", "mulgil"), args, { node: CURRENT_NODE, ...options });

describe("the published package", () => {
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "mulgil-package-"));
    const packed = spawnSync("npm", ["pack", "--pack-destination", folder, "--json"], {
      cwd: REPOSITORY,
      encoding: "utf8",
    });
    expect(packed.status, packed.stderr).toBe(0);
    writeFileSync(path.join(folder, "package.json"), '{ "private": true, "type": "module" }');
    const tarball = /mulgil-[\d.]+\.tgz/.exec(packed.stdout)?.[0];
    const installed = inFolder("npm", ["install", `./${tarball}`, "--prefer-offline", "--no-audit", "--no-fund"], {
      node: CURRENT_NODE,
    });
    expect(installed.status, installed.stderr).toBe(0);
    writeFileSync(path.join(folder, "job.ts"), JOB);
    writeFileSync(path.join(folder, "visit.avsc"), SCHEMA);
  }, 180_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("holds what it needs, and neither sources nor tests", () => {
    const has = (file: string) => existsSync(path.join(folder, "node_modules", "mulgil", file));
    for (const file of [
      "dist/runtime/index.js",
      "dist/runtime/index.d.ts",
      "dist/scripts/main.js",
      "scripts/mulgil",
      "README.md",
      "LICENSE",
    ]) {
      expect([file, has(file)]).toEqual([file, true]);
    }
    for (const file of [
      "runtime",
      "jobs",
      "test",
      "schemas",
      "dist/scripts/verify.js",
      "dist/scripts/demo.js",
      "dist/scripts/institutions",
      "dist/jobs",
    ]) {
      expect([file, has(file)]).toEqual([file, false]);
    }
  });

  it("runs a job file as it is, in a folder with nothing else", () => {
    const input = ["a", "b", "a"].map((page) => JSON.stringify({ page })).join("\n");
    expect(mulgil(["write", "visits", "-f", "-", "--schema", "visit.avsc"], { input })).toMatchObject({
      status: 0,
      stderr: "",
    });
    expect(mulgil(["run", "job.ts", "--until-idle"])).toMatchObject({ status: 0, stderr: "" });
    const { stdout } = mulgil(["read", "visit-totals", "-o", "ndjson"]);
    const totals = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { key: string; value: object });
    expect(totals.map(({ key, value }) => [key, value]).sort()).toEqual([
      ["a", { visits: 2 }],
      ["b", { visits: 1 }],
    ]);
  });

  it("knows its version, and can be imported", () => {
    expect(mulgil(["--version"]).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const imported = inFolder(
      "node",
      ["-e", 'const { Decimal } = await import("mulgil"); console.log(String(Decimal.of("1.10")));'],
      { node: CURRENT_NODE },
    );
    expect(imported).toMatchObject({ status: 0, stdout: "1.10\n" });
  });

  it("says in one line that a Node is too old, whatever is asked", () => {
    const old = oldNode();
    const { status, stdout, stderr } = mulgil(["run", "job.ts"], { node: old });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(
      /^mulgil: found Node\.js v(?:1\d|2[0-3])\.\d+\.\d+, but Mulgil needs Node\.js 24 or newer, .*\n$/,
    );
  });
});

/** The folder of the machine's own Node if that is an old one, else of something that answers like one. */
function oldNode(): string {
  const machines = process.env["PATH"]!.split(path.delimiter).filter(
    (each) => each !== CURRENT_NODE && existsSync(path.join(each, "node")),
  );
  const isOld = (each: string) =>
    /^v(?:1\d|2[0-3])\./.test(spawnSync(path.join(each, "node"), ["--version"], { encoding: "utf8" }).stdout);
  const found = machines.find(isOld);
  if (found !== undefined) return found;
  const stand = mkdtempSync(path.join(folder, "old-node-"));
  writeFileSync(path.join(stand, "node"), "#!/bin/sh\necho v20.20.2\n", { mode: 0o755 });
  return stand;
}
