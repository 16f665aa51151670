import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, it } from "vitest";
import { KafkaLog } from "../../runtime/log/kafka/kafka-log.ts";
import { brokerForTests } from "../kafka/broker-for-tests.ts";
import { describeLogContract } from "./log-contract.ts";
import type { LogUnderTest } from "./log-under-test.ts";

const broker = await brokerForTests();
const TRANSACTION_TIMEOUT_MS = 1_500;
/** The broker looks for what is over twice a second. */
const BROKER_LOOKS_EVERY_MS = 500;

if (broker.isThere) {
  const { bootstrap } = broker;
  describeLogContract("Kafka", async (): Promise<LogUnderTest> => {
    const open = () =>
      new KafkaLog({
        connection: { brokers: bootstrap.split(",") },
        transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
        patienceMs: 20_000,
      });
    const logs = [open()];
    return {
      log: logs[0]!,
      async secondLog() {
        const log = open();
        logs.push(log);
        return log;
      },
      now: () => Date.now(),
      advance: (ms) => sleep(ms + BROKER_LOOKS_EVERY_MS + 200),
      pollWaitMs: 400,
      sessionTimeoutMs: 2_500,
      rebalanceTimeoutMs: 2_500,
      transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
      async cleanup() {
        await Promise.all(logs.map((log) => log.close()));
      },
    };
  });
  afterAll(() => broker.stop(), 30_000);
} else {
  describe("Log: Kafka", () => it.skip(broker.why));
}
