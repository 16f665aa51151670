import { describe, expect, it } from "vitest";
import { mulgil, temporaryFolder } from "./support/mulgil.ts";
import { totalsProject } from "./support/totals-project.ts";

const TO = ["--principal", "User:app"];

describe("mulgil acl print", { timeout: 120_000 }, () => {
  it("prints commands that a shell runs, from files and without any log", async () => {
    const { command } = totalsProject();
    const { stdout } = await command("acl", "print", "job.ts", ...TO, "--host", "10.0.0.7");
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(12);
    expect(lines.filter((line) => line.startsWith("#"))).toHaveLength(6);
    expect(stdout).toContain(
      "--add --allow-principal User:app --allow-host 10.0.0.7 --operation Read --operation DescribeConfigs --topic events\n",
    );
    expect(stdout).toContain(" --operation Write --resource-pattern-type prefixed --transactional-id totals/\n");
    expect(stdout).toContain("\n# totals, totals.dlq: writes; mulgil.audit: records whom its state is revealed to;");
  });

  it("prints the rights of a deployed job by its name, as data too", async () => {
    const project = totalsProject();
    await project.write("a");
    await project.done("deploy", "job.ts", "--why", "a test", "--yes");
    const printed = await project.shown("acl", "print", "totals", ...TO, "--topics", "verify", "--deployed");
    expect(printed).toMatchObject({ principal: "User:app", grants: expect.any(Array) });
    expect(printed.grants).toContainEqual({
      ...{ resource: "topic", name: "mulgil.deployments", pattern: "literal", why: "looks up what was deployed" },
      operations: ["Read", "DescribeConfigs"],
    });
    expect(JSON.stringify(printed)).not.toContain("Create");
  });

  it("joins the rights of several jobs on one topic", async () => {
    const project = totalsProject();
    project.job("other.ts", { name: "other", step: "other", source: "raw", sink: "events" });
    const { grants } = await project.shown("acl", "print", "job.ts", "other.ts", ...TO);
    expect(grants.filter(({ name }: { name: string }) => name === "events")).toMatchObject([
      { resource: "topic", operations: ["Read", "DescribeConfigs", "Write", "Create"], why: "reads, writes" },
    ]);
  });

  it("refuses a job that is not known, and wrong usage with 2", async () => {
    const { command, write } = totalsProject();
    await write("a");
    expect((await command("acl", "print", "totals", ...TO)).stderr).toContain("[JOB_UNKNOWN]");
    const cwd = temporaryFolder();
    expect(await mulgil(["acl", "print", "job.ts"], { cwd })).toMatchObject({ code: 2 });
    const wrong = await mulgil(["acl", "print", "job.ts", "--principal", "app"], { cwd });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("Write type and name") });
  });
});
