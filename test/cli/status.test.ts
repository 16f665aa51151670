import { describe, expect, it } from "vitest";
import { mulgil, startMulgil, temporaryFolder } from "./support/mulgil.ts";

const EVENTS = JSON.stringify({
  ...{ type: "record", name: "Event", topic: "events", key: "id", partitions: 2 },
  fields: [{ name: "id", type: "string" }],
});

const JOB = `
  import { count, defineJob, type Schema, topic } from "mulgil";
  const event = { avro: ${EVENTS} } as Schema<{ readonly id: string }>;
  const totals = { avro: { type: "record", name: "Total", fields: [{ name: "events", type: "long" }] } } as Schema<{ events: number }>;
  export default defineJob({
    name: "totals",
    version: 3,
    flow(from) {
      from(topic("events", { value: event, key: "id" })).aggregate("totals", { events: count() }).to(topic("totals", { value: totals, keyType: "string" }));
    },
  });
`;

async function project() {
  const cwd = temporaryFolder({ "event.avsc": EVENTS, "job.ts": JOB });
  const env = { MULGIL_DATA_DIR: "data" };
  const write = async (...ids: readonly string[]) => {
    const stdin = ids.map((id) => JSON.stringify({ id })).join("\n");
    expect(await mulgil(["write", "events", "-f", "-", "--schemas", "."], { cwd, env, stdin })).toMatchObject({
      code: 0,
    });
  };
  await write("a", "b", "c");
  return {
    write,
    start: (...args: readonly string[]) => startMulgil(["run", "job.ts", ...args], { cwd, env }),
    run: () => mulgil(["run", "job.ts", "--until-idle"], { cwd, env }),
    status: (...args: readonly string[]) => mulgil(["status", ...args], { cwd, env }),
    async view() {
      const { code, stdout, stderr } = await mulgil(["status", "-o", "json"], { cwd, env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return JSON.parse(stdout);
    },
  };
}

describe("mulgil status", { timeout: 120_000 }, () => {
  it("shows what another process runs: workers, tasks, positions, lag", async () => {
    const { start, view, status } = await project();
    const running = start("--workers", "2");
    await expect
      .poll(async () => (await view())[0], { timeout: 60_000 })
      .toMatchObject({ job: "totals", version: 3, status: "running", lag: 0, workers: [{}, {}] });
    const [job] = await view();
    expect(job.workers).toHaveLength(2);
    for (const worker of job.workers)
      expect(worker).toMatchObject({
        pid: running.process.pid,
        answers: true,
        address: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      });
    expect(new Set(job.tasks.map(({ memberId }: { memberId: string }) => memberId))).toEqual(
      new Set(job.workers.map(({ memberId }: { memberId: string }) => memberId)),
    );
    expect(job.tasks).toMatchObject([
      { task: "events_0", status: "running", lag: 0, inputs: [{ topic: "events", partition: 0 }] },
      { task: "events_1", status: "running", lag: 0, inputs: [{ topic: "events", partition: 1 }] },
    ]);
    const { address } = job.workers[0];
    expect((await fetch(`${address}/readyz`)).status).toBe(200);
    const { stdout } = await status("totals");
    expect(stdout).toMatch(/^totals {2}version 3 {2}running {2}2 workers {2}lag 0 {2}ok( {2}state \d+ B)?\n/);
    expect(stdout).toMatch(/\nevents_1 +[12] +running +events\/1 +\d+ +\d+ +0 +- +ok +/);
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("shows what is left of a job that nobody runs, and what it has not read", async () => {
    const { run, write, view } = await project();
    await run();
    await write("d", "e");
    expect(await view()).toMatchObject([
      { job: "totals", status: "stopped", lag: 2, workers: [], tasks: [{ status: "stopped" }, {}] },
    ]);
  });

  it("refuses a job that has never run, and a folder that is not there", async () => {
    const { run, status } = await project();
    expect(await status()).toMatchObject({ code: 0, stdout: "no job has run here yet\n" });
    await run();
    const unknown = await status("total");
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toBe('mulgil: no job "total" has ever run here: there is totals [JOB_UNKNOWN]\n');
    expect((await status("-d", "nowhere")).stderr).toContain("[DATA_DIR_MISSING]");
  });

  it("listens where it is told, and says that a port is taken", async () => {
    const { start, view } = await project();
    const running = start("--listen", "127.0.0.1:0");
    await expect.poll(async () => (await view())[0]?.workers[0]?.answers, { timeout: 60_000 }).toBe(true);
    const { port } = new URL((await view())[0].workers[0].address);
    const other = await project();
    const { code, stderr } = await other.start("--listen", `127.0.0.1:${port}`).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`cannot listen on 127.0.0.1:${port} .*\\[LISTEN_FAILED\\]\\n$`));
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it.each([[["run", "job.ts", "--listen", "8080"]], [["run", "job.ts", "--listen", "host:99999"]]])(
    "refuses wrong usage with 2: %j",
    async (args) => {
      const { code, stderr } = await mulgil(args, { cwd: temporaryFolder({ "job.ts": JOB }) });
      expect(code).toBe(2);
      expect(stderr).toContain("Write host:port");
    },
  );
});
