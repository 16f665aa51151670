import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Delivery } from "mulgil";
import { afterAll, beforeAll, describe, it, onTestFailed } from "vitest";
import { SeededRandom } from "../../runtime/testing/seeded-random.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import { commitPoints } from "./support/commit-points.ts";
import { expectEverythingOnce, expectNothingLost } from "./support/expectations.ts";
import { Proof } from "./support/proof.ts";

const KILLS = 10;
const WORKERS = ["one", "two", "three"];
const PAUSE_MAX_MS = 2_500;
/** A worker whose tasks have nothing to do does not come to the point. */
const POINT_WAIT_MAX_MS = 3_000;
const TEST_MAX_MS = 600_000;

describe.skipIf(!(await canStartKafka()))("workers that are killed with -9, ten times, at random", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({});
  }, 180_000);
  afterAll(() => kafka?.stop(), 60_000);

  it("lose nothing and repeat nothing under exactly-once", { timeout: TEST_MAX_MS }, () =>
    killWorkers(kafka, "exactly-once", expectEverythingOnce),
  );

  it("lose nothing under at-least-once", { timeout: TEST_MAX_MS }, () =>
    killWorkers(kafka, "at-least-once", expectNothingLost),
  );
});

async function killWorkers(
  kafka: RunningKafka,
  delivery: Delivery,
  expectPromise: (proof: Proof) => Promise<void>,
): Promise<void> {
  const seed = Number(process.env["MULGIL_SEED"] ?? randomInt(2 ** 31));
  onTestFailed(() => console.error(`again with MULGIL_SEED=${seed}, as far as it depends on the choice of workers`));
  const proof = await Proof.open({ bootstrap: kafka.bootstrap, name: `killed-${delivery}`, delivery });
  try {
    await proof.startWorkers(...WORKERS);
    await proof.produceWhile(() => killAtRandom(proof, delivery, new SeededRandom(seed)));
    await expectPromise(proof);
  } finally {
    await proof.close();
  }
}

/** A worker is killed when it has work, between commits or at a point of one, and is started again at once, with what its disk has. */
async function killAtRandom(proof: Proof, delivery: Delivery, random: SeededRandom): Promise<void> {
  const living = new Map(proof.workers.map((worker) => [worker.name, worker]));
  for (let kills = 0; kills < KILLS; kills++) {
    await sleep(random.below(PAUSE_MAX_MS));
    const victim = living.get(random.pick(WORKERS))!;
    await victim.until(({ tasks }) => tasks.size > 0);
    const when = random.pick(["any time", ...commitPoints[delivery]] as const);
    if (when !== "any time") {
      victim.order({ signal: "SIGKILL", when });
      await Promise.race([victim.ended, sleep(POINT_WAIT_MAX_MS)]);
    }
    await victim.kill();
    living.set(victim.name, proof.startWorker(victim.name));
  }
}
