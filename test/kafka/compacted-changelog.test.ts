import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TopicPartition } from "../../runtime/log/port.ts";
import { readPartition } from "../../runtime/log/read-partition.ts";
import { compile } from "../../runtime/plan/compile.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import { PaymentsOnKafka } from "./payments-on-kafka.ts";
import { setCleanupPolicy } from "./support/alter-topic.ts";
import { jobVariants } from "./support/job-variants.ts";
import { generatePayments, hourId, type Payment, type ShopHour } from "./support/payments-job.ts";
import { PARTITIONS } from "./support/payments-topics.ts";

const NAME = "compacted";
const PAYMENTS = 30_000;
const BATCH = 100;
const COMPACTION_MAX_MS = 120_000;
const RESTLESS_COMPACTION = {
  "log.roll.ms": "500",
  "log.cleaner.backoff.ms": "200",
  "log.cleaner.min.cleanable.ratio": "0.01",
};

describe.skipIf(!(await canStartKafka()))("a changelog that is only compacted", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({ overrides: RESTLESS_COMPACTION });
  }, 180_000);
  afterAll(() => kafka?.stop(), 60_000);

  it("begins at 0 however it is compacted, and where it has been made to lose records, a disk that needs them refuses it", {
    timeout: 400_000,
  }, async () => {
    const subject = await PaymentsOnKafka.open(NAME, kafka.bootstrap, "totals");
    const source = generatePayments(PAYMENTS).values();
    const produced: Payment[] = [];
    const produce = async () => {
      const batch = source.take(BATCH).toArray();
      await subject.produce(batch);
      produced.push(...batch);
    };
    try {
      const first = await subject.start("behind");
      await expect
        .poll(async () => produce().then(() => areCompacted(subject)), { timeout: COMPACTION_MAX_MS, interval: 500 })
        .toBe(true);
      await first.stop();
      const starts = await subject.log.listOffsets(changelogs, "earliest", "read_committed");
      expect(starts.map(({ offset }) => offset)).toEqual(changelogs.map(() => 0));

      await produce();
      const rebuilt = await subject.start("rebuilt");
      await rebuilt.untilIdle();
      await rebuilt.stop();
      expect(await subject.hours()).toEqual(plainTotals(produced));

      const ends = await subject.log.listOffsets(changelogs, "latest", "read_committed");
      await expect(subject.log.deleteRecords(ends)).rejects.toMatchObject({ code: "LOG_BROKER" });
      await setCleanupPolicy(kafka.bootstrap, changelogs[0]!.topic, "compact,delete");
      await subject.log.deleteRecords(ends);
      for (const disk of ["empty", "behind"]) {
        const refused = await subject.start(disk);
        await expect(refused.untilIdle()).rejects.toMatchObject({ code: "STATE_CHANGELOG_TRUNCATED" });
      }
      await produce();
      const goesOn = await subject.start("rebuilt");
      await goesOn.untilIdle();
      expect(await subject.hours()).toEqual(plainTotals(produced));
    } finally {
      await subject.close();
    }
  });
});

const changelogs: readonly TopicPartition[] = compile(jobVariants.totals(NAME).job)
  .topics.filter(({ role }) => role === "changelog")
  .flatMap(({ topic }) => Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })));

/** Records at the beginning of each are gone. */
async function areCompacted({ log }: PaymentsOnKafka): Promise<boolean> {
  const records = await Promise.all(changelogs.map((changelog) => readPartition(log, changelog)));
  return records.every(([first]) => first !== undefined && first.offset > 0);
}

function plainTotals(payments: readonly Payment[]): ReadonlyMap<string, ShopHour> {
  return new Map(
    [...Map.groupBy(payments, ({ card }) => card)].map(([card, own]) => [
      hourId(card, 0),
      { windowStartMs: 0, payments: own.length, total: own.reduce((sum, { amount }) => sum + amount, 0) },
    ]),
  );
}
