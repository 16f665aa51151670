import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import { PaymentsOnKafka } from "./payments-on-kafka.ts";
import { generatePayments, plainMinutes } from "./support/payments-job.ts";

const PAYMENTS = 12_000;
const BATCH = 200;
const BATCH_EVERY_MS = 150;
/** Longer than the session of the workers. */
const AWAY_MS = 8_000;
const START_MAX_MS = 180_000;
const STOP_MAX_MS = 60_000;

const isThere = await canStartKafka();

describe.skipIf(!isThere)("a job on three brokers", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({ nodes: 3 });
  }, START_MAX_MS);
  afterAll(() => kafka?.stop(), STOP_MAX_MS);

  it("goes on by itself when brokers are restarted and killed, and gives everything once", { timeout: 240_000 }, () =>
    givesEverythingOnce(kafka, () => loseEachInTurn(kafka)),
  );
});

describe.skipIf(!isThere)("a job on one broker", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({});
  }, START_MAX_MS);
  afterAll(() => kafka?.stop(), STOP_MAX_MS);

  it("waits for it to come back, and gives everything once", { timeout: 240_000 }, () =>
    givesEverythingOnce(kafka, async () => {
      await sleep(2_000);
      await kafka.kill(1);
      await sleep(AWAY_MS);
      await kafka.restart(1);
    }),
  );
});

async function givesEverythingOnce(kafka: RunningKafka, disturb: () => Promise<void>): Promise<void> {
  const payments = generatePayments(PAYMENTS);
  const subject = await PaymentsOnKafka.open("broker-loss", kafka.bootstrap);
  try {
    const run = await subject.start("disk");
    const disturbing = disturb();
    for (let at = 0; at < PAYMENTS; at += BATCH) {
      await subject.produce(payments.slice(at, at + BATCH));
      await sleep(BATCH_EVERY_MS);
    }
    await disturbing;
    await run.untilIdle();
    expect(await subject.copiedIds()).toEqual(payments.map(({ id }) => id));
    expect(await subject.minutes()).toEqual(plainMinutes(payments));
  } finally {
    await subject.close();
  }
}

/** Each broker goes once, so every leader and coordinator does. */
async function loseEachInTurn(kafka: RunningKafka): Promise<void> {
  await sleep(2_000);
  await kafka.kill(1);
  await sleep(3_000);
  await kafka.restart(1);
  await kafka.restart(2);
  await kafka.kill(3);
  await sleep(3_000);
  await kafka.restart(3);
}
