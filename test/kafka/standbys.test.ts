import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import { expectEverythingOnce } from "./support/expectations.ts";
import { Proof } from "./support/proof.ts";
import type { WorkerProcess } from "./support/worker-process.ts";

const TEST_MAX_MS = 600_000;

describe.skipIf(!(await canStartKafka()))("a worker that is killed and does not come back", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({});
  }, 180_000);
  afterAll(() => kafka?.stop(), 60_000);

  it("leaves its tasks to the standbys, which go on from their copies, and everything is there once", {
    timeout: TEST_MAX_MS,
  }, async () => {
    const { bootstrap } = kafka;
    const proof = await Proof.open({ bootstrap, name: "standbys", delivery: "exactly-once", variant: "standbys" });
    try {
      const [one, two] = [proof.startWorker("one"), proof.startWorker("two")];
      await proof.produceWhile(async () => {
        await Promise.all([one, two].map((worker) => worker.until(({ tasks }) => tasks.size === 4)));
        await two.until((worker) => copiesOf(worker).size === 2);
        const before = two.events.at(-1)!;
        await one.kill();
        await two.until(({ tasks }) => tasks.size === 8);
        const taken = two.told("restored", before).filter(({ standby }) => standby === undefined);
        expect(taken.length).toBeGreaterThan(0);
        expect(taken.map(({ reason }) => reason)).toEqual(taken.map(() => "trusted"));
      });
      await expectEverythingOnce(proof);
    } finally {
      await proof.close();
    }
  });
});

/** Tasks of others of which a worker has told that it has restored a copy. */
const copiesOf = (worker: WorkerProcess): ReadonlySet<string> =>
  new Set(
    worker
      .told("restored")
      .filter(({ standby, task }) => standby === true && !worker.tasks.has(task))
      .map(({ task }) => task),
  );
