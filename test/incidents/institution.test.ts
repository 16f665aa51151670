import { describe, expect, it } from "vitest";
import { by, EVENTS, Patient, rows, soon } from "./support/patient.ts";

const JOB = `
  import { defineJob, done, retry, type Schema, topic } from "mulgil";
  const event = { avro: ${JSON.stringify(EVENTS)} } as Schema<{ readonly id: string; readonly amount: number }>;
  export default defineJob({
    name: "collection",
    version: 1,
    commitEvery: "200 ms",
    flow(from) {
      const called = from(topic("events", { value: event, key: "id" })).call("collect", {
        resource: ({ id }) => id.split("-")[0]!,
        orderKey: ({ id }) => id,
        tiers: ["1 minute"],
        policy: { circuit: { callsMin: 5, openFor: "10 minutes" } },
        handler: async (value) => (value.id.startsWith("bank07") ? retry("no route to host") : done(value)),
      });
      called.to(topic("collected", { value: event, key: "id" }));
    },
  });
`;

describe("incident: a dead institution", { timeout: 180_000 }, () => {
  it("is named with its circuit, its failures, and what waits for it", async () => {
    const patient = new Patient(JOB);
    await patient.write([...rows(20, (index) => `bank01-${index}`), ...rows(30, (index) => `bank07-${index}`)]);
    patient.run();
    await expect
      .poll(async () => by(await patient.findings(), "institutions").map(({ severity }) => severity), soon)
      .toEqual(["error"]);
    await expect
      .poll(async () => (await patient.doctor("--no-sample")).stdout, soon)
      .toContain("30 records wait for it");

    const { code, stdout } = await patient.doctor("--no-sample");
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /error {2}institutions {2}institution bank07 is dead to step "collect" of job "collection": its circuit is open; it is tried again in \d+m\n/,
    );
    expect(stdout).toMatch(/\d+ of the last \d+ calls failed \(100%\): error \d+\n/);
    expect(stdout).toContain("where  job collection, step collect, institution bank07\n");
    expect(stdout).not.toContain("bank01");
    expect(await patient.status()).toContain('error: institution bank07 is dead to step "collect" of job "collection"');
  });
});
