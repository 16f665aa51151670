import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import { expectEverythingOnce } from "./support/expectations.ts";
import { longestPauses } from "./support/pauses.ts";
import { Proof } from "./support/proof.ts";

/** How long each number of workers has the load. */
const STAY_MS = 5_000;

describe.skipIf(!(await canStartKafka()))("a job that is scaled from one worker to four and back to two", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({});
  }, 180_000);
  afterAll(() => kafka?.stop(), 60_000);

  it("loses nothing and repeats nothing, under load all the time", { timeout: 600_000 }, async () => {
    const proof = await Proof.open({ bootstrap: kafka.bootstrap, name: "scaling", delivery: "exactly-once" });
    try {
      const [first] = await proof.startWorkers("one");
      await proof.produceWhile(async () => {
        await sleep(STAY_MS);
        const [second, third] = await proof.startWorkers("two", "three", "four");
        await sleep(STAY_MS);
        const codes = await Promise.all([first!.stop(), second!.stop()]);
        expect(codes).toEqual([0, 0]);
        await third!.until(({ tasks }) => tasks.size === TASKS / 2);
        await sleep(STAY_MS);
      });
      const { stayedMs, movedMs } = longestPauses(proof.workers);
      console.info(`longest pause between two commits of a task: ${stayedMs} ms where it was, ${movedMs} ms moved`);
      expect(movedMs).toBeGreaterThan(0);
      await expectEverythingOnce(proof);
    } finally {
      await proof.close();
    }
  });
});

/** Two parts of four partitions. */
const TASKS = 8;
