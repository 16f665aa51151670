import { describe, expect, it } from "vitest";
import { EVENTS, Patient, rows } from "./support/patient.ts";

describe("incident: a poison burst", { timeout: 180_000 }, () => {
  it("is named by code, step and source", async () => {
    const patient = new Patient();
    await patient.write([...rows(5, (index) => `fine-${index}`), ...rows(40, (index) => `poison-${index}`)]);
    await patient.runUntilIdle();
    const { code, stdout } = await patient.doctor("--no-sample");
    expect(code).toBe(3);
    expect(stdout).toContain(
      'error  dead-letters  job "totals" has a burst of dead letters: 40 with RECORD_FAILED at step "enrich" in the last 10 minutes\n',
    );
    expect(stdout).toMatch(/they come from events; one is events\/\d offset \d+\n/);
    expect(stdout).not.toContain("cannot be enriched");
    expect(await patient.status()).toContain(
      'error: job "totals" has a burst of dead letters: 40 with RECORD_FAILED at step "enrich"',
    );
  });

  it("is a warning while they are few", async () => {
    const patient = new Patient();
    await patient.write([...rows(5, (index) => `fine-${index}`), { id: "poison", amount: 1 }]);
    await patient.runUntilIdle();
    const { code, stdout } = await patient.doctor("--no-sample");
    expect(stdout).toContain(
      'warning  dead-letters  job "totals" had 1 dead letter with RECORD_FAILED at step "enrich" in the last hour\n',
    );
    expect(code).toBe(0);
  });
});

describe("incident: a schema break", { timeout: 180_000 }, () => {
  it("is told from other dead letters, with what broke in which version", async () => {
    const patient = new Patient();
    await patient.write(rows(3, (index) => `fine-${index}`));
    await patient.runUntilIdle();
    // The new version reads what was; the job, which has the old one, misses a field without a default.
    patient.schema("newer", { ...EVENTS, fields: EVENTS.fields.slice(0, 1) });
    await patient.write(
      rows(4, (index) => `new-${index}`).map(({ id }) => ({ id })),
      ...["--schema", "newer/event.avsc"],
    );
    const before = await patient.doctor("--no-sample");
    expect(before.stdout).toContain(
      'warning  schemas  what is written with version 2 of "events-value" cannot be read by who has the version before',
    );
    await patient.runUntilIdle();
    const { code, stdout } = await patient.doctor("--no-sample");
    expect(code).toBe(3);
    expect(stdout).toContain(
      'error  schemas  job "totals" cannot read records of topic "events": their schema is not one that it can read\n',
    );
    expect(stdout).toMatch(/4 dead letters with SCHEMA_INCOMPATIBLE in the last hour/);
    expect(stdout).toMatch(/version 2 breaks with the one before: Event\.amount: /);
    expect(stdout).not.toContain("error  dead-letters");
    expect(await patient.status()).toContain('error: job "totals" cannot read records of topic "events"');
  });
});
