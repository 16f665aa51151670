import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { openDataDirectory } from "../../runtime/log/embedded/data-directory.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { mulgil, objectsIn, startMulgil, temporaryFolder } from "./support/mulgil.ts";

const EVENTS = JSON.stringify({
  type: "record",
  name: "Event",
  topic: "events",
  key: "id",
  partitions: 2,
  fields: [{ name: "id", type: "string" }],
});

/** Counts events by key. */
const JOB = `
  import { count, defineJob, type Schema, topic } from "mulgil";
  const event = { avro: ${EVENTS} } as Schema<{ readonly id: string }>;
  const totals = { avro: { type: "record", name: "Total", fields: [{ name: "events", type: "long" }] } } as Schema<{ events: number }>;
  export default defineJob({
    name: "totals",
    version: 1,
    flow(from) {
      from(topic("events", { value: event, key: "id" }))
        .filter(({ id }) => id !== "drop")
        .aggregate("totals", { events: count() })
        .to(topic("totals", { value: totals, keyType: "string" }));
    },
  });
`;

const events = (...ids: readonly string[]) => ids.map((id) => JSON.stringify({ id })).join("\n");

async function project() {
  const cwd = temporaryFolder({ "event.avsc": EVENTS, "job.ts": JOB });
  const env = { MULGIL_DATA_DIR: "data" };
  const write = (...ids: readonly string[]) =>
    mulgil(["write", "events", "-f", "-", "--schemas", "."], { cwd, env, stdin: events(...ids) });
  expect(await write("a", "b", "a", "drop")).toMatchObject({ code: 0, stderr: "" });
  return {
    cwd,
    write,
    run: (...args: readonly string[]) => mulgil(["run", "job.ts", ...args], { cwd, env }),
    start: (...args: readonly string[]) => startMulgil(["run", "job.ts", ...args], { cwd, env }),
    totals: async () => {
      const { stdout } = await mulgil(["read", "totals", "--key-type", "string"], { cwd, env });
      return objectsIn<{ key: string; value: { events: number } }>(stdout).map(
        ({ key, value }) => `${key} ${value.events}`,
      );
    },
  };
}

const isRunning = ({ stdout }: { readonly stdout: string }) => stdout.includes('"message":"running"');

describe("mulgil run", () => {
  it("only verifies topics with --topics verify: tells all that are missing, and makes none", async () => {
    const { cwd, run } = await project();
    const { code, stderr } = await run("--topics", "verify", "--until-idle");
    expect(code).toBe(1);
    for (const topic of ["totals", "totals.dlq", "totals.totals.changelog", "mulgil.plans"])
      expect(stderr).toContain(`kafka-topics.sh --create --topic ${topic} --partitions`);
    expect(stderr).not.toContain("--topic events");
    const { stdout } = await mulgil(["topics"], { cwd, env: { MULGIL_DATA_DIR: "data" } });
    expect(stdout).not.toContain("totals");
  });

  it("ends with --until-idle when everything is done, with a summary a job as JSON lines", async () => {
    const { run, totals } = await project();
    const { code, stdout, stderr } = await run("--until-idle");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(objectsIn(stdout).at(-1)).toMatchObject({
      level: "info",
      message: "summary",
      job: "totals",
      recordsIn: 4,
      lag: 0,
      deadLetters: 0,
    });
    expect((await totals()).sort()).toEqual(["a 2", "b 1"]);
  });

  it("has nothing to do the second time, and repeats no result", async () => {
    const { run, totals } = await project();
    await run("--until-idle");
    const again = await run("--until-idle", "--workers", "2");
    expect(objectsIn(again.stdout).at(-1)).toMatchObject({ message: "summary", recordsIn: 0, recordsOut: 0 });
    expect(await totals()).toHaveLength(2);
  });

  it("writes for people with --log-format pretty", async () => {
    const { run } = await project();
    const { stdout } = await run("--until-idle", "--log-format", "pretty");
    expect(stdout).toMatch(/^totals {2}4 in, \d+ out, lag 0$/m);
  });

  it("drains and exits with 0 on SIGTERM, and goes on where it was", async () => {
    const { start, write, run, totals } = await project();
    const running = start();
    await running.until(isRunning);
    // Beside the running job, through its socket.
    expect(await write("c")).toMatchObject({ code: 0, stderr: "" });
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0, signal: null, stderr: "" });
    await run("--until-idle");
    expect((await totals()).sort()).toEqual(["a 2", "b 1", "c 1"]);
  });

  it("ends at once at the second signal, with the exit code of the signal", async () => {
    const { start, run, totals } = await project();
    const running = start();
    await running.until(isRunning);
    running.process.kill("SIGINT");
    running.process.kill("SIGTERM");
    const { code } = await running.ended;
    // Both signals may arrive after the drain, which is quick here: then it had ended well already.
    expect([0, 130, 143]).toContain(code);
    await run("--until-idle");
    expect((await totals()).sort()).toEqual(["a 2", "b 1"]);
  });

  it("prints results while another command follows them", async () => {
    const { cwd, start, run, write } = await project();
    await run("--until-idle");
    const following = startMulgil(["read", "totals", "-d", "data", "--from", "latest", "--follow"], { cwd });
    const running = start();
    await running.until(isRunning);
    await write("z");
    await following.until(({ stdout }) => stdout.includes('"key":"z"'));
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  it("says who has the data directory when it is locked", async () => {
    const { cwd, run } = await project();
    const { close } = await openDataDirectory(path.join(cwd, "data"), { clock: systemClock, mode: "owner" });
    const { code, stderr } = await run("--until-idle");
    await close();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`^mulgil: the data directory .* is in use by process ${process.pid}; .* \\[DATA_DIR_LOCKED\\]\\n$`),
    );
  });

  it("sends a record whose step throws to the dead letters, and goes on with the others", async () => {
    const { cwd, run } = await project();
    const picky = JOB.replace('id !== "drop"', '{ if (id === "b") throw new Error("not b"); return true; }');
    writeFileSync(path.join(cwd, "job.ts"), picky);
    const { code, stdout, stderr } = await run("--until-idle");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(objectsIn(stdout).at(-1)).toMatchObject({ message: "summary", recordsIn: 4, deadLetters: 1 });
    const letters = objectsIn((await mulgil(["read", "totals.dlq", "-d", "data"], { cwd })).stdout);
    expect(letters).toMatchObject([
      { key: "b", value: { id: "b" }, headers: { "mulgil.dlq.message": "not b", "mulgil.dlq.topic": "events" } },
    ]);
  });

  it("names the topic that a job reads and nobody has written", async () => {
    const { cwd } = await project();
    const { code, stderr } = await mulgil(["run", "job.ts", "-d", "empty", "--until-idle"], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/topic "events" does not exist: .*TOPIC_MISSING/s);
  });

  it.each([
    [["run"], /missing required argument/],
    [["run", "job.ts", "--workers", "none"], /whole number/],
    [["run", "job.ts", "--drain-timeout", "soon"], /duration like/],
    [["run", "job.ts", "--log-format", "xml"], /Allowed choices are json, pretty/],
  ])("refuses wrong usage with 2: %j", async (args, message) => {
    const { code, stderr } = await mulgil(args, { cwd: temporaryFolder({ "job.ts": JOB }) });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
