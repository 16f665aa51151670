import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile } from "../../runtime/plan/compile.ts";
import { taskId, transactionalId } from "../../runtime/worker/task-id.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import { type ClusterRole, nodeWith } from "./support/cluster-roles.ts";
import { expectEverythingOnce } from "./support/expectations.ts";
import { untilAllIsCommittedAnew } from "./support/progress.ts";
import { Proof, SESSION_MS } from "./support/proof.ts";

/** With the broker away no worker is heard of: longer than the session of any. */
const AWAY_MS = SESSION_MS + 1_000;
const START_MAX_MS = 180_000;
const STOP_MAX_MS = 60_000;
const TEST_MAX_MS = 600_000;

const isThere = await canStartKafka();

describe.skipIf(!isThere)("a job on three brokers", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({ nodes: 3 });
  }, START_MAX_MS);
  afterAll(() => kafka?.stop(), STOP_MAX_MS);

  it(
    "goes on by itself without the leader of its input, without each of its coordinators, and gives everything once",
    {
      timeout: TEST_MAX_MS,
    },
    () => givesEverythingOnce(kafka, loseEachRole),
  );
});

describe.skipIf(!isThere)("a job on one broker", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({});
  }, START_MAX_MS);
  afterAll(() => kafka?.stop(), STOP_MAX_MS);

  it(
    "goes on by itself when it is back after a kill and after a clean restart, and gives everything once",
    {
      timeout: TEST_MAX_MS,
    },
    () =>
      givesEverythingOnce(kafka, async (proof) => {
        await untilAllIsCommittedAnew(proof);
        await kafka.kill(1);
        await sleep(AWAY_MS);
        await kafka.restart(1);
        await untilAllIsCommittedAnew(proof);
        await kafka.restart(1);
        await untilAllIsCommittedAnew(proof);
      }),
  );
});

async function givesEverythingOnce(
  kafka: RunningKafka,
  disturb: (proof: Proof, kafka: RunningKafka) => Promise<void>,
): Promise<void> {
  const proof = await Proof.open({ bootstrap: kafka.bootstrap, name: "broker-loss", delivery: "exactly-once" });
  try {
    const workers = await proof.startWorkers("one", "two");
    await proof.produceWhile(() => disturb(proof, kafka));
    await expectEverythingOnce(proof);
    expect(proof.workers).toEqual(workers);
  } finally {
    await proof.close();
  }
}

/** A broker that is gone is missed by nothing: all inputs are committed anew before it is back. */
async function loseEachRole(proof: Proof, kafka: RunningKafka): Promise<void> {
  const { name } = proof.job.job;
  const [part] = compile(proof.job.job).subTopologies;
  const roles: readonly ClusterRole[] = [
    { kind: "leader", of: { topic: proof.source, partition: 0 } },
    { kind: "group coordinator", groupId: name },
    { kind: "transaction coordinator", transactionalId: transactionalId(name, taskId(part!.name, 0)) },
  ];
  await untilAllIsCommittedAnew(proof);
  for (const role of roles) {
    const node = await nodeWith(role, kafka.bootstrap);
    await kafka.kill(node);
    await untilAllIsCommittedAnew(proof);
    expect(await nodeWith(role, kafka.bootstrap)).not.toBe(node);
    await kafka.restart(node);
  }
  await kafka.restart(await nodeWith(roles[0]!, kafka.bootstrap));
  await untilAllIsCommittedAnew(proof);
}
