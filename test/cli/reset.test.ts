import { describe, expect, it } from "vitest";
import { mulgil, objectsIn, startMulgil, temporaryFolder } from "./support/mulgil.ts";

const JOB = `
  import { count, defineJob, type Schema, topic } from "mulgil";
  const click = { avro: { type: "record", name: "Click", topic: "clicks", key: "user", partitions: 2, fields: [{ name: "user", type: "string" }] } } as Schema<{ readonly user: string }>;
  const counted = { avro: { type: "record", name: "Count", fields: [{ name: "clicks", type: "long" }] } } as Schema<{ clicks: number }>;
  export default defineJob({
    name: "clicks-by-user", version: 1, commitEvery: "50 ms",
    flow: (from) => void from(topic("clicks", { value: click, key: "user" })).aggregate("by-user", { clicks: count() }).to(topic("counts", { value: counted, keyType: "string" })),
  });`;
const SCHEMA = JSON.stringify({
  ...{ type: "record", name: "Click", topic: "clicks", key: "user", partitions: 2 },
  fields: [{ name: "user", type: "string" }],
});

/** A project whose job has counted three clicks. */
async function project() {
  const cwd = temporaryFolder({ "job.ts": JOB, "click.avsc": SCHEMA });
  const run = (...args: readonly string[]) => mulgil(args, { cwd });
  const write = (...users: readonly string[]) =>
    mulgil(["write", "clicks", "-f", "-", "--schema", "click.avsc"], {
      cwd,
      stdin: users.map((user) => JSON.stringify({ user })).join("\n"),
    });
  expect(await write("ann", "bob", "ann")).toMatchObject({ code: 0 });
  expect(await run("run", "job.ts", "--until-idle")).toMatchObject({ code: 0 });
  return {
    ...{ cwd, run, write },
    async counts() {
      const { stdout } = await run("read", "counts");
      return Object.fromEntries(
        objectsIn<{ key: string; value: { clicks: number } }>(stdout).map(({ key, value }) => [key, value.clicks]),
      );
    },
  };
}

describe("mulgil reset", { timeout: 120_000 }, () => {
  it("shows what it would do, does it when it is told to, and records it", async () => {
    const { run, counts } = await project();
    const shown = await run("reset", "clicks-by-user", "--to", "earliest", "--dry-run");
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toMatch(/clicks\/0 +\d+ +0\n/);
    expect(shown.stdout).toMatch(
      /up to \d+ records are read again, and written again to counts, where what is there stays/,
    );
    expect(shown.stdout).toContain("clicks-by-user.by-user.changelog");
    expect(shown.stdout).toContain("nothing was changed: this was a dry run");

    expect(await run("reset", "clicks-by-user", "--to", "earliest", "--why", "test")).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("nothing was changed: nobody can be asked here"),
    });
    expect(await run("reset", "clicks-by-user", "--to", "earliest", "--yes")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[CHANGE_REASON_MISSING]"),
    });
    expect(await run("audit", "-o", "json")).toMatchObject({ code: 0, stdout: "[]\n" });

    const done = await run("reset", "clicks-by-user", "--to", "earliest", "--why", "counted wrongly", "--yes");
    expect(done).toMatchObject({
      code: 0,
      stdout: "job clicks-by-user is reset: it goes on there when it is started\n",
    });
    expect(await run("run", "job.ts", "--until-idle")).toMatchObject({ code: 0 });
    expect(await counts()).toEqual({ ann: 2, bob: 1 });

    const audit = JSON.parse((await run("audit", "-o", "json")).stdout);
    expect(audit).toMatchObject([
      { action: "reset", target: "job clicks-by-user", why: "counted wrongly", outcome: "begun" },
      { action: "reset", outcome: "done", after: { positions: ["clicks/0: 0", "clicks/1: 0"] } },
    ]);
    expect(audit[0].id).toBe(audit[1].id);
    expect((await run("audit")).stdout).toMatch(/^AT +BY +ACTION +TARGET +OUTCOME +WHY\n/);
  });

  it("moves positions alone", async () => {
    const { run, counts } = await project();
    const args = ["reset", "clicks-by-user", "--shift-by=-1", "--keep-state", "--why", "again", "--yes"];
    expect((await run(...args)).stderr).toContain("the state stays: what is read again is added to it once more");
    expect(await run("run", "job.ts", "--until-idle")).toMatchObject({ code: 0 });
    const total = Object.values(await counts()).reduce((sum, clicks) => sum + clicks, 0);
    expect(total).toBeGreaterThan(3);
  });

  it("refuses a job that runs, in the same data directory", async () => {
    const { cwd, run } = await project();
    const running = startMulgil(["run", "job.ts", "--log-format", "json"], { cwd });
    await running.until(({ stdout }) => stdout.includes('"assigned"') || stdout.includes("assigned"));
    const refused = await run("reset", "clicks-by-user", "--to", "earliest", "--why", "x", "--yes");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/job "clicks-by-user" is running.*\[RESET_RUNNING\]/);
  });

  it.each<[readonly string[], number, RegExp]>([
    [
      ["reset", "nobody", "--to", "earliest"],
      1,
      /no job "nobody" has ever run here: there is clicks-by-user \[JOB_UNKNOWN\]/,
    ],
    [["reset", "clicks-by-user", "--to", "soon"], 2, /Write earliest, latest, offset:12, a time/],
    [["reset", "clicks-by-user"], 2, /Say where to/],
    [["reset", "clicks-by-user", "--to", "earliest", "--shift-by=1"], 2, /cannot be used with/],
    [["reset", "clicks-by-user", "--to", "earliest", "--source", "x"], 1, /RESET_SOURCES/],
  ])("refuses %j", async (args, code, message) => {
    const { run } = await project();
    const outcome = await run(...args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(message);
  });
});
