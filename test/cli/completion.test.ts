import { spawnSync } from "node:child_process";
import path from "node:path";
import { expect, it } from "vitest";
import { mulgil, REPOSITORY } from "./support/mulgil.ts";

/** What bash offers for a line, once it has read the script. */
function offered(line: string): readonly string[] {
  const words = line.split(" ");
  const script = `
    set -eu
    source <(mulgil completion bash)
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}) COMP_CWORD=${words.length - 1}
    _mulgil
    printf '%s\\n' "\${COMPREPLY[@]:-}"
    complete -p mulgil >&2`;
  const PATH = `${path.join(REPOSITORY, "scripts")}:${process.env["PATH"]}`;
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script], {
    env: { ...process.env, PATH },
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "complete -o bashdefault -o default -F _mulgil mulgil\n" });
  return stdout.split("\n").filter((each) => each !== "");
}

it("completes commands, options and choices in bash, and leaves files to it", { timeout: 60_000 }, () => {
  expect(offered("mulgil circ")).toEqual(["circuits"]);
  expect(offered("mulgil circuits op")).toEqual(["open"]);
  expect(offered("mulgil topics -o ")).toEqual(["table", "json", "yaml"]);
  expect(offered("mulgil run --unt")).toEqual(["--until-idle"]);
  expect(offered("mulgil run jobs/ba")).toEqual([]);
});

it("names the shells that it knows", async () => {
  expect(await mulgil(["completion", "tcsh"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("bash, zsh, fish"),
  });
});
