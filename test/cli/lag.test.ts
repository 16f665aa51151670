import { describe, expect, it } from "vitest";
import { Patient, rows, soon } from "../incidents/support/patient.ts";

describe("mulgil lag", { timeout: 180_000 }, () => {
  it("shows records and time by partition, task and job", async () => {
    const patient = new Patient();
    await patient.write(rows(10, (index) => `fine-${index}`));
    expect(await patient.command("lag")).toMatchObject({ code: 0, stdout: "no job has run here yet\n" });
    await patient.runUntilIdle();
    await patient.write(rows(30, (index) => `later-${index}`));

    const text = await patient.command("lag");
    expect(text).toMatchObject({ code: 0, stderr: "" });
    expect(text.stdout).toMatch(/^JOB +TASK +PARTITION +POSITION +END +LAG +AGE +COMMITTED +VERDICT\n/);
    expect(text.stdout).toMatch(/\ntotals +events_1 +events\/1 +\d+ +\d+ +\d+ +\d+(ms|s) +- +stopped\n$/);

    const { stdout } = await patient.command("lag", "totals", "-o", "json");
    const partitions = JSON.parse(stdout) as readonly {
      position: number;
      endOffset: number;
      lag: number;
      lagMs: number;
    }[];
    expect(partitions).toHaveLength(2);
    expect(partitions.reduce((sum, { lag }) => sum + lag, 0)).toBe(30);
    for (const { position, endOffset, lag, lagMs } of partitions) {
      expect(endOffset - position).toBe(lag);
      expect(lagMs).toBeGreaterThanOrEqual(0);
    }
    const byTask = JSON.parse((await patient.command("lag", "--by", "task", "-o", "json")).stdout);
    expect(byTask).toMatchObject([
      { job: "totals", task: "events_0", verdict: "stopped" },
      { job: "totals", task: "events_1", verdict: "stopped" },
    ]);
    const byJob = JSON.parse((await patient.command("lag", "--by", "job", "-o", "json")).stdout);
    expect(byJob).toMatchObject([{ job: "totals", lag: 30, verdict: "stopped" }]);
    expect(byJob[0]).not.toHaveProperty("inPerSecond");
  });

  it("shows rates and the time left over a sample, beside a job that runs", async () => {
    const patient = new Patient();
    await patient.write(rows(10, (index) => `fine-${index}`));
    patient.run();
    await expect.poll(() => patient.status(), soon).toMatch(/running {2}1 worker {2}lag 0 {2}ok/);
    const sampled = patient.command("lag", "--by", "job", "--sample", "8s", "-o", "json");
    let isOver = false;
    void sampled.finally(() => {
      isOver = true;
    });
    while (!isOver) await patient.write(rows(20, (index) => `more-${index}`));
    const [job] = JSON.parse((await sampled).stdout);
    expect(job).toMatchObject({ job: "totals", verdict: "ok", commitAgeMs: expect.any(Number) });
    expect(job.inPerSecond).toBeGreaterThan(0);
    expect(job.outPerSecond).toBeGreaterThan(0);
    const { stdout } = await patient.command("lag", "--by", "job", "--sample", "1s");
    expect(stdout).toMatch(/^JOB +LAG +AGE +COMMITTED +VERDICT +IN\/S +OUT\/S +CAUGHT UP\ntotals +\d+ /);
  });

  it("goes on with --watch, a document a line for programs", async () => {
    const patient = new Patient();
    await patient.write(rows(10, (index) => `fine-${index}`));
    await patient.runUntilIdle();
    const watch = patient.start("lag", "--watch", "--by", "job", "-o", "json");
    await watch.until(({ stdout }) => stdout.split("\n").length > 2);
    const lines = watch.output.stdout
      .split("\n")
      .slice(0, 2)
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([[{ job: "totals", lag: 0, verdict: "ok" }], [{ job: "totals" }]]);
    watch.process.kill("SIGINT");
    expect((await watch.ended).signal).toBe("SIGINT");
  });

  it("refuses wrong usage with 2, and unknown jobs with 1", async () => {
    const patient = new Patient();
    await patient.write(rows(1, () => "fine"));
    await patient.runUntilIdle();
    expect(await patient.command("lag", "--by", "topic")).toMatchObject({ code: 2 });
    expect(await patient.command("lag", "--sample", "fast")).toMatchObject({ code: 2 });
    expect((await patient.command("lag", "nobody")).stderr).toContain("[JOB_UNKNOWN]");
  });
});
