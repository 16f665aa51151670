import os from "node:os";
import { describe, expect, it } from "vitest";
import { mulgil, objectsIn, startMulgil, temporaryFolder } from "./support/mulgil.ts";

const EVENTS = JSON.stringify({
  ...{ type: "record", name: "Event", topic: "events", key: "id", partitions: 2 },
  fields: [{ name: "id", type: "string" }],
});

const jobSource = (name: string) => `
  import { count, defineJob, type Schema, topic } from "mulgil";
  const event = { avro: ${EVENTS} } as Schema<{ readonly id: string }>;
  export default defineJob({
    name: "${name}",
    version: 1,
    commitEvery: "50 ms",
    flow(from) {
      from(topic("events", { value: event, key: "id" })).to(topic("${name}-copies", { value: event, key: "id" }));
    },
  });
`;

const SOON = { timeout: 60_000 };
const SURE = ["--yes", "--why", "tried"];

/** A user's folder with two jobs over the same events. */
async function project() {
  const cwd = temporaryFolder({ "event.avsc": EVENTS, "one.ts": jobSource("one"), "two.ts": jobSource("two") });
  const env = { MULGIL_DATA_DIR: "data" };
  const command = (...args: readonly string[]) => mulgil(args, { cwd, env });
  let written = 0;
  const write = async (records: number) => {
    const ids = Array.from({ length: records }, () => JSON.stringify({ id: String(written++) }));
    expect(
      await mulgil(["write", "events", "-f", "-", "--schemas", "."], { cwd, env, stdin: ids.join("\n") }),
    ).toMatchObject({ code: 0 });
  };
  await write(10);
  const json = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await command(...args, "-o", "json");
    expect({ code, stderr }, args.join(" ")).toMatchObject({ code: 0 });
    return JSON.parse(stdout);
  };
  const statusOf = async (job: string) =>
    (await json("status")).find((each: { readonly job: string }) => each.job === job);
  return {
    ...{ command, write, json, statusOf },
    async start(...args: readonly string[]) {
      const run = startMulgil(["run", "one.ts", "two.ts", "--log-format", "json", ...args], { cwd, env });
      await expect.poll(async () => (await statusOf("two"))?.status, SOON).toMatch(/running|paused/);
      return run;
    },
    copies: async (job: string) =>
      objectsIn<{ readonly value: { readonly id: string } }>((await command("read", `${job}-copies`)).stdout)
        .map(({ value }) => Number(value.id))
        .sort((left, right) => left - right),
    numbers: () => Array.from({ length: written }, (_, number) => number),
  };
}

describe("mulgil pause, drain and resume", { timeout: 240_000 }, () => {
  it("pause and resume a job from another terminal, say who obeyed, and are in the audit trail", async () => {
    const { start, command, write, statusOf, copies, numbers, json } = await project();
    const run = await start("--workers", "2");
    await expect.poll(async () => (await statusOf("one")).lag, SOON).toBe(0);
    const paused = await command("pause", "one", ...SURE);
    expect(paused).toMatchObject({ code: 0, stdout: "one is paused: 2 workers in 1 process\n" });
    expect(paused.stderr).toMatch(/^one: running → paused, for 2 workers in 1 process\nthey process nothing until /);
    await write(20);
    await expect.poll(async () => (await statusOf("two")).lag, SOON).toBe(0);
    expect(await statusOf("one")).toMatchObject({
      status: "paused",
      lag: 20,
      workers: [{}, {}],
      wanted: { why: "tried" },
    });
    expect(await copies("one")).toHaveLength(10);
    const resumed = await json("resume", "one", ...SURE);
    expect(resumed).toEqual({
      ...{ job: "one", status: "running" },
      processes: [{ process: `${os.hostname()}:${run.process.pid}`, workers: 2, outcome: "done" }],
    });
    await expect.poll(() => copies("one"), SOON).toEqual(numbers());
    expect(await json("audit")).toMatchObject([
      {
        action: "pause",
        target: "job one",
        outcome: "begun",
        before: { status: "running" },
        after: { status: "paused" },
      },
      { action: "pause", outcome: "done", why: "tried" },
      { action: "resume", outcome: "begun", before: { status: "paused" }, after: { status: "running" } },
      { action: "resume", outcome: "done" },
    ]);
    const orders = objectsIn<{ readonly message: string }>(run.output.stdout).filter(
      ({ message }) => message === "ordered",
    );
    expect(orders).toMatchObject([
      { job: "one", status: "paused", why: "tried" },
      { job: "one", status: "running" },
    ]);
  });

  it("drain a job while another one of the process goes on; a process that starts later obeys, and ends on SIGTERM", async () => {
    const { start, command, write, statusOf, copies, numbers } = await project();
    const run = await start();
    expect(await command("drain", "one", "--timeout", "20s", ...SURE)).toMatchObject({
      ...{ code: 0, stdout: "one is drained: 1 worker in 1 process\n" },
    });
    expect(await statusOf("one")).toMatchObject({ status: "drained", workers: [] });
    const { address } = (await statusOf("two")).workers[0];
    expect((await fetch(`${address}/readyz`)).status).toBe(200);
    await write(5);
    await expect.poll(() => copies("two"), SOON).toHaveLength(15);
    expect(await copies("one")).toHaveLength(10);
    run.process.kill("SIGTERM");
    expect(await run.ended).toMatchObject({ code: 0, stderr: "" });
    const again = await start();
    expect(await statusOf("one")).toMatchObject({ status: "drained", workers: [], lag: 5 });
    expect(await command("resume", "one", ...SURE)).toMatchObject({ code: 0 });
    await expect.poll(() => copies("one"), SOON).toEqual(numbers());
    await command("drain", "one", ...SURE);
    again.process.kill("SIGTERM");
    expect(await again.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("are obeyed by who starts later where nobody runs the job; --until-idle says what it waits for", async () => {
    const { command, copies, numbers, start, write } = await project();
    expect((await command("run", "one.ts", "two.ts", "--until-idle")).code).toBe(0);
    const { code, stdout, stderr } = await command("pause", "one", ...SURE);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "one is paused: nobody runs it now\n" });
    expect(stderr).toContain("nobody runs it now; workers that start later obey it");
    await write(5);
    const run = await start("--until-idle", "--log-format", "pretty");
    await expect.poll(() => copies("two"), SOON).toEqual(numbers());
    expect(run.output.stdout).toMatch(
      /one: paused \(.*: tried\); mulgil resume one takes it back, and --until-idle waits/,
    );
    expect(run.process.exitCode).toBeNull();
    expect((await command("resume", "one", ...SURE)).code).toBe(0);
    expect(await run.ended).toMatchObject({ code: 0, stderr: "" });
    expect(await copies("one")).toEqual(numbers());
  });

  it("change nothing with --dry-run, and nothing where nobody has confirmed it or said why", async () => {
    const { command, start, statusOf } = await project();
    await start();
    const dry = await command("pause", "one", "--dry-run");
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.stdout).toMatch(
      /^one: running → paused, for 1 worker in 1 process\n.*\nnothing was changed: this was a dry run\n$/s,
    );
    expect(await command("drain", "one", "--why", "tried")).toMatchObject({ code: 4, stdout: "" });
    expect((await command("resume", "one", "--yes")).stderr).toContain("[CHANGE_REASON_MISSING]");
    expect(await statusOf("one")).toMatchObject({ status: "running" });
  });

  it("refuse a job that has never run, and wrong usage", async () => {
    const { command } = await project();
    expect((await command("run", "one.ts", "--until-idle")).code).toBe(0);
    for (const verb of ["pause", "drain", "resume", "restart"]) {
      const { code, stderr } = await command(verb, "none", ...SURE);
      expect({ code, stderr }).toEqual({
        ...{ code: 1, stderr: 'mulgil: no job "none" has ever run here: there is one [JOB_UNKNOWN]\n' },
      });
    }
    expect(await command("pause")).toMatchObject({ code: 2 });
    expect(await command("pause", "one", "--timeout", "soon")).toMatchObject({ code: 2 });
    expect((await command("pause", "one", "-d", "nowhere")).stderr).toContain("[DATA_DIR_MISSING]");
  });
});

describe("mulgil restart", { timeout: 240_000 }, () => {
  it("has all members leave and join again, or only those that are named", async () => {
    const { start, command, statusOf, json, copies, numbers, write } = await project();
    const run = await start("--workers", "2");
    const members = async (): Promise<readonly string[]> =>
      (await statusOf("one")).workers.map(({ memberId }: { readonly memberId: string }) => memberId).sort();
    const before = await members();
    const all = await command("restart", "one", ...SURE);
    expect(all).toMatchObject({ code: 0, stdout: "one is restarted: 2 workers in 1 process\n" });
    expect(all.stderr).toContain("one: 2 workers in 1 process leave and join again, one after the other\n");
    await expect.poll(async () => (await members()).filter((id) => before.includes(id)), SOON).toEqual([]);
    await expect.poll(async () => (await statusOf("one")).workers.length, SOON).toBe(2);
    const [first, second] = await members();
    await json("restart", "one", "--worker", first!, ...SURE);
    await expect.poll(members, SOON).not.toContain(first);
    expect(await members()).toContain(second);
    const process = `${os.hostname()}:${run.process.pid}`;
    expect((await command("restart", "one", "--all-at-once", "--worker", process, ...SURE)).code).toBe(0);
    const { code, stderr } = await command("restart", "one", "--worker", "nobody", ...SURE);
    expect(code).toBe(1);
    expect(stderr).toMatch(/job "one" has no worker "nobody": there is .* in .*:\d+.*\[CONTROL_WORKER_UNKNOWN\]\n$/);
    await write(10);
    await expect.poll(() => copies("one"), SOON).toEqual(numbers());
  });

  it("says that there is nothing to restart", async () => {
    const { command } = await project();
    expect((await command("run", "one.ts", "--until-idle")).code).toBe(0);
    expect((await command("restart", "one", ...SURE)).stderr).toContain("[CONTROL_NO_WORKERS]");
  });
});

describe("mulgil scale", { timeout: 240_000 }, () => {
  it("adds members to a job of a data directory, and has some leave", async () => {
    const { start, command, statusOf, copies, numbers, write, json } = await project();
    await start();
    const up = await command("scale", "one", "3", ...SURE);
    expect(up).toMatchObject({ code: 0, stdout: `one on ${os.hostname()}: 3 workers\n` });
    expect(up.stderr).toMatch(/^one in process \d+: 1 → 3 members\n/);
    await expect.poll(async () => (await statusOf("one")).workers.length, SOON).toBe(3);
    expect((await statusOf("two")).workers).toHaveLength(1);
    expect(await json("scale", "--all", "2", ...SURE)).toMatchObject({ host: os.hostname(), workers: 2 });
    for (const job of ["one", "two"]) await expect.poll(async () => (await statusOf(job)).workers.length, SOON).toBe(2);
    await write(10);
    await expect.poll(() => copies("one"), SOON).toEqual(numbers());
    const elsewhere = await command("scale", "one", "2", "--host", "elsewhere", ...SURE);
    expect(elsewhere.code).toBe(1);
    expect(elsewhere.stderr).toContain(
      `job "one" does not run on elsewhere: it runs on ${os.hostname()}: name one with --host [SCALE_NOT_RUNNING]`,
    );
  });

  it("advises, from a look at the job, and changes nothing", async () => {
    const { start, command, json } = await project();
    await start("--workers", "3");
    const [advice] = await json("scale", "one", "--advise", "--sample", "200ms");
    expect(advice).toMatchObject({ job: "one", workers: 3, advised: 2, verdict: "fewer", lag: 0 });
    const { code, stdout } = await command("scale", "--all", "--advise", "--sample", "200ms");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^JOB +WORKERS +ADVISED +VERDICT +LAG +ARRIVED\/S +COMMITTED\/S\none +3 +2 +fewer /);
    expect(stdout).toContain("two:\n  it has 2 tasks, so 1 of 3 workers have none\n");
    await command("pause", "one", ...SURE);
    expect(await json("scale", "one", "--advise", "--sample", "100ms")).toMatchObject([{ verdict: "useless" }]);
  });

  it("refuses wrong usage", async () => {
    const { command } = await project();
    for (const args of [[], ["one"], ["one", "0"], ["one", "many"], ["--all"], ["--all", "2", "3"]]) {
      const { code, stderr } = await command("scale", ...args);
      expect({ code, stderr }, args.join(" ")).toMatchObject({ code: 2, stderr: expect.stringContaining("error:") });
    }
    expect((await command("run", "one.ts", "--until-idle")).code).toBe(0);
    expect((await command("scale", "one", "2", ...SURE)).stderr).toContain("[SCALE_NOT_RUNNING]");
  });
});
