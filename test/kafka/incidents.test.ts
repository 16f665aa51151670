import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { KafkaLog } from "../../runtime/log/kafka/kafka-log.ts";
import { openConfluentRegistry } from "../../schemas/confluent-registry.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import { createEncoder } from "../../schemas/value-serde.ts";
import { startRegistry } from "../../scripts/kafka/start-registry.ts";
import { canStartKafka, canStartRegistry, startTestKafka } from "./broker-for-tests.ts";
import { CountingProject, type Surroundings } from "./counting-project.ts";

const isPossible = (await canStartKafka()) && (await canStartRegistry());
const TEST_MAX_MS = 240_000;
const HOUR_MS = 3_600_000;
const soon = { timeout: 120_000, interval: 500 };

describe.skipIf(!isPossible)("incidents on Kafka: doctor and status name the cause", () => {
  let home: string;
  let surroundings: Surroundings;
  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), "mulgil-incidents-"));
    const kafka = await startTestKafka({});
    surroundings = { kafka, registry: await startRegistry({ dir: path.join(home, "registry") }) };
  }, TEST_MAX_MS);
  afterAll(async () => {
    await surroundings?.registry.stop();
    await surroundings?.kafka.stop();
    rmSync(home, { recursive: true, force: true });
  });

  const openLog = () => {
    const log = new KafkaLog({ connection: { brokers: [surroundings.kafka.bootstrap] }, patienceMs: 20_000 });
    onTestFinished(() => log.close());
    return log;
  };

  /** A job that has run and is at the end of its input. */
  async function project(name: string): Promise<CountingProject> {
    const created = new CountingProject(name, surroundings);
    await created.write(200);
    const { code, stderr } = await created.run("--until-idle").ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return created;
  }

  const doctor = (subject: CountingProject) => subject.command("doctor", subject.name, "--no-sample");
  const status = async (subject: CountingProject) => (await subject.command("status", subject.name)).stdout;

  it(
    "a lost worker, killed with -9: before the group notices",
    async () => {
      const subject = await project("lost");
      const run = subject.run();
      await expect.poll(() => status(subject), soon).toMatch(/running {2}1 worker {2}lag 0 {2}ok/);
      expect((await doctor(subject)).code).toBe(0);
      run.process.kill("SIGKILL");
      await run.ended;
      await subject.write(50);
      const { code, stdout } = await doctor(subject);
      expect(code).toBe(3);
      expect(stdout).toMatch(
        new RegExp(
          `error {2}workers {2}a worker of job "lost" is lost: \\S+, process ${run.process.pid} is gone, and its tasks wait until the group notices\\n`,
        ),
      );
      expect(stdout).toMatch(/it has lost\.events_0, lost\.events_1, lost\.events_2, lost\.events_3\n/);
      expect(await status(subject)).toContain('error: a worker of job "lost" is lost: ');
    },
    TEST_MAX_MS,
  );

  it(
    "a transaction left open, by the transactional id that the brokers know",
    async () => {
      const subject = await project("held");
      const producer = await openLog().openTransactionalProducer("nightly-import");
      await producer.begin();
      const record = { key: null, value: null, timestampMs: Date.now() - 30 * 24 * HOUR_MS };
      await producer.produce([{ topic: "held.events", partition: 2, records: [record] }]);
      await expect.poll(async () => (await doctor(subject)).stdout, soon).toContain("error  transactions");
      const { code, stdout } = await doctor(subject);
      expect(code).toBe(3);
      expect(stdout).toMatch(/a transaction is open in held\.events\/2 for \d+s: nothing behind it can be read/);
      expect(stdout).toMatch(/it is of the transactional id "nightly-import" \(producer \d+\)\n/);
      expect(await status(subject)).toMatch(/error: a transaction is open in held\.events\/2 for \d+s/);
      await producer.abort();
      await expect.poll(async () => (await doctor(subject)).stdout, soon).not.toContain("transaction is open");
    },
    TEST_MAX_MS,
  );

  it(
    "retention about to pass the position",
    async () => {
      const log = openLog();
      const config = { cleanupPolicy: "delete", retentionMs: HOUR_MS, deleteRetentionMs: HOUR_MS } as const;
      await log.ensureTopics([{ topic: "short.events", partitions: 4, config }]);
      const subject = await project("short");
      const timestampMs = Date.now() - 0.95 * HOUR_MS;
      const records = [{ key: null, value: Buffer.from("x"), timestampMs }];
      await log.produce([{ topic: "short.events", partition: 3, records }]);
      const { code, stdout } = await doctor(subject);
      expect(code).toBe(3);
      expect(stdout).toMatch(
        /error {2}retention {2}retention is about to pass the job's position in short\.events\/3: its records go in [1-3]m\n/,
      );
      expect(await status(subject)).toContain("error: retention is about to pass the job's position in short.events/3");
    },
    TEST_MAX_MS,
  );

  it(
    "topics with one copy, and a group that a tool has set back",
    async () => {
      const subject = await project("single");
      const producer = await openLog().openTransactionalProducer("a-tool");
      await producer.begin();
      await producer.sendOffsets("single", [{ topic: "single.events", partition: 0, offset: 0, metadata: "" }]);
      await producer.commit();
      const { code, stdout } = await doctor(subject);
      expect(code).toBe(3);
      expect(stdout).toMatch(
        /warning {2}replication {2}topics have one copy: with its broker they are lost: .*single\.events/,
      );
      expect(stdout).toContain(
        'the position of job "single" in single.events/0 was set to 0 by hand or by another tool: the group was rewound',
      );
      const { stdout: lag } = await subject.command("lag", "single", "--by", "job", "--sample", "1s");
      expect(lag).toMatch(/\nsingle +\d+ +\S+ +- +stopped +0 +0 +not at this rate\n/);
    },
    TEST_MAX_MS,
  );

  it(
    "a registry outage: what needs it waits, named, and goes on by itself; the rest never stops",
    async () => {
      const subject = await project("outage");
      const run = subject.run();
      await expect.poll(() => status(subject), soon).toMatch(/running {2}1 worker {2}lag 0 {2}ok/);
      const { registry } = surroundings;
      const log = openLog();
      const { known, fresh, freshId } = await eventsWithTwoSchemas(registry.url);
      await registry.stop();
      const events = [0, 1, 2, 3].map((partition) => ({
        ...{ topic: "outage.events", partition },
        records: (partition === 0 ? [fresh(1_000), known(1_001)] : [known(1_000 + 2 * partition)]).map((value) => ({
          ...{ key: Buffer.from("key-0"), value, timestampMs: Date.now() },
        })),
      }));
      await log.produce(events);
      const ends = await log.listOffsets(events, "latest", "read_committed");
      const committed = async () =>
        (await log.committedOffsets("outage", events)).map(({ offset }, at) => ends[at]!.offset - offset);
      await expect.poll(committed, soon).toEqual([2, 0, 0, 0]);
      await expect
        .poll(async () => (await doctor(subject)).stdout, soon)
        .toMatch(new RegExp(`outage outage\\.events_0 waits for schema ${freshId} since .*\\[REGISTRY_UNREACHABLE\\]`));
      const { code, stdout } = await doctor(subject);
      expect(code).toBe(3);
      expect(stdout).toMatch(
        new RegExp(
          `error {2}registry {2}the schema registry ${registry.url} does not answer: values with a schema that a worker has not seen yet cannot be read, and no job can start\\n`,
        ),
      );
      expect(stdout).toMatch(/\[(REGISTRY_UNREACHABLE|NO_ANSWER)\]\n/);
      expect(await status(subject)).toContain(`error: the schema registry ${registry.url} does not answer`);

      const port = Number(new URL(registry.url).port);
      surroundings = { ...surroundings, registry: await startRegistry({ dir: path.join(home, "registry"), port }) };
      await expect.poll(committed, soon).toEqual([0, 0, 0, 0]);
      expect(await subject.copies()).toEqual({ records: 205, distinct: 205 });
      expect(
        (await log.listOffsets([{ topic: "outage.dlq", partition: 0 }], "latest", "read_committed"))[0]?.offset,
      ).toBe(0);
      run.process.kill("SIGTERM");
      expect((await run.ended).code).toBe(0);
    },
    TEST_MAX_MS,
  );
});

/** Events as the job knows them, and with a version of their schema that no worker has seen. */
async function eventsWithTwoSchemas(url: string) {
  const registry = await openConfluentRegistry({ url });
  const { id, avro } = (await registry.latest("outage.events-value"))!;
  const { fields, ...rest } = avro as { readonly fields: readonly object[] };
  const extended = { ...rest, fields: [...fields, { name: "extra", type: "int", default: 0 }] } as AvroJson;
  const freshId = await registry.register("outage.events-value", extended);
  const event = (number: number) => ({ key: "key-0", number, extra: 1 });
  const [known, fresh] = [createEncoder(avro, id), createEncoder(extended, freshId)];
  return { known: (n: number) => known(event(n)), fresh: (n: number) => fresh(event(n)), freshId };
}
