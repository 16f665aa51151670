import { count, defineJob, done, type JobDefinition, type JobsRun } from "mulgil";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Log } from "../../runtime/log/port.ts";
import { orderRestart, orderScale, orderWanted, readControl, readWantedStates } from "../../runtime/ops/control.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { CONTROL } from "../../runtime/worker/control-records.ts";
import type { RunJobsOptions } from "../../runtime/worker/run-jobs.ts";
import type { WantedStatus } from "../../runtime/worker/worker-orders.ts";
import { memoryDisk } from "../../state/memory-disk.ts";
import { openHarness } from "./harness.ts";
import { payment, payments } from "./jobs.ts";

const SOON = { timeout: 20_000 };
const JOB = "counted";

const counted = (name = JOB, rest: Partial<JobDefinition> = {}) =>
  defineJob({
    ...{ name, version: 1, commitEvery: "20 ms", ...rest },
    flow: (from) => void from(payments).aggregate("counts", { count: count() }),
  });

/** Two partitions of payments, and whoever gives orders. */
async function open() {
  const harness = await openHarness();
  await harness.createTopic(payments.name, 2);
  let written = 0;
  let given = 0;
  const start = async (
    jobs: readonly ReturnType<typeof counted>[],
    options: Partial<Omit<RunJobsOptions, "environment">> = {},
    log: Log = harness.log,
  ) => {
    const location = `process-${given++}`;
    const run = await harness.start(jobs, { ...options, environment: { location, log, disk: memoryDisk() } });
    onTestFinished(() => run.stop().catch(() => undefined));
    return run;
  };
  const order = (drainTimeoutMs = 10_000) => {
    const id = `order-${given++}`;
    return { id, by: "ana@here", why: "tried", atMs: systemClock.now(), drainTimeoutMs };
  };
  const answers = async (id: string) =>
    (await readControl(harness.log)).reports.flatMap((report) => report.answers).filter((answer) => answer.id === id);
  return {
    ...harness,
    order,
    answers,
    async write(records: number) {
      const values = Array.from({ length: records }, () => payment(`p${written++}`, `c${written % 7}`, written));
      await harness.produce(payments, values);
    },
    start,
    /** Another job has seen so many records, from the first one on: whoever could have, has by now. */
    async witnessAll(records: number) {
      const name = `witness-${given++}`;
      const run = await start([counted(name)]);
      await expect.poll(() => inOf(run, name), SOON).toBe(records);
    },
    /** Gives an order and waits until it is carried out. */
    async want(status: WantedStatus, job = JOB, drainTimeoutMs?: number) {
      const wanted = { ...order(drainTimeoutMs), status };
      await orderWanted(harness.log, job, wanted);
      await expect.poll(() => answers(wanted.id), SOON).not.toEqual([]);
      return (await answers(wanted.id))[0]!;
    },
  };
}

const inOf = async (run: JobsRun, job = JOB) => (await run.status()).find((each) => each.job === job)!.recordsIn;
const activities = (run: JobsRun) => run.members().map(({ activity }) => activity);
const memberIds = (run: JobsRun) => run.members().map(({ memberId }) => memberId);

describe("a job that is paused", () => {
  it("processes nothing, keeps its members and tasks, and goes on where it was when it is resumed", async () => {
    const { start, write, want, log } = await open();
    const run = await start([counted()], { workers: 2 });
    await write(50);
    await expect.poll(() => inOf(run), SOON).toBe(50);
    const before = memberIds(run);
    expect(await want("paused")).toMatchObject({ outcome: "done" });
    expect(activities(run)).toEqual(["paused", "paused"]);
    await write(30);
    const later = await start([counted("later")]);
    await expect.poll(() => inOf(later, "later"), SOON).toBe(80);
    // Another job has read all of it in this time.
    expect(await inOf(run)).toBe(50);
    expect((await run.status())[0]).toMatchObject({ lag: expect.any(Number), tasks: 2 });
    expect(memberIds(run)).toEqual(before);
    expect((await log.describeGroup(JOB)).members).toHaveLength(2);
    expect(await want("running")).toMatchObject({ outcome: "done" });
    await run.untilIdle();
    expect(await inOf(run)).toBe(80);
    expect(memberIds(run)).toEqual(before);
  });

  it("leaves what it has fetched, and finishes the record that it has begun", async () => {
    const { start, write, order, log, answers, witnessAll } = await open();
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    const slow = defineJob({
      ...{ name: JOB, version: 1, commitEvery: "20 ms" },
      flow(from) {
        from(payments)
          .keyBy(() => "one")
          .process("slow", {
            async onRecord() {
              begun++;
              await gate.promise;
            },
          });
      },
    });
    const run = await start([slow]);
    await write(40);
    await expect.poll(() => begun, SOON).toBe(1);
    const wanted = { ...order(), status: "paused" as const };
    await orderWanted(log, JOB, wanted);
    await expect.poll(() => activities(run), SOON).toEqual(["pausing"]);
    expect(await answers(wanted.id)).toEqual([]);
    gate.resolve();
    await expect.poll(() => answers(wanted.id), SOON).toMatchObject([{ outcome: "done" }]);
    await witnessAll(40);
    expect(begun).toBe(1);
  });

  it("begins no call, ends those under way, and makes the others when it is resumed", async () => {
    const { start, write, order, log, answers, want, witnessAll } = await open();
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    const calling = defineJob({
      ...{ name: JOB, version: 1, commitEvery: "20 ms" },
      flow(from) {
        from(payments)
          .call("ask", {
            ...{ resource: () => "bank", orderKey: ({ id }) => id, policy: { concurrency: 2 } },
            async handler(value) {
              begun++;
              await gate.promise;
              return done(value);
            },
          })
          .to({ ...payments, name: "answers" });
      },
    });
    const run = await start([calling]);
    await write(10);
    await expect.poll(() => begun, SOON).toBe(2);
    const wanted = { ...order(), status: "paused" as const };
    await orderWanted(log, JOB, wanted);
    await expect.poll(() => activities(run), SOON).toEqual(["pausing"]);
    gate.resolve();
    await expect.poll(() => answers(wanted.id), SOON).toMatchObject([{ outcome: "done" }]);
    await witnessAll(10);
    expect(begun).toBe(2);
    await want("running");
    await run.untilIdle();
    expect(begun).toBe(10);
  });

  it("fires no timers on the wall, and fires them when it is resumed", async () => {
    const { start, write, want } = await open();
    const fired = { [JOB]: 0, witness: 0 };
    const timed = (name: keyof typeof fired, afterMs: number) =>
      defineJob({
        ...{ name, version: 1, commitEvery: "20 ms" },
        flow(from) {
          from(payments).process("timed", {
            timers: { soon: "wall-time" },
            onRecord: (_one, { timers, wallClockMs }) => timers.soon.set(wallClockMs + afterMs),
            onTimer: () => void fired[name]++,
          });
        },
      });
    const run = await start([timed(JOB, 1_000)]);
    await write(1);
    await expect.poll(() => inOf(run), SOON).toBe(1);
    await want("paused");
    const before = fired[JOB];
    // Its timer is set later, and for later.
    await start([timed("witness", 1_500)]);
    await expect.poll(() => fired.witness, SOON).toBe(1);
    expect(fired[JOB]).toBe(before);
    await want("running");
    await expect.poll(() => fired[JOB], SOON).toBe(1);
  });

  it("joins and processes nothing where it starts paused, and divides its tasks anew while it is", async () => {
    const { start, write, want, log, order } = await open();
    await orderWanted(log, JOB, { ...order(), status: "paused" });
    await write(20);
    const first = await start([counted()]);
    await expect.poll(() => activities(first), SOON).toEqual(["paused"]);
    await expect.poll(async () => (await first.status())[0]!.tasks, SOON).toBe(2);
    const second = await start([counted()], { isShared: true });
    for (const run of [first, second]) await expect.poll(async () => (await run.status())[0]!.tasks, SOON).toBe(1);
    expect((await inOf(first)) + (await inOf(second))).toBe(0);
    await want("running");
    await expect.poll(async () => (await inOf(first)) + (await inOf(second)), SOON).toBe(20);
  });

  it("is not idle while it has something to read, and is as soon as it has read it", async () => {
    const { start, write, want, witnessAll } = await open();
    const run = await start([counted()]);
    await want("paused");
    await write(5);
    let isIdle = false;
    const idle = run.untilIdle().then(() => {
      isIdle = true;
    });
    await witnessAll(5);
    expect(isIdle).toBe(false);
    await want("running");
    await idle;
    expect(await inOf(run)).toBe(5);
  });
});

describe("a job that is drained", () => {
  it("commits and leaves while another job of the process goes on, stays away over a restart, and comes back", async () => {
    const { start, write, want, log } = await open();
    const run = await start([counted(), counted("other")]);
    await write(30);
    await expect.poll(() => inOf(run), SOON).toBe(30);
    expect(await want("drained")).toEqual({ id: expect.any(String), outcome: "done" });
    expect(run.members().map(({ job, activity, isAssigned }) => [job, activity, isAssigned])).toEqual([
      [JOB, "drained", false],
      ["other", "running", true],
    ]);
    expect(await log.describeGroup(JOB)).toMatchObject({ status: "empty", members: [] });
    await write(10);
    await expect.poll(() => inOf(run, "other"), SOON).toBe(40);
    expect(await inOf(run)).toBe(30);
    await run.stop();
    const again = await start([counted(), counted("other")]);
    await expect.poll(() => again.members()[1]!.isAssigned, SOON).toBe(true);
    expect(again.members()[0]).toMatchObject({ job: JOB, activity: "drained", isAssigned: false });
    await want("running");
    await again.untilIdle();
    expect(await inOf(again)).toBe(10);
  });

  it("leaves in time although a function of it never ends, says so, and processes that record once more", async () => {
    const { start, write, want, log } = await open();
    let begun = 0;
    const stuck = defineJob({
      ...{ name: JOB, version: 1, commitEvery: "20 ms" },
      flow(from) {
        from(payments).process("stuck", {
          async onRecord() {
            begun++;
            if (begun === 1) await new Promise(() => undefined);
          },
        });
      },
    });
    const run = await start([stuck]);
    await write(1);
    await expect.poll(() => begun, SOON).toBe(1);
    expect(await want("drained", JOB, 300)).toMatchObject({
      outcome: "done",
      detail: expect.stringContaining("not everything that had begun was committed in time"),
    });
    expect((await log.describeGroup(JOB)).status).toBe("empty");
    await want("running");
    await run.untilIdle();
    expect(begun).toBe(2);
  });

  it("ends at once when its process is told to", async () => {
    const { start, want } = await open();
    const run = await start([counted()]);
    await want("drained");
    await run.stop();
    await run.finished;
  });
});

describe("an order to restart", () => {
  it("has the members that it names leave and join again, once, and leaves the others alone", async () => {
    const { start, write, order, answers, log } = await open();
    const run = await start([counted()], { workers: 2 });
    await write(20);
    await expect.poll(() => inOf(run), SOON).toBe(20);
    const [first, second] = memberIds(run);
    const restart = { ...order(), memberIds: [first!] };
    await orderRestart(log, JOB, restart);
    await expect.poll(() => answers(restart.id), SOON).toMatchObject([{ outcome: "done" }]);
    await expect.poll(() => memberIds(run).every((id) => id !== undefined), SOON).toBe(true);
    expect(memberIds(run)[0]).not.toBe(first);
    expect(memberIds(run)[1]).toBe(second);
    await write(20);
    await run.untilIdle();
    expect(await inOf(run)).toBe(40);
  });

  it("does nothing to a job that is drained, and says so", async () => {
    const { start, order, answers, log } = await open();
    const run = await start([counted()]);
    await expect.poll(() => run.members()[0]!.isAssigned, SOON).toBe(true);
    const memberIdsBefore = memberIds(run).map((id) => id!);
    // Both are read in one go.
    const [wanted, restart] = [
      { ...order(), status: "drained" as const },
      { ...order(), memberIds: memberIdsBefore },
    ];
    await orderWanted(log, JOB, wanted);
    await orderRestart(log, JOB, restart);
    await expect.poll(() => activities(run), SOON).toEqual(["drained"]);
    const found = await answers(restart.id);
    expect(found.every(({ outcome }) => outcome === "failed")).toBe(true);
  });
});

describe("orders", () => {
  it("for once are only for those who were there when they were given", async () => {
    const { start, order, log, events, want } = await open();
    const scale = { ...order(), job: undefined, workers: 3 };
    await orderScale(log, "", scale);
    const run = await start([counted()]);
    // It has read everything that was there before this one.
    await want("paused");
    expect(run.members()).toHaveLength(1);
    expect(events).toContainEqual({ kind: "ordered", job: JOB, status: "paused", by: "ana@here", why: "tried" });
  });

  it("change the number of members, of which those that are new obey what is wanted, too", async () => {
    const { start, order, log, answers, want, write } = await open();
    const run = await start([counted()]);
    await write(10);
    await expect.poll(() => inOf(run), SOON).toBe(10);
    await want("paused");
    const scale = async (workers: number) => {
      const given = { ...order(), job: JOB, workers };
      await orderScale(log, "", given);
      await expect.poll(() => answers(given.id), SOON).toMatchObject([{ outcome: "done" }]);
      await expect.poll(() => activities(run), SOON).toEqual(Array(workers).fill("paused"));
    };
    await scale(3);
    await scale(1);
    await scale(2);
    await want("running");
    await write(10);
    await run.untilIdle();
    expect(await inOf(run)).toBe(20);
  });

  it("of a topic that is away change nothing, and are obeyed when it is back", async () => {
    const harness = await open();
    let isAway = false;
    const log = new Proxy(harness.log, {
      get(target, name) {
        if (isAway && name === "openReader") return () => Promise.reject(new Error("away"));
        return Reflect.get(target, name).bind(target);
      },
    });
    isAway = true;
    const run = await harness.start([counted()], {}, log);
    await harness.write(10);
    await expect.poll(() => inOf(run), SOON).toBe(10);
    expect(harness.events).toContainEqual({ kind: "ordersUnread", job: JOB, error: new Error("away") });
    isAway = false;
    await harness.want("paused");
    expect(activities(run)).toEqual(["paused"]);
  });

  it("that nobody of this version can read are passed over", async () => {
    const { start, log, want } = await open();
    const timestampMs = systemClock.now();
    const records = [
      ["nothing", "{}"],
      ['["wanted","counted"]', "{"],
      ['["wanted","counted"]', '{"status":"flying"}'],
      ['["later","counted"]', "{}"],
    ].map(([key, value]) => ({ key: Buffer.from(key!), value: Buffer.from(value!), timestampMs }));
    await log.ensureTopics([CONTROL]);
    await log.produce([{ topic: CONTROL.topic, partition: 0, records }]);
    const run = await start([counted()]);
    expect(await readWantedStates(log)).toEqual(new Map());
    await want("paused");
    expect(activities(run)).toEqual(["paused"]);
  });

  it("leave nothing of a process that has ended, but what is wanted", async () => {
    const { start, want, log } = await open();
    const run = await start([counted()]);
    await want("paused");
    await run.stop();
    const { reports, wanted } = await readControl(log);
    expect(reports).toEqual([]);
    expect([...wanted].map(([job, { status, by, why }]) => [job, status, by, why])).toEqual([
      [JOB, "paused", "ana@here", "tried"],
    ]);
  });
});
