import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { by, Patient, rows, soon } from "./support/patient.ts";

const hashOf = (key: string) => createHash("sha256").update(key).digest("hex").slice(0, 8);

describe("incident: a stuck handler", { timeout: 180_000 }, () => {
  it("is named by record, key, step and age", async () => {
    const patient = new Patient();
    await patient.write([...rows(3, (index) => `fine-${index}`), { id: "stuck", amount: 1 }]);
    patient.run();
    await expect.poll(async () => by(await patient.findings(), "stuck"), soon).toHaveLength(1);
    await patient.write(rows(20, (index) => `later-${index}`));

    const { code, stdout } = await patient.doctor("--no-sample");
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /error {2}stuck {2}task events_(\d) of job "totals" is held for \d+s by the function of step "enrich", which has not ended for events\/\1 offset \d+\n/,
    );
    expect(stdout).toMatch(
      / where +job totals, task events_\d, partition events\/\d, step enrich, worker \S+, process \d+\n/,
    );
    expect(stdout).toMatch(new RegExp(` seen +record events/\\d offset \\d+, \\S+ old, key #${hashOf("stuck")}\\n`));
    expect(stdout).not.toContain('"stuck"');
    expect(stdout).toMatch(
      /error {2}positions {2}events\/\d of job "totals" has stopped: no commit for longer than a whole window/,
    );

    const status = await patient.status();
    expect(status).toMatch(/^totals {2}version 1 {2}running {2}1 worker {2}lag \d+ \(\d+s\) {2}stopped/);
    expect(status).toMatch(/\nerror: task events_\d of job "totals" is held for \d+s by the function of step "enrich"/);
    const [stuck] = by(await patient.findings(), "stuck");
    expect(stuck).toMatchObject({
      ...{ severity: "error", where: { job: "totals", step: "enrich", topic: "events" } },
      ageMs: expect.any(Number),
    });
  });
});
