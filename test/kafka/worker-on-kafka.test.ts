import { randomUUID } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { brokerForTests } from "./broker-for-tests.ts";
import { PaymentsOnKafka } from "./payments-on-kafka.ts";
import { generatePayments, plainHours } from "./support/payments-job.ts";

const PAYMENTS = 12_000;
const THIRD = PAYMENTS / 3;

const broker = await brokerForTests();
afterAll(async () => {
  if (broker.isThere) await broker.stop();
}, 30_000);

describe.skipIf(!broker.isThere)("jobs on Kafka", () => {
  it("gives every payment once, and the sums of a plain computation, over restarts and an empty disk", {
    timeout: 120_000,
  }, async () => {
    const payments = generatePayments(PAYMENTS);
    const subject = await PaymentsOnKafka.open(`test-${randomUUID()}`, broker.isThere ? broker.bootstrap : "");
    try {
      await subject.produce(payments.slice(0, THIRD));
      const first = await subject.start("disk");
      await subject.produce(payments.slice(THIRD, 2 * THIRD));
      await expect.poll(async () => (await first.status())[0]!.commits, { timeout: 60_000 }).toBeGreaterThan(3);
      await first.stop();

      const second = await subject.start("disk");
      await subject.produce(payments.slice(2 * THIRD));
      await second.untilIdle();
      await second.stop();

      const rebuilt = await subject.start("another disk");
      await rebuilt.untilIdle();
      expect(await subject.copiedIds()).toEqual(payments.map(({ id }) => id));
      expect(await subject.hours()).toEqual(plainHours(payments));
    } finally {
      await subject.close();
    }
  });
});
