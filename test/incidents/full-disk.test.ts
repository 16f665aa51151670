import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { REPOSITORY } from "../cli/support/mulgil.ts";
import { Patient } from "./support/patient.ts";
import { ownMounts } from "./support/small-disk.ts";

const way = ownMounts();

/** The job runs while its disk fills up; nobody else sees that disk. What each command said lies beside it. */
const SCRIPT = `
  set -u
  mulgil() { "$MULGIL" "$@"; }
  write() { for id in $(seq 1 200); do echo "{\\"id\\":\\"$1-$id\\",\\"amount\\":1}"; done | mulgil write events -f -; }
  mount -t tmpfs -o size=24m none data
  write first > write.out 2>&1 || exit 11
  "$MULGIL" run job.ts > first-run.out 2> first-run.err &
  run=$!
  for look in $(seq 1 60); do mulgil status 2>&1 | grep -q "running  1 worker  lag 0" && break; sleep 1; done
  mulgil status > before.out 2>&1
  dd if=/dev/zero of=data/filler bs=4k > /dev/null 2>&1
  mulgil doctor --no-sample > during.out 2>&1; echo $? > during.code
  write second > write-full.out 2>&1
  kill -TERM $run
  wait $run; echo $? > first-run.code
  timeout 60 "$MULGIL" run job.ts --until-idle > run.out 2> run.err; echo $? > run.code
  mulgil doctor --no-sample > after.out 2>&1; echo $? > after.code
  mulgil status > status.out 2>&1; echo $? > status.code
  rm data/filler
  timeout 60 "$MULGIL" run job.ts --until-idle > again.out 2>&1; echo $? > again.code
`;

describe.skipIf(way === undefined)("incident: a full disk", { timeout: 240_000 }, () => {
  it("is named while the job runs, after it has ended, and by what ended; with room again it goes on", async () => {
    const { cwd } = new Patient();
    mkdirSync(path.join(cwd, "data"));
    writeFileSync(path.join(cwd, "incident.sh"), SCRIPT);
    const [command, ...args] = [...way!, "sh", "incident.sh"];
    const env = {
      ...process.env,
      MULGIL: path.join(REPOSITORY, "scripts/mulgil"),
      MULGIL_DATA_DIR: "data",
      NO_COLOR: "1",
    };
    const [code] = await once(spawn(command!, args, { cwd, env, stdio: "ignore" }), "close");
    const said = (file: string) => readFileSync(path.join(cwd, file), "utf8");
    expect(code, said("write.out")).toBe(0);
    expect(said("before.out")).toMatch(/running {2}1 worker {2}lag 0 {2}ok/);

    const full = new RegExp(
      `error {2}disk {2}the disk of ${path.join(cwd, "data")} is full: nothing can be committed there`,
    );
    expect(said("during.out")).toMatch(full);
    expect(said("during.code")).toBe("3\n");
    expect(said("run.code")).not.toBe("0\n");
    expect(said("run.err")).toMatch(/^mulgil: the disk is full: .*\[DISK_FULL\]\n$/);
    expect(said("after.out")).toMatch(full);
    expect(said("after.out")).toMatch(/ of 25 MB are free \(0%\)\n/);
    expect(said("after.code")).toBe("3\n");
    expect(said("status.out")).toMatch(/the disk (is full|of \S+ is full)/);
    expect(said("again.code"), said("again.out")).toBe("0\n");
  });
});
