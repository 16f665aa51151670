import { describe, expect, it, onTestFinished } from "vitest";
import type { Assignor, Log } from "../../runtime/log/port.ts";
import type { compile } from "../../runtime/plan/compile.ts";
import { taskAssignor } from "../../runtime/worker/task-assignor.ts";
import { by, Patient, rows, soon } from "./support/patient.ts";

const partitions = [0, 1].map((partition) => ({ topic: "events", partition }));

/** As a tool does: the offsets carry nothing of the job's. */
async function setPositions(log: Log, offset: number): Promise<void> {
  const producer = await log.openTransactionalProducer("a-tool");
  await producer.begin();
  await producer.sendOffsets(
    "totals",
    partitions.map((where) => ({ ...where, offset, metadata: "" })),
  );
  await producer.commit();
  await producer.close();
}

describe("incident: a rewound group", { timeout: 180_000 }, () => {
  it("is named while nobody runs the job, before anything is repeated", async () => {
    const patient = new Patient();
    await patient.write(rows(30, (index) => `fine-${index}`));
    await patient.runUntilIdle();
    expect(by(await patient.findings(), "positions")).toEqual([]);
    const { log, close } = await patient.open();
    await setPositions(log, 0);
    await close();

    const { code, stdout } = await patient.doctor("--no-sample");
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /error {2}positions {2}the position of job "totals" in events\/0 was set to 0 by hand or by another tool: the group was rewound, or moved ahead\n/,
    );
    expect(stdout).toMatch(
      /\d+ records from there on are processed, again if they were before; the first is \S+ old\n/,
    );
    expect(await patient.status()).toMatch(
      /error: the position of job "totals" in events\/1 was set to 0 by hand or by another tool: the group was rewound/,
    );
  });

  it("is named while the job runs again, though its commits have hidden it in the log", async () => {
    const patient = new Patient();
    await patient.write(rows(30, (index) => `fine-${index}`));
    await patient.runUntilIdle();
    const { log, close } = await patient.open();
    await setPositions(log, 0);
    await close();
    patient.run();
    await expect.poll(() => patient.status(), soon).toMatch(/running {2}1 worker {2}lag 0/);
    const { stdout } = await patient.doctor("--no-sample");
    expect(stdout).toMatch(/note {2}positions {2}the position of job "totals" in events\/0 was set to 0 by hand/);
    expect(stdout).toMatch(/the task began there; its position is \d+ now\n/);
  });
});

describe("incident: a partition without owner", { timeout: 180_000 }, () => {
  it("is named, with the task that nobody has", async () => {
    const patient = new Patient();
    await patient.write(rows(30, (index) => `fine-${index}`));
    await patient.runUntilIdle();
    const { log, close } = await patient.open();
    onTestFinished(close);
    await leadAndForget(log);
    await log.produce([{ ...partitions[1]!, records: [{ key: null, value: null, timestampMs: 0 }] }]);

    const { code, stdout } = await patient.doctor("--no-sample");
    expect(code).toBe(3);
    expect(stdout).toContain('error  owners  nobody owns events/1, though job "totals" has 1 worker\n');
    expect(stdout).toContain("where  job totals, task events_1, partition events/1\n");
    expect(stdout).toMatch(/events\/1 has a lag of \d+\n/);
    expect(stdout).not.toContain("nobody owns events/0");
    const status = await patient.status();
    expect(status).toContain('error: nobody owns events/1, though job "totals" has 1 worker');
    expect(status).toMatch(/\nevents_1 +- +starting +events\/1 /);
  });
});

/** A member that leads the group, and gives nobody the second partition. */
async function leadAndForget(log: Log): Promise<void> {
  const forgetful: Assignor = {
    name: taskAssignor({ subTopologies: [] } as unknown as ReturnType<typeof compile>).name,
    assign: (members) =>
      new Map(
        members.map(({ memberId }) => [memberId, { partitions: partitions.slice(0, 1), userData: Buffer.alloc(0) }]),
      ),
  };
  const assigned = Promise.withResolvers<void>();
  const consumer = await log.joinGroup({
    ...{ groupId: "totals", clientId: "stranger", topics: ["events"], assignor: forgetful },
    listener: {
      userData: () => Buffer.from("{}"),
      onRebalance: async () => undefined,
      onAssigned: async ({ partitions: own }) => {
        const starts = await log.listOffsets(own, "earliest", "read_committed");
        consumer.seek(starts);
        consumer.pause(own);
        assigned.resolve();
      },
      onLost: () => undefined,
    },
  });
  const over = new AbortController();
  const polling = (async () => {
    while (!over.signal.aborted) await consumer.poll(100);
  })();
  onTestFinished(async () => {
    over.abort();
    await polling;
    await consumer.close();
  });
  await assigned.promise;
}
