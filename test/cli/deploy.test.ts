import { rmSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { mulgil, temporaryFolder } from "./support/mulgil.ts";
import { totalsProject } from "./support/totals-project.ts";

const WHY = ["--why", "a test", "--yes"];

async function deployedProject() {
  const project = totalsProject();
  await project.write("a", "b", "a");
  await project.done("deploy", "job.ts", ...WHY);
  return project;
}

const topicsOf = async (project: ReturnType<typeof totalsProject>): Promise<readonly string[]> =>
  (await project.shown("topics")).map(({ topic }: { topic: string }) => topic);

describe("mulgil deploy", { timeout: 180_000 }, () => {
  it("shows what it would do, and does nothing, in a dry run", async () => {
    const project = totalsProject();
    await project.write("a");
    const { stdout } = await project.done("deploy", "job.ts", "--dry-run");
    expect(stdout).toMatch(/^job totals: version 1, plan [0-9a-f]{16}, is new\n/);
    expect(stdout).toContain("\n  + step totals: aggregate (for ever, emits on-commit) ← events\n");
    expect(stdout).toMatch(/\n {2}\+ store totals: keyValue of events, layout [0-9a-f]{8}\n/);
    expect(stdout).toContain("\n  + schema totals-value: version 1\n");
    expect(stdout).toContain("\ntopics to make\n  + totals: 4 partitions, delete\n");
    expect(stdout).toContain("\n  + totals.totals.changelog: 2 partitions, compact\n");
    expect(stdout).toMatch(/nothing was changed: this was a dry run\n$/);
    expect(await topicsOf(project)).toEqual(["events"]);
    expect(await project.shown("jobs")).toEqual([]);
  });

  it("asks for a reason and a yes, and changes nothing without them", async () => {
    const project = totalsProject();
    await project.write("a");
    expect((await project.command("deploy", "job.ts")).stderr).toContain("[CHANGE_REASON_MISSING]");
    expect(await project.command("deploy", "job.ts", "--why", "x")).toMatchObject({ code: 4 });
    expect(await topicsOf(project)).toEqual(["events"]);
  });

  it("registers schemas, makes topics, and remembers who deployed what, when and why, so that describe needs no sources", async () => {
    const project = totalsProject();
    await project.write("a", "b", "a");
    expect(await project.done("deploy", "job.ts", ...WHY)).toMatchObject({ stdout: "deployed totals, version 1\n" });
    expect(await topicsOf(project)).toEqual([
      ...["events", "mulgil.audit", "mulgil.deployments", "mulgil.plans"],
      ...["totals", "totals.dlq", "totals.totals.changelog"],
    ]);
    const described = JSON.parse((await project.done("describe", "job.ts", "-o", "json")).stdout);
    for (const name of ["job.ts", "event.avsc"]) rmSync(path.join(project.cwd, name));
    const remembered = await project.shown("describe", "totals");
    const { deployment, ...plan } = remembered;
    expect(plan).toEqual(described);
    expect(deployment).toMatchObject({
      ...{ at: expect.stringMatching(/^20.*Z$/), by: expect.stringMatching(/.@./), why: "a test", droppedStores: [] },
      schemas: [
        { subject: "events-value", use: "reads", id: 1, avro: { name: "Event" } },
        { subject: "totals-value", use: "writes", id: 2, avro: { name: "Total" } },
      ],
    });
    const { stdout: text } = await project.done("describe", "totals");
    expect(text).toMatch(/^job totals, version 1, plan /);
    expect(text).toMatch(/\ndeployed 20\S+Z by \S+@\S+: a test\n {2}reads {7}events-value {2}\(id 1\)\n/);
    expect((await project.done("describe", "totals", "-o", "mermaid")).stdout).toMatch(/^flowchart LR\n/);
    expect((await project.done("describe", "totals", "-o", "yaml")).stdout).toMatch(/^job: totals\n/);
    expect(await project.shown("audit")).toMatchObject([
      { action: "deploy", target: "job totals", why: "a test", outcome: "begun" },
      { outcome: "done", before: [{ job: "totals" }], after: [{ job: "totals", version: 1, plan: plan.hash }] },
    ]);
  });

  it("is listed with what runs, and has nothing to do when it is deployed already", async () => {
    const project = await deployedProject();
    expect(await project.shown("jobs")).toMatchObject([
      {
        ...{ job: "totals", version: 1, delivery: "exactly-once", tasks: 2, stores: ["totals"], group: "empty" },
        deployed: { why: "a test" },
      },
    ]);
    expect((await project.done("jobs")).stdout).toMatch(
      /\ntotals +1 +20\S+Z +\S+@\S+ +- +exactly-once +2 +1 +empty +0\n/,
    );
    const again = await project.done("deploy", "job.ts");
    expect(again.stdout).toMatch(/^job totals: version 1, plan \S+, is deployed already\n$/);
    await project.done("run", "job.ts", "--deployed", "--until-idle");
    expect(await project.shown("jobs")).toMatchObject([{ runsDeployed: true, lastRan: { version: 1 } }]);
  });

  it("shows the difference to what is deployed, also while the former version runs", async () => {
    const project = await deployedProject();
    const running = project.start("job.ts", "--deployed");
    await expect.poll(async () => (await project.shown("jobs"))[0].group, { timeout: 60_000 }).toBe("settled");
    project.job("job.ts", { version: 2, fields: ', { name: "note", type: "string", default: "" }' });
    project.job("more.ts", { name: "more", step: "counted", version: 1 });
    const { stderr, stdout } = await project.done("deploy", "job.ts", "more.ts", ...WHY);
    expect(stderr).toMatch(
      /^job totals: version 2, plan (\S+); version 1, plan \1, is deployed; the plans are the same\n/,
    );
    expect(stderr).toContain(
      '\n  ~ schema totals-value: version 1 → 2\n    + Total.note: string, default ""\njob more: version 1, ',
    );
    expect(stdout).toBe("deployed totals, version 2\ndeployed more, version 1\n");
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0, stderr: "" });
    expect(await project.shown("jobs")).toMatchObject([
      { job: "more", deployed: {} },
      { job: "totals", version: 2, lastRan: { version: 1 }, runsDeployed: false },
    ]);
    expect((await project.done("jobs")).stdout).toContain("version 1, another plan");
  });

  it("refuses what would break the state of the version that ran, all at once, each with what to do", async () => {
    const project = await deployedProject();
    await project.run("job.ts");
    project.job("job.ts", { version: 2, step: "renamed", size: "1 day", fields: ', { name: "day", type: "int" }' });
    const before = await topicsOf(project);
    const { code, stderr } = await project.command("deploy", "job.ts", ...WHY);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^mulgil: this cannot be deployed:\n/);
    expect(stderr).toMatch(/PLAN_STORE_REMOVED at job totals: .*give it its old name.*--drop-store totals/);
    expect(stderr).toMatch(
      /SCHEMA_INCOMPATIBLE at job totals, totals-value: Total.day: records of version 1 could not/,
    );
    project.job("job.ts", { version: 2, size: "1 day" });
    expect((await project.command("deploy", "job.ts", ...WHY)).stderr).toMatch(
      /PLAN_STORE_CHANGED at job totals: .*another key, window or content/,
    );
    expect(await topicsOf(project)).toEqual(before);
    expect(await project.shown("jobs")).toMatchObject([{ version: 1, runsDeployed: true }]);
  });

  it("lets the state of a store go when it is told so, once the job starts", async () => {
    const project = await deployedProject();
    await project.run("job.ts");
    project.job("job.ts", { version: 2, size: "1 day" });
    const { stderr } = await project.done("deploy", "job.ts", "--drop-store", "totals", ...WHY);
    expect(stderr).toContain("\n  - state of store totals, when the job starts with --deployed\n");
    expect(stderr).toMatch(/\n {2}~ step totals: aggregate \(for ever, .*\) ← events → aggregate \(tumbling 1 day, /);
    expect((await project.command("run", "job.ts", "--until-idle")).stderr).toContain("[PLAN_STORE_CHANGED]");
    await project.done("run", "job.ts", "--deployed", "--until-idle");
    expect(await project.shown("jobs")).toMatchObject([{ version: 2, runsDeployed: true }]);
  });

  it("refuses topics that are missing or have other partitions, and a version that is taken", async () => {
    const project = totalsProject();
    project.job("other.ts", { name: "other", source: "nowhere" });
    expect((await project.command("deploy", "other.ts", ...WHY)).stderr).toMatch(
      /TOPIC_MISSING at job other: topic "nowhere" does not exist/,
    );
    await project.write("a");
    await project.done("deploy", "job.ts", ...WHY);
    project.job("job.ts", { step: "others" });
    expect((await project.command("deploy", "job.ts", ...WHY)).stderr).toMatch(
      /DEPLOY_VERSION at job totals: version 1 is deployed already, with another plan: count the version/,
    );
  });

  it("makes no topics with --topics verify, and names those that are missing", async () => {
    const project = totalsProject();
    await project.write("a");
    const { code, stderr } = await project.command("deploy", "job.ts", "--topics", "verify", ...WHY);
    expect(code).toBe(1);
    for (const topic of ["totals", "totals.totals.changelog", "mulgil.plans", "mulgil.deployments", "mulgil.audit"])
      expect(stderr).toContain(`topic "${topic}" does not exist: kafka-topics.sh --create --topic ${topic} `);
    await project.done("deploy", "job.ts", ...WHY);
    project.job("job.ts", { version: 2 });
    const { stdout } = await project.done("deploy", "job.ts", "--topics", "verify", ...WHY);
    expect(stdout).toBe("deployed totals, version 2\n");
  });
});

describe("mulgil run --deployed", { timeout: 120_000 }, () => {
  it("refuses a job that was never deployed, and one that is another than was deployed", async () => {
    const project = totalsProject();
    await project.write("a");
    expect((await project.run("job.ts", "--deployed")).stderr).toMatch(/DEPLOY_MISSING at job totals: .*mulgil deploy/);
    await project.done("deploy", "job.ts", ...WHY);
    project.job("job.ts", { version: 2 });
    const { code, stderr } = await project.run("job.ts", "--deployed");
    expect(code).toBe(1);
    expect(stderr).toMatch(/DEPLOY_DIFFERS at job totals: version 1 with plan \S+ is deployed, and this is version 2/);
    await project.done("run", "job.ts", "--until-idle");
    expect(await project.shown("jobs")).toMatchObject([{ version: 1, lastRan: { version: 2 }, runsDeployed: false }]);
  });
});

describe("mulgil undeploy", { timeout: 120_000 }, () => {
  it("refuses while the job runs, and takes everything but sources, sinks and dead letters away after that", async () => {
    const project = await deployedProject();
    const running = project.start("job.ts");
    await expect.poll(async () => (await project.shown("jobs"))[0].group, { timeout: 60_000 }).toBe("settled");
    const refused = await project.command("undeploy", "totals", ...WHY);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^mulgil: job "totals" is running: its group has a member \(totals-0\)\. Stop its /);
    running.process.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0 });

    const { stdout } = await project.done("undeploy", "totals", "--dry-run");
    expect(stdout).toMatch(/^job totals: deployed as version 1, last ran as version 1\n/);
    expect(stdout).toContain("\n  - topic totals.totals.changelog (changelog, ");
    expect(stdout).toMatch(/\n {2}- group totals, with the offsets of events \(0: \d+, 1: \d+\)\n/);
    expect(stdout).toContain("\n    topic totals.dlq (dlq, 0 records) stays\n");
    expect(await topicsOf(project)).toContain("totals.totals.changelog");

    expect(await project.done("undeploy", "totals", ...WHY)).toMatchObject({ stdout: "undeployed totals\n" });
    expect(await topicsOf(project)).toEqual([
      ...["events", "mulgil.audit", "mulgil.control", "mulgil.deployments", "mulgil.plans", "totals", "totals.dlq"],
    ]);
    expect(await project.shown("jobs")).toEqual([]);
    expect((await project.command("undeploy", "totals", ...WHY)).stderr).toContain("there is none [JOB_UNKNOWN]");
    expect((await project.shown("audit")).at(-1)).toMatchObject({
      ...{ action: "undeploy", target: "job totals", outcome: "done" },
      before: { deployed: 1, ran: 1, offsets: [{ topic: "events" }, { topic: "events" }] },
    });
    // The group is gone, too: a job of that name begins at the beginning, with nothing to fit.
    project.job("job.ts", { step: "renamed" });
    await project.done("run", "job.ts", "--until-idle");
    const { stdout: values } = await project.done("read", "totals", "--key-type", "string");
    expect(values.match(/"events":2/g)).toHaveLength(2);
  });

  it("deletes dead letters with --dlq, unless another job reads them", async () => {
    const project = await deployedProject();
    project.job("dead.ts", { name: "dead", source: "totals.dlq" });
    await project.done("deploy", "dead.ts", ...WHY);
    expect((await project.command("undeploy", "totals", "--dlq", ...WHY)).stderr).toContain(
      '"totals.dlq" is read by job "dead". Undeploy those jobs first, or keep it [UNDEPLOY_READ]',
    );
    await project.done("undeploy", "dead", "--dlq", ...WHY);
    await project.done("undeploy", "totals", "--dlq", ...WHY);
    expect(await topicsOf(project)).not.toContain("totals.dlq");
  });

  it("keeps the state and the plan that it fits with --keep-state", async () => {
    const project = await deployedProject();
    await project.run("job.ts");
    const before = await topicsOf(project);
    await project.done("undeploy", "totals", "--keep-state", ...WHY);
    expect(await topicsOf(project)).toEqual(before);
    const [job] = await project.shown("jobs");
    expect(job).toMatchObject({ job: "totals", lastRan: { version: 1 } });
    expect(job).not.toHaveProperty("deployed");
    project.job("job.ts", { step: "renamed" });
    expect((await project.command("deploy", "job.ts", ...WHY)).stderr).toContain("PLAN_STORE_REMOVED");
  });

  it.each([
    [["undeploy"], "missing required argument"],
    [["undeploy", "totals", "--dlq", "--keep-state"], "cannot be used with"],
    [["deploy"], "missing required argument"],
    [["deploy", "job.ts", "--topics", "make"], "Allowed choices are ensure, verify"],
    [["describe", "totals", "-o", "table"], "Allowed choices are text, mermaid, json, yaml"],
  ])("refuses wrong usage with 2: %j", async (args, text) => {
    const { code, stderr } = await mulgil(args, { cwd: temporaryFolder() });
    expect(code).toBe(2);
    expect(stderr).toContain(text);
  });

  it("tells a name from a file, and says what there is", async () => {
    const project = await deployedProject();
    expect((await project.command("describe", "total")).stderr).toContain("there is totals; a job file is named");
    expect((await project.command("describe", "totals.ts")).stderr).toContain("[JOB_FILE_MISSING]");
    expect((await project.command("describe", "totals", "-d", "nowhere")).stderr).toContain("[DATA_DIR_MISSING]");
    expect((await project.command("jobs", "-d", "nowhere")).stderr).toContain("[DATA_DIR_MISSING]");
  });
});
