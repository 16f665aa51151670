import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { mulgil, temporaryFolder } from "./support/mulgil.ts";

function atHome(files: Readonly<Record<string, string>> = {}) {
  const cwd = temporaryFolder(files);
  return {
    cwd,
    run: (...args: readonly string[]) =>
      mulgil(args, { cwd, env: { MULGIL_PROFILES: path.join(cwd, "p", "profiles.json") } }),
  };
}

describe("mulgil profile", { timeout: 60_000 }, () => {
  it("keeps clusters under names, for commands to use", async () => {
    const { cwd, run } = atHome({
      "rows.ndjson": '{"user":"ann"}\n',
      "click.avsc": '{"type":"record","name":"Click","fields":[{"name":"user","type":"string"}]}',
    });
    expect(await run("profile", "add", "laptop", "--data-dir", path.join(cwd, "there"))).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "",
    });
    expect(
      await run(
        "profile",
        "add",
        "production",
        "--kafka",
        "broker:9092",
        "--registry",
        "http://registry:8081",
        "--set",
        "MULGIL_KAFKA_TLS=true",
      ),
    ).toMatchObject({ code: 0 });
    expect(await run("profile", "use", "laptop")).toMatchObject({ code: 0 });
    expect((await run("profile")).stdout).toMatch(
      /^ +NAME .*\n\* +laptop .*\n +production +broker:9092 +http:\/\/registry:8081 +MULGIL_KAFKA_TLS\n$/,
    );
    const { mode } = statSync(path.join(cwd, "p", "profiles.json"));
    expect(mode & 0o077).toBe(0);

    expect(await run("write", "clicks", "-f", "rows.ndjson", "--schema", "click.avsc")).toMatchObject({ code: 0 });
    expect((await mulgil(["topics", "-d", "there"], { cwd })).stdout).toContain("clicks");
    expect((await run("topics", "--profile", "laptop", "-o", "yaml")).stdout).toMatch(
      /^- topic: clicks\n {2}partitions: \d+\n/,
    );
    expect(await run("profile", "remove", "laptop")).toMatchObject({ code: 0 });
    expect(JSON.parse((await run("profile", "ls", "-o", "json")).stdout)).toEqual({
      profiles: {
        production: { MULGIL_KAFKA: "broker:9092", MULGIL_REGISTRY: "http://registry:8081", MULGIL_KAFKA_TLS: "true" },
      },
    });
  });

  it.each<[readonly string[], number, RegExp]>([
    [["profile", "add", "p", "--set", "MULGIL_KAFKA_PASSWORD=secret"], 1, /\[PROFILE_SECRET\]/],
    [["profile", "add", "p", "--registry", "http://ana:secret@registry"], 1, /\[PROFILE_SECRET\]/],
    [["profile", "add", "p", "--set", "PATH=/bin"], 1, /a profile cannot set PATH.*\[PROFILE_SETTING\]/],
    [["profile", "add", "p"], 2, /Say what it is to name/],
    [["profile", "add", "a b", "-d", "x"], 2, /letters, digits/],
    [["profile", "use", "nothing"], 1, /there is no profile "nothing": there is none \[PROFILE_UNKNOWN\]/],
    [["status", "--profile", "nothing"], 1, /\[PROFILE_UNKNOWN\]/],
  ])("refuses %j", async (args, code, message) => {
    const { run } = atHome();
    const outcome = await run(...args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toMatch(/[:=]secret/);
  });

  it("says which file is broken, and leaves it", async () => {
    const { cwd } = atHome();
    const file = path.join(cwd, "broken.json");
    writeFileSync(file, "{");
    const { code, stderr } = await mulgil(["status"], { cwd, env: { MULGIL_PROFILES: file } });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/broken\.json is no file of profiles.*\[PROFILES_FILE\]/),
    });
    expect(readFileSync(file, "utf8")).toBe("{");
  });
});
