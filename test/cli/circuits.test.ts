import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { done, retry } from "../../runtime/dsl/outcome.ts";
import { openDataDirectory } from "../../runtime/log/embedded/data-directory.ts";
import { circuitsTopicOf } from "../../runtime/plan/internal-topics.ts";
import { readPolicy } from "../../runtime/resilience/read-policy.ts";
import { Resources } from "../../runtime/resilience/resources.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { CircuitSharing } from "../../runtime/worker/circuit-sharing.ts";
import { mulgil, temporaryFolder } from "./support/mulgil.ts";

/** A data directory with the topic of a job that calls institutions, and its workers in this process. */
async function openJob(job = "collection") {
  const cwd = temporaryFolder();
  const { log, close } = await openDataDirectory(path.join(cwd, ".mulgil"), { clock: systemClock });
  const config = { cleanupPolicy: "compact", retentionMs: -1, deleteRetentionMs: 86_400_000 } as const;
  await log.ensureTopics([{ topic: circuitsTopicOf(job), partitions: 1, config }]);
  onTestFinished(close);
  return {
    async start(worker: string, step = "collect") {
      const { policy } = readPolicy({ circuit: { callsMin: 4, openFor: "1 hour" }, concurrency: 5 });
      const clock = systemClock;
      const resources = new Resources({ step, worker, clock, policyOf: () => policy, concurrency: 100 });
      const sharing = new CircuitSharing({
        ...{ job, worker, log, clock, resources: [resources] },
        onEvent: (event) => expect.fail(JSON.stringify(event)),
      });
      await sharing.start();
      const timer = setInterval(() => void sharing.tick(clock.now()), 50);
      onTestFinished(async () => {
        clearInterval(timer);
        await sharing.close();
      });
      const signal = new AbortController().signal;
      return {
        resources,
        refusal: (resource: string) => resources.guard(resource).refusal(undefined)?.reason,
        async call(resource: string, times: number, outcome: ReturnType<typeof done | typeof retry>) {
          const options = { value: undefined, isRetry: false, signal, classify: () => undefined };
          for (let call = 0; call < times; call++) await resources.guard(resource).run(() => outcome, options);
        },
      };
    },
    circuits: (...args: readonly string[]) => mulgil(["circuits", ...args], { cwd }),
    audit: async () => JSON.parse((await mulgil(["audit", "-o", "json"], { cwd })).stdout),
    async listed(...args: readonly string[]) {
      const { code, stdout, stderr } = await mulgil(["circuits", "ls", "-o", "json", ...args], { cwd });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return JSON.parse(stdout);
    },
  };
}

describe("mulgil circuits", { timeout: 120_000 }, () => {
  it("lists the institutions, over all workers", async () => {
    const { start, listed, circuits } = await openJob();
    const [one, two] = [await start("w1"), await start("w2")];
    await one.call("bank-1", 3, done(1));
    await two.call("bank-1", 1, retry("429", { failure: "throttled" }));
    await two.call("card-2", 4, retry("down"));
    two.resources.guard("card-2").reportWaiting("task", { records: 7, oldestSinceMs: systemClock.now() - 90_000 });
    expect(two.refusal("card-2")).toBe("circuit-open");
    await expect
      .poll(() => listed(), { timeout: 60_000 })
      .toMatchObject([
        {
          ...{ job: "collection", step: "collect", resource: "bank-1", circuit: "closed", workers: 2, limit: 10 },
          calls: { done: 3, throttled: 1, error: 0 },
          latency: { p50: expect.any(Number), p99: expect.any(Number) },
        },
        {
          ...{ resource: "card-2", circuit: "open", untilMs: expect.any(Number), workers: 1, waiting: 7 },
          ...{ calls: { error: 4 }, refused: { "circuit-open": 1 } },
        },
      ]);
    const { stdout } = await circuits();
    expect(stdout).toMatch(
      /^JOB +STEP +INSTITUTION +CIRCUIT +UNTIL +IN FLIGHT +LIMIT +CALLS +FAILED +P50 +P95 +P99 +REFUSED +WAITING +OLDEST\n/,
    );
    expect(stdout).toMatch(/\ncollection +collect +bank-1 +closed +- +0 +10 +4 +25% \(throttled 25%\) /);
    expect(stdout).toMatch(
      /\ncollection +collect +card-2 +open +in (1h|60m|59m) +0 +5 +4 +100% \(error 100%\) +\S+ +\S+ +\S+ +1 +7 +2m\n/,
    );
  });

  it("opens an institution by hand on every worker, says who and why, and resets it", async () => {
    const { start, circuits, listed } = await openJob();
    const workers = [await start("w1"), await start("w2")];
    await workers[0]!.call("bank-1", 1, done(1));
    await expect.poll(() => listed(), { timeout: 60_000 }).toHaveLength(1);
    const opened = await circuits(
      "open",
      "bank-1",
      "--job",
      "collection",
      "--for",
      "2h",
      "--yes",
      "--why",
      "announced",
    );
    expect(opened).toMatchObject({ code: 0, stderr: "collection collect bank-1: closed → open by hand for 2h\n" });
    expect(opened.stdout).toMatch(
      /^collection collect bank-1: closed → open by hand until 20\S+Z \(\S+@\S+: announced\)\n$/,
    );
    for (const { refusal } of workers) await expect.poll(() => refusal("bank-1")).toBe("opened-by-hand");
    expect(await listed("--job", "collection")).toMatchObject([
      { resource: "bank-1", override: { state: "open", why: "announced", by: expect.stringMatching(/.@./) } },
    ]);
    const reset = await circuits("reset", "bank-1", "--job", "collection", "--yes", "--why", "over");
    expect(reset.stdout).toMatch(/: open by hand until .* → closed\n$/);
    for (const { refusal } of workers) await expect.poll(() => refusal("bank-1")).toBeUndefined();
  });

  it("changes nothing without a yes or a reason, and writes down who changed what, from what to what", async () => {
    const { start, circuits, listed, audit } = await openJob();
    const worker = await start("w1");
    await worker.call("bank-1", 1, done(1));
    await expect.poll(() => listed(), { timeout: 60_000 }).toHaveLength(1);
    const open = ["open", "bank-1", "--job", "collection"] as const;
    expect(await circuits(...open)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[CHANGE_REASON_MISSING]"),
    });
    expect(await circuits(...open, "--why", "x")).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("[CHANGE_UNCONFIRMED]"),
    });
    expect(await circuits(...open, "--dry-run")).toMatchObject({
      code: 0,
      stdout: "collection collect bank-1: closed → open by hand\nnothing was changed: this was a dry run\n",
    });
    expect(await listed()).toMatchObject([{ circuit: "closed", resource: "bank-1" }]);
    expect((await listed())[0].override).toBeUndefined();
    expect(await audit()).toEqual([]);
    await circuits(...open, "--yes", "--why", "announced");
    const told = { action: "circuits open", target: "job collection, institution bank-1", why: "announced" };
    expect(await audit()).toMatchObject([
      { ...told, outcome: "begun", before: { collect: "closed" } },
      { ...told, outcome: "done", after: { collect: expect.stringContaining("open by hand") } },
    ]);
  });

  it("closes a circuit by hand that is open, and resets one", async () => {
    const { start, circuits, listed } = await openJob();
    const worker = await start("w1");
    await worker.call("bank-1", 4, retry("down"));
    await expect.poll(async () => (await listed())[0]?.circuit, { timeout: 60_000 }).toBe("open");
    const closed = await circuits("close", "bank-1", "--job", "collection", "--yes", "--why", "it is back");
    expect(closed.stdout).toMatch(/: open until \S+Z → closed by hand \(\S+: it is back\)\n$/);
    await expect.poll(() => worker.refusal("bank-1")).toBeUndefined();
    const reset = await circuits("reset", "bank-1", "--job", "collection", "--yes", "--why", "begin anew");
    expect(reset.stdout).toMatch(/: closed by hand .* → closed\n$/);
    await expect.poll(() => worker.resources.guard("bank-1").report(systemClock.now()).circuit.state).toBe("closed");
    expect(worker.refusal("bank-1")).toBeUndefined();
  });

  it("orders for one step, also before the institution was ever called, and for all steps that call it", async () => {
    const { start, circuits } = await openJob();
    const [collect, renew] = [await start("w1"), await start("w1", "renew")];
    const early = await circuits(
      "open",
      "bank-1",
      "--job",
      "collection",
      "--step",
      "renew",
      "--yes",
      "--why",
      "not yet",
    );
    expect(early.stdout).toMatch(/^collection renew bank-1: not called yet → open by hand \(/);
    await expect.poll(() => renew.refusal("bank-1")).toBe("opened-by-hand");
    expect(collect.refusal("bank-1")).toBeUndefined();
    await collect.call("bank-1", 1, done());
    await expect
      .poll(async () => (await circuits("open", "bank-1", "--job", "collection", "--yes", "--why", "all")).stdout, {
        timeout: 60_000,
        interval: 500,
      })
      .toMatch(/^collection collect bank-1: .*\ncollection renew bank-1: .*\n$/);
    await expect.poll(() => collect.refusal("bank-1")).toBe("opened-by-hand");
  });

  it("says what there is when a job or an institution is not known", async () => {
    const { start, circuits, listed } = await openJob();
    expect(await circuits()).toMatchObject({ code: 0, stdout: "no job has called an institution here yet\n" });
    const worker = await start("w1");
    await worker.call("bank-1", 1, done());
    await expect.poll(() => listed(), { timeout: 60_000 }).toHaveLength(1);
    expect(await circuits("open", "bank-2", "--job", "collection", "--yes", "--why", "x")).toMatchObject({
      code: 1,
      stdout: "",
      stderr:
        'mulgil: job "collection" has not called "bank-2": there is bank-1; to order something for one that is not called yet, name the --step [CIRCUITS_INSTITUTION_UNKNOWN]\n',
    });
    expect(await circuits("--job", "collections")).toMatchObject({
      code: 1,
      stderr: 'mulgil: no job "collections" calls institutions here: there is collection [CIRCUITS_JOB_UNKNOWN]\n',
    });
    expect((await circuits("-d", "nowhere")).stderr).toContain("[DATA_DIR_MISSING]");
  });

  it.each([
    [["circuits", "open", "bank-1", "--why", "x"], "--job"],
    [["circuits", "open", "bank-1", "--job", "j", "--why", "x", "--for", "soon"], "Write a duration"],
    [["circuits", "reset", "bank-1", "--job", "j", "--why", "x", "--for", "1h"], "--for"],
    [["circuits", "shut"], "too many arguments"],
  ])("refuses wrong usage with 2: %j", async (args, text) => {
    const { code, stderr } = await mulgil(args, { cwd: temporaryFolder() });
    expect(code).toBe(2);
    expect(stderr).toContain(text);
  });
});
