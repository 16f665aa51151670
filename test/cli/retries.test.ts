import { describe, expect, it } from "vitest";
import { FetchesProject } from "./support/fetches-project.ts";
import { mulgil, temporaryFolder } from "./support/mulgil.ts";
import { expectWaitingStory } from "./support/waiting-story.ts";

const patience = { timeout: 60_000, interval: 500 };

describe("mulgil retries and held", { timeout: 120_000 }, () => {
  it("show what waits, release it, and end it, while the job runs", { timeout: 300_000 }, () =>
    expectWaitingStory(new FetchesProject()),
  );

  it("have a closing by hand call back at once what waits for the institution", async () => {
    const project = new FetchesProject();
    await project.write({ id: "a1", customer: "a", bank: "one" });
    project.start();
    await expect.poll(async () => (await project.shown("retries", "ls")).length, patience).toBe(1);
    await expect.poll(async () => (await project.shown("circuits", "ls")).length, patience).toBe(1);
    project.bringUp("one");
    const closed = await project.command(
      "circuits",
      "close",
      "one",
      "--job",
      "fetching",
      "--yes",
      "--why",
      "it is back",
    );
    expect(closed.code).toBe(0);
    await expect.poll(() => project.fetched(), patience).toEqual(["a1"]);
  });

  it("change nothing without a yes, show it with --dry-run, and say when there is nothing", async () => {
    const project = new FetchesProject();
    await project.write({ id: "a1", customer: "a", bank: "one" });
    const job = project.start();
    await expect.poll(async () => (await project.shown("retries", "ls")).length, patience).toBe(1);
    job.process.kill("SIGTERM");
    await job.ended;
    const expire = ["retries", "expire", "fetching"] as const;
    expect((await project.command(...expire, "--dry-run")).stdout).toMatch(
      /fetching +fetch +one +1h +1 [\s\S]*1 records in tiers would become dead letters\nnothing was changed/,
    );
    expect(await project.command(...expire, "--why", "x")).toMatchObject({ code: 4 });
    expect(await project.command(...expire)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("[CHANGE_REASON_MISSING]"),
    });
    expect((await project.command(...expire, "--institution", "two")).stdout).toBe("nothing waits\n");
    expect(await project.shown("audit")).toEqual([]);
    expect(await project.shown("retries", "ls", "--job", "fetching", "--step", "other")).toEqual([]);

    // What is ordered while nobody runs is obeyed at the next start.
    expect(await project.command(...expire, "--yes", "--why", "x")).toMatchObject({ code: 0 });
    project.start();
    await expect.poll(async () => (await project.shown("dlq", "ls")).length, patience).toBe(1);
  });

  it("have a clear word for what is wrong", async () => {
    const cwd = temporaryFolder();
    expect((await mulgil(["retries"], { cwd })).stderr).toContain("[DATA_DIR_MISSING]");
    const project = new FetchesProject();
    await project.write({ id: "a1", customer: "a", bank: "one" });
    expect((await project.command("retries")).stdout).toBe("nothing waits\n");
    expect((await project.command("held", "ls", "--job", "other")).stderr).toBe(
      'mulgil: no job "other" calls institutions here: there is none [CIRCUITS_JOB_UNKNOWN]\n',
    );
    expect((await mulgil(["retries", "release"], { cwd })).code).toBe(2);
    expect((await mulgil(["retries", "release", "j", "--held"], { cwd })).code).toBe(2);
  });
});
