import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TopicDescription } from "../../runtime/log/port.ts";
import { compile } from "../../runtime/plan/compile.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import { PaymentsOnKafka } from "./payments-on-kafka.ts";
import { addPartitions } from "./support/alter-topic.ts";
import { generatePayments, paymentsJob } from "./support/payments-job.ts";

const PAYMENTS = 500;
const OTHER_COUNT = 3;
const GROWN_COUNT = 6;

describe.skipIf(!(await canStartKafka()))("a job whose topics have got another number of partitions", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({});
  }, 180_000);
  afterAll(() => kafka?.stop(), 60_000);

  it.each(["changelog", "repartition"] as const)("is refused when its %s has", { timeout: 240_000 }, async (role) => {
    await withStoppedJob(`other-${role}`, async (subject, name) => {
      const topic = compile(paymentsJob(name).job).topics.find((planned) => planned.role === role)!.topic;
      const { config } = (await subject.log.describeTopics()).find((found) => found.topic === topic)!;
      await subject.log.deleteTopic(topic);
      await subject.log.ensureTopics([{ topic, partitions: OTHER_COUNT, config }]);
      await expectRefusal(subject, [`"${topic}" has 3 partitions but needs 4`]);
    });
  });

  it("is refused when the source that its state depends on has", { timeout: 240_000 }, async () => {
    await withStoppedJob("grown-source", async (subject, name) => {
      const { source, job } = paymentsJob(name);
      await addPartitions(kafka.bootstrap, source.name, GROWN_COUNT);
      const internal = compile(job).topics.filter(({ role }) => role === "changelog" || role === "repartition");
      await expectRefusal(
        subject,
        internal.map(({ topic }) => `"${topic}" has 4 partitions but needs 6`),
      );
    });
  });

  async function withStoppedJob(
    name: string,
    run: (subject: PaymentsOnKafka, name: string) => Promise<void>,
  ): Promise<void> {
    const subject = await PaymentsOnKafka.open(name, kafka.bootstrap);
    try {
      await subject.produce(generatePayments(PAYMENTS));
      const first = await subject.start("disk");
      await first.untilIdle();
      await first.stop();
      await run(subject, name);
    } finally {
      await subject.close();
    }
  }
});

/** At every start, and nothing is made or changed. */
async function expectRefusal(subject: PaymentsOnKafka, says: readonly string[]): Promise<void> {
  const before = await topicsOf(subject);
  for (const disk of ["disk", "another disk"]) {
    const started = subject.start(disk);
    for (const text of says)
      await expect(started).rejects.toMatchObject({
        code: "TOPIC_PARTITIONS",
        message: expect.stringContaining(text),
      });
  }
  expect(await topicsOf(subject)).toEqual(before);
}

const topicsOf = async ({ log }: PaymentsOnKafka): Promise<readonly TopicDescription[]> =>
  (await log.describeTopics()).toSorted((left, right) => left.topic.localeCompare(right.topic));
