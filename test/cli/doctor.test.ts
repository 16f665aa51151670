import { describe, expect, it } from "vitest";
import { Patient, rows, soon } from "../incidents/support/patient.ts";

/** The machine that tests run on may be nearly full. */
const withoutDisk = (stdout: string) =>
  (JSON.parse(stdout) as readonly { readonly check: string }[]).filter(({ check }) => check !== "disk");

describe("mulgil doctor", { timeout: 180_000 }, () => {
  it("finds nothing wrong with a job that runs and keeps up, and nothing where none has run", async () => {
    const patient = new Patient();
    await patient.write(rows(10, (index) => `fine-${index}`));
    const before = await patient.doctor("-o", "json");
    expect(before).toMatchObject({ code: 0, stderr: "" });
    expect(withoutDisk(before.stdout)).toEqual([]);
    const run = patient.run();
    await expect.poll(() => patient.status(), soon).toMatch(/running {2}1 worker {2}lag 0 {2}ok/);
    const healthy = await patient.doctor("--sample", "1s");
    expect(healthy).toMatchObject({ code: 0, stderr: "" });
    expect(healthy.stdout).toMatch(/(nothing is wrong with|^1 warning in) 1 job\n$/m);
    const json = await patient.doctor("totals", "--no-sample", "-o", "json");
    expect(json).toMatchObject({ code: 0, stderr: "" });
    expect(withoutDisk(json.stdout)).toEqual([]);
    run.process.kill("SIGTERM");
    expect(await run.ended).toMatchObject({ code: 0 });
  });

  it("ends with 3 and says what to do where there is an error, for people and for programs", async () => {
    const patient = new Patient();
    await patient.write(rows(10, (index) => `fine-${index}`));
    await patient.runUntilIdle();
    await patient.write(rows(2, (index) => `later-${index}`));
    const { code: exitCode, stdout: text, stderr } = await patient.doctor("--no-sample");
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: "" });
    expect(text).toContain(
      [
        'error  owners  nobody runs job "totals", and 2 records wait for it',
        "  where  job totals",
        "  seen   its group has no members",
        "  do     start it (mulgil run), and see why it ended; or undeploy it if it is not wanted any more",
        "",
        "",
      ].join("\n"),
    );
    expect(text).toMatch(/\n1 error(, 1 warning)? in 1 job\n$/);
    const { code, stdout } = await patient.doctor("--no-sample", "-o", "json");
    expect(code).toBe(3);
    expect(withoutDisk(stdout)).toEqual([
      {
        ...{ check: "owners", severity: "error", where: { job: "totals" }, evidence: ["its group has no members"] },
        what: 'nobody runs job "totals", and 2 records wait for it',
        todo: expect.stringMatching(/^start it/),
      },
    ]);
    const yaml = await patient.doctor("--no-sample", "-o", "yaml");
    expect(yaml.stdout).toContain("- check: owners\n  where:\n    job: totals\n  severity: error\n");
  });

  it("finds that brokers are away, and does not wait for them as who works with them", async () => {
    const patient = new Patient();
    const { code, stdout } = await patient.doctor("--kafka", "127.0.0.1:9", "--registry", "http://127.0.0.1:9");
    expect(code).toBe(3);
    expect(stdout).toContain("error  access  could not open the log (kafka 127.0.0.1:9)\n");
    expect(stdout).toContain("[LOG_UNREACHABLE]\n");
    const status = await patient.command("status", "--kafka", "127.0.0.1:9", "--registry", "http://127.0.0.1:9");
    expect(status).toMatchObject({ code: 1, stdout: "" });
    expect(status.stderr).toContain("[LOG_UNREACHABLE]\n");
  });

  it("refuses a job that has never run, a folder that is not there, and wrong usage", async () => {
    const patient = new Patient();
    await patient.write(rows(1, () => "fine"));
    await patient.runUntilIdle();
    const unknown = await patient.doctor("nobody");
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toBe('mulgil: no job "nobody" has ever run here: there is totals [JOB_UNKNOWN]\n');
    expect((await patient.doctor("-d", "nowhere")).stderr).toContain("[DATA_DIR_MISSING]");
    expect(await patient.doctor("--sample", "soon")).toMatchObject({ code: 2 });
    expect(await patient.doctor("-o", "xml")).toMatchObject({ code: 2 });
    expect((await patient.doctor("--help")).stdout).toContain("Exit code: 3 if an error was found");
  });
});
