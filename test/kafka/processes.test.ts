import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRegistry } from "../../scripts/kafka/start-registry.ts";
import type { JobView } from "../../scripts/status/job-view.ts";
import { objectsIn, type RunningCommand } from "../cli/support/mulgil.ts";
import { canStartKafka, canStartRegistry, startTestKafka } from "./broker-for-tests.ts";
import { CountingProject, type Surroundings } from "./counting-project.ts";

const isPossible = (await canStartKafka()) && (await canStartRegistry());
const EVENTS = 20_000;
const TEST_MAX_MS = 240_000;

interface Line {
  readonly message: string;
  readonly worker?: string;
  readonly pid?: number;
  readonly tasks?: readonly string[];
  readonly recordsIn?: number;
  readonly lag?: number;
}

/** The last line may not be complete yet. */
const linesOf = (stdout: string) => objectsIn<Line>(stdout.slice(0, stdout.lastIndexOf("\n") + 1));

/** The processes of the workers that run, by worker. */
function pidsOf(stdout: string): ReadonlyMap<string, number> {
  const pids = new Map<string, number>();
  for (const { message, worker, pid } of linesOf(stdout)) {
    if (message === "progress" && worker !== undefined && pid !== undefined) pids.set(worker, pid);
  }
  return pids;
}

/** Of the last assignment, by worker. */
function tasksOf(stdout: string): ReadonlyMap<string, readonly string[]> {
  const tasks = new Map<string, readonly string[]>();
  for (const line of linesOf(stdout)) if (line.message === "assigned") tasks.set(line.worker!, line.tasks!);
  return tasks;
}

/** The tasks are divided among so many workers, none is left out, none has two owners. */
function isShared(stdout: string, workers: number): boolean {
  const tasks = [...tasksOf(stdout).values()];
  return (
    tasks.length === workers &&
    tasks.every(({ length }) => length > 0) &&
    new Set(tasks.flat()).size === 4 &&
    tasks.flat().length === 4
  );
}

/** Of all workers together. */
const lastTotal = (stdout: string) =>
  linesOf(stdout).findLast(({ message, worker }) => message === "progress" && worker === undefined);
const totalIn = (stdout: string): number => lastTotal(stdout)?.recordsIn ?? 0;
const lagIn = (stdout: string): number | undefined => lastTotal(stdout)?.lag;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const soon = { timeout: 120_000 };

describe.skipIf(!isPossible)("mulgil run --workers N on Kafka", () => {
  let home: string;
  let surroundings: Surroundings;
  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), "mulgil-processes-"));
    const kafka = await startTestKafka({});
    surroundings = { kafka, registry: await startRegistry({ dir: path.join(home, "registry") }) };
  }, TEST_MAX_MS);
  afterAll(async () => {
    await surroundings?.registry.stop();
    await surroundings?.kafka.stop();
    rmSync(home, { recursive: true, force: true });
  });

  async function project(name: string, events = EVENTS): Promise<CountingProject> {
    const created = new CountingProject(name, surroundings);
    await created.write(events);
    return created;
  }

  async function expectEverythingOnce(subject: CountingProject): Promise<void> {
    expect(await subject.copies()).toEqual({ records: EVENTS, distinct: EVENTS });
    const { found, expected } = await subject.counts();
    expect(found).toEqual(expected);
  }

  /** Each process has a port of its own, is ready, and tells of its share; together they have done everything. */
  async function expectMetricsOf(subject: CountingProject, workers: number): Promise<void> {
    const [job] = JSON.parse((await subject.command("status", "-o", "json")).stdout) as readonly JobView[];
    const addresses = [...new Set(job!.workers.map(({ address }) => address!))];
    expect(addresses).toHaveLength(workers);
    const texts = await Promise.all(
      addresses.map(async (address) => {
        expect((await fetch(`${address}/readyz`)).status).toBe(200);
        return await (await fetch(`${address}/metrics`)).text();
      }),
    );
    const total = (series: RegExp) =>
      texts.flatMap((text) => text.match(series) ?? []).reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    expect(total(/^mulgil_records_consumed_total\{.*$/gm)).toBe(EVENTS);
    expect(total(/^mulgil_tasks\{.*status="running".*$/gm)).toBe(4);
    expect(total(/^mulgil_consumer_lag_records\{.*$/gm)).toBe(0);
    expect(total(/^mulgil_commit_failures_total\{.*$/gm)).toBe(0);
  }

  /** All workers are up, and share the tasks. */
  async function running(command: RunningCommand, workers = 2): Promise<ReadonlyMap<string, number>> {
    await command.until(({ stdout }) => isShared(stdout, workers) && pidsOf(stdout).size === workers);
    return pidsOf(command.output.stdout);
  }

  it(
    "shares the tasks among N processes, lets nobody else in the folder, and drains all of them on SIGTERM",
    async () => {
      const subject = await project("shared");
      const run = subject.run("--workers", "3");
      const pids = await running(run, 3);
      expect(new Set([run.process.pid, ...pids.values()]).size).toBe(4);
      await run.until(({ stdout }) => totalIn(stdout) === EVENTS && lagIn(stdout) === 0);
      await expectMetricsOf(subject, 3);
      for (const workers of ["1", "2"]) {
        const { code, stderr } = await subject.run("--workers", workers).ended;
        expect(code).toBe(1);
        expect(stderr).toMatch(
          new RegExp(`^mulgil: .* in use by process ${run.process.pid}; .*\\[DATA_DIR_LOCKED\\]\\n$`),
        );
      }
      run.process.kill("SIGTERM");
      const { code, stdout, stderr } = await run.ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(linesOf(stdout).filter(({ message }) => message === "summary")).toMatchObject([
        { recordsIn: EVENTS, lag: 0 },
      ]);
      expect([...pids.values()].filter(isAlive)).toEqual([]);
      await expectEverythingOnce(subject);
    },
    TEST_MAX_MS,
  );

  it(
    "starts a process again that was killed with -9, and gives everything once",
    async () => {
      const subject = await project("killed", EVENTS / 2);
      const run = subject.run("--workers", "2");
      const pids = await running(run);
      const writing = subject.write(EVENTS / 2);
      await run.until(({ stdout }) => totalIn(stdout) > EVENTS / 2);
      process.kill(pids.get("2")!, "SIGKILL");
      await writing;
      await run.until(({ stdout }) => stdout.includes("worker 2 was ended by SIGKILL; it starts again in 1 s"));
      const toldBefore = run.output.stdout.lastIndexOf("\n") + 1;
      await run.until(({ stdout }) => isShared(stdout.slice(toldBefore), 2) && lagIn(stdout) === 0);
      expect(pidsOf(run.output.stdout).get("2")).not.toBe(pids.get("2"));
      run.process.kill("SIGTERM");
      expect(await run.ended).toMatchObject({ code: 0, stderr: "" });
      await expectEverythingOnce(subject);
    },
    TEST_MAX_MS,
  );

  it(
    "leaves no process behind when it is killed with -9 itself, goes on in the same folders, and ends when all are idle",
    async () => {
      const subject = await project("orphaned");
      const run = subject.run("--workers", "2");
      const pids = await running(run);
      run.process.kill("SIGKILL");
      await expect.poll(() => [...pids.values()].filter(isAlive), soon).toEqual([]);
      expect((await subject.run("--workers", "2", "--until-idle").ended).code).toBe(0);
      await expectEverythingOnce(subject);
    },
    TEST_MAX_MS,
  );

  it(
    "takes the SIGINT of a terminal, which all processes get, for one",
    async () => {
      const subject = await project("terminal");
      const run = subject.run("--workers", "2");
      const pids = await running(run);
      for (const pid of [...pids.values(), run.process.pid!, ...pids.values()]) process.kill(pid, "SIGINT");
      const { code, stdout, stderr } = await run.ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).not.toContain("starts again");
      expect((await subject.run("--until-idle").ended).code).toBe(0);
      await expectEverythingOnce(subject);
    },
    TEST_MAX_MS,
  );

  it(
    "ends at once at the second signal, also where a process hangs",
    async () => {
      const subject = await project("hanging");
      const run = subject.run("--workers", "2");
      const pids = await running(run);
      process.kill(pids.get("1")!, "SIGSTOP");
      run.process.kill("SIGTERM");
      await run.until(({ stdout }) => stdout.includes("a second signal ends at once"));
      run.process.kill("SIGTERM");
      expect(await run.ended).toMatchObject({ code: 143 });
      await expect.poll(() => [...pids.values()].filter(isAlive), soon).toEqual([]);
    },
    TEST_MAX_MS,
  );

  it(
    "shows in another process which of them runs what, and answers while one of them hangs",
    async () => {
      const subject = await project("shown");
      const run = subject.run("--workers", "2");
      const pids = await running(run);
      const status = async () => {
        const { code, stdout, stderr } = await subject.command("status", subject.name, "-o", "json");
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        return (JSON.parse(stdout) as readonly JobView[])[0]!;
      };
      await expect
        .poll(status, soon)
        .toMatchObject({ status: "running", lag: 0, workers: [{ answers: true }, { answers: true }] });
      const before = await status();
      const pidOf = new Map(before.workers.map(({ memberId, pid }) => [memberId, pid]));
      expect(new Set(pidOf.values())).toEqual(new Set(pids.values()));
      expect(new Set(before.workers.map(({ address }) => address)).size).toBe(2);
      const shown = Map.groupBy(before.tasks, ({ memberId }) => pidOf.get(memberId ?? "none"));
      const shared = [...tasksOf(run.output.stdout)].map(([worker, tasks]) => [pids.get(worker), tasks] as const);
      expect(new Map([...shown].map(([pid, tasks]) => [pid, tasks.map(({ task }) => task)]))).toEqual(new Map(shared));
      const memberOf = new Map([...pidOf].map(([memberId, pid]) => [pid, memberId]));
      for (const [worker, pid] of pids)
        await expect.poll(() => subject.membersLeftBy(worker), soon).toEqual([memberOf.get(pid)]);

      const hanging = pids.get("2")!;
      process.kill(hanging, "SIGSTOP");
      const after = await status();
      process.kill(hanging, "SIGCONT");
      expect(after.status).toBe("unknown");
      const problems = after.workers.map(({ pid, answers, problem }) => [pid, answers, problem]);
      expect(problems).toContainEqual([hanging, false, "no answer within 2 s"]);
      expect(problems).toContainEqual([pids.get("1"), true, undefined]);
      for (const { memberId, status: ofTask, lag } of after.tasks)
        expect([ofTask, lag]).toEqual([pidOf.get(memberId!) === hanging ? "unknown" : "running", 0]);
      run.process.kill("SIGTERM");
      expect(await run.ended).toMatchObject({ code: 0, stderr: "" });
      expect(await status()).toMatchObject({ status: "stopped", workers: [] });
      expect([...pids.keys()].map((worker) => subject.membersLeftBy(worker))).toEqual([undefined, undefined]);
    },
    TEST_MAX_MS,
  );

  it(
    "says a mistake once",
    async () => {
      const subject = new CountingProject("mistaken", surroundings);
      const { code, stdout, stderr } = await subject.run("--workers", "3").ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^mulgil: the topics do not fit:\n.* topic "mistaken.events" does not exist.*\[TOPIC_MISSING\]\n$/,
      );
      expect(stderr.match(/mulgil:/g)).toHaveLength(1);
      expect(stdout).not.toContain("starts again");
    },
    TEST_MAX_MS,
  );

  it(
    "drains on SIGTERM while it starts",
    async () => {
      const subject = await project("early");
      const run = subject.run("--workers", "2");
      run.process.stdout.once("data", () => run.process.kill("SIGTERM"));
      expect(await run.ended).toMatchObject({ code: 0, stderr: "" });
    },
    TEST_MAX_MS,
  );
});
