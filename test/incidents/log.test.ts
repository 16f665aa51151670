import { describe, expect, it, onTestFinished } from "vitest";
import { by, Patient, rows, soon } from "./support/patient.ts";

const HOUR_MS = 3_600_000;

describe("incident: a transaction left open", { timeout: 180_000 }, () => {
  it("is named with whose it is, though there is no lag to see", async () => {
    const patient = new Patient();
    await patient.write(rows(10, (index) => `fine-${index}`));
    await patient.runUntilIdle();
    const { log, close } = await patient.open();
    onTestFinished(close);
    const producer = await log.openTransactionalProducer("nightly-import");
    await producer.begin();
    // An event of long ago does not make a transaction old.
    const record = { key: Buffer.from("x"), value: null, timestampMs: Date.now() - 30 * 24 * HOUR_MS };
    await producer.produce([{ topic: "events", partition: 1, records: [record, record] }]);
    expect(by(await patient.findings(), "transactions")).toEqual([]);
    // The log itself ends it after a minute.
    let said = { code: null as number | null, stdout: "" };
    const ask = async () => {
      said = await patient.doctor("--no-sample");
      return said.stdout;
    };
    await expect.poll(ask, soon).toContain("error  transactions");
    const { code, stdout } = said;
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /error {2}transactions {2}a transaction is open in events\/1 for \d+s: nothing behind it can be read, and the lag does not show it\n/,
    );
    expect(stdout).toMatch(/it is of the transactional id "nightly-import" \(producer \d+\)\n/);
    expect(stdout).toContain("2 records wait from there on for its end\n");
    const status = await patient.status();
    expect(status).toMatch(/^totals {2}version 1 {2}stopped {2}0 workers {2}lag 0 {2}ok/);
    expect(status).toMatch(/error: a transaction is open in events\/1 for \d+s/);
    await producer.abort();
    expect(by(await patient.findings(), "transactions")).toEqual([]);
  });
});

describe("incident: retention about to pass the position", { timeout: 180_000 }, () => {
  it("is named with the time that is left", async () => {
    const patient = new Patient();
    const { log, close } = await patient.open();
    const config = { cleanupPolicy: "delete", retentionMs: HOUR_MS, deleteRetentionMs: HOUR_MS } as const;
    await log.ensureTopics([{ topic: "events", partitions: 2, config }]);
    await close();
    await patient.write(rows(10, (index) => `fine-${index}`));
    await patient.runUntilIdle();
    expect(by(await patient.findings(), "retention")).toEqual([]);
    const timestamp = new Date(Date.now() - 0.95 * HOUR_MS).toISOString();
    await patient.write(
      rows(10, (index) => `old-${index}`).map((value) => ({ key: value.id, value, timestamp })),
      "--envelope",
    );

    const { code, stdout } = await patient.doctor("--no-sample");
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /error {2}retention {2}retention is about to pass the job's position in events\/\d: its records go in [1-3]m\n/,
    );
    expect(stdout).toMatch(/the topic keeps records for 1h, the one at offset \d+ is 5[78]m old\n/);
    expect(await patient.status()).toMatch(/error: retention is about to pass the job's position in events\/\d/);
  });
});

describe("incident: a hot key", { timeout: 180_000 }, () => {
  it("is named by its hash, its share and its partition", async () => {
    const patient = new Patient();
    await patient.write(rows(10, (index) => `fine-${index}`));
    await patient.runUntilIdle();
    await patient.write(rows(400, (index) => (index % 8 === 0 ? `other-${index}` : "customer-4711")));

    const { stdout } = await patient.doctor("--no-sample");
    expect(stdout).toMatch(
      /warning {2}hot-key {2}one key fills events\/\d: key #[0-9a-f]{8} is 9\d% of what waits there for job "totals"\n/,
    );
    expect(stdout).toMatch(/350 of the next \d+ records have it\n/);
    expect(stdout).toMatch(/the partition has 9\d% of the lag of 2 partitions\n/);
    expect(stdout).not.toContain("4711");
    expect(by(await patient.findings(), "hot-key")).toHaveLength(1);
    expect(await patient.status()).toMatch(/warning: one key fills events\/\d: key #[0-9a-f]{8}/);
  });
});

describe("incident: a lost worker", { timeout: 180_000 }, () => {
  it("is named where it was the only one: nobody runs the job, and so much waits", async () => {
    const patient = new Patient();
    await patient.write(rows(10, (index) => `fine-${index}`));
    const run = patient.run();
    await expect.poll(() => patient.status(), soon).toMatch(/running {2}1 worker {2}lag 0/);
    run.process.kill("SIGKILL");
    await run.ended;
    await patient.write(rows(10, (index) => `later-${index}`));
    const { code, stdout } = await patient.doctor("--no-sample");
    expect(code).toBe(3);
    expect(stdout).toContain('error  owners  nobody runs job "totals", and 10 records wait for it\n');
    expect(await patient.status()).toContain('error: nobody runs job "totals", and 10 records wait for it');
  });

  it("is named where its process is there and does not answer", async () => {
    const patient = new Patient();
    await patient.write(rows(10, (index) => `fine-${index}`));
    const run = patient.run();
    await expect.poll(() => patient.status(), soon).toMatch(/running {2}1 worker {2}lag 0/);
    run.process.kill("SIGSTOP");
    const { code, stdout } = await patient.doctor("--no-sample");
    run.process.kill("SIGCONT");
    expect(code).toBe(3);
    expect(stdout).toContain("could not open the log (data directory ");
    expect(stdout).toMatch(new RegExp(`process ${run.process.pid}\\b.*\\[DATA_DIR_LOCKED\\]`));
  });
});
