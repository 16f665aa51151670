import { rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile } from "../../runtime/plan/compile.ts";
import { taskId } from "../../runtime/worker/task-id.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import { allDamages, damage } from "./support/damage.ts";
import { expectEverythingOnce } from "./support/expectations.ts";
import { PARTITIONS } from "./support/payments-topics.ts";
import { untilAllIsCommittedAnew } from "./support/progress.ts";
import { Proof } from "./support/proof.ts";
import type { WorkerProcess } from "./support/worker-process.ts";

describe.skipIf(!(await canStartKafka()))("state that is lost", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({});
  }, 180_000);
  afterAll(() => kafka?.stop(), 60_000);

  it("is rebuilt on an empty or damaged disk, refused where its changelog is truncated, and never gives a wrong result", {
    timeout: 600_000,
  }, async () => {
    const proof = await Proof.open({ bootstrap: kafka.bootstrap, name: "lost-state", delivery: "exactly-once" });
    try {
      await proof.produceWhile(async () => {
        await runFor(proof, "one");
        await rm(proof.dataDirOf("one"), { recursive: true });
        await rebuildsEmptyDisk(proof);
        await rebuildsDamagedStores(proof);
        await refusesTruncatedChangelog(proof);
      });
      await expectEverythingOnce(proof);
    } finally {
      await proof.close();
    }
  });
});

/** A worker of this name alone, until it has committed every input and is stopped. */
async function runFor(proof: Proof, name: string): Promise<WorkerProcess> {
  const worker = proof.startWorker(name);
  await untilAllIsCommittedAnew(proof);
  expect(await worker.stop()).toBe(0);
  return worker;
}

async function rebuildsEmptyDisk(proof: Proof): Promise<void> {
  const worker = await runFor(proof, "one");
  const restored = worker.told("restored");
  expect(restored).toHaveLength(PARTITIONS);
  for (const { reason, entries } of restored) {
    expect(reason).toBe("no checkpoint");
    expect(entries).toBeGreaterThan(0);
  }
}

/** After a kill, each store is damaged in another way. */
async function rebuildsDamagedStores(proof: Proof): Promise<void> {
  const victim = proof.startWorker("one");
  await untilAllIsCommittedAnew(proof);
  await victim.kill();
  for (const [partition, kind] of allDamages.entries()) await damage(storeDirectory(proof, "one", partition), kind);

  const worker = proof.startWorker("one");
  await worker.until(() => worker.told("quarantined").length === PARTITIONS);
  await untilAllIsCommittedAnew(proof);
  expect(await worker.stop()).toBe(0);
  const rebuilt = worker.told("restored").filter(({ reason }) => reason === "no checkpoint");
  expect(new Set(rebuilt.map(({ task }) => task)).size).toBe(PARTITIONS);
}

/** The disk that is behind is refused and left alone; the one that has the state goes on with it. */
async function refusesTruncatedChangelog(proof: Proof): Promise<void> {
  await runFor(proof, "two");
  const changelog = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: changelogOf(proof), partition }));
  await proof.log.deleteRecords(await proof.log.listOffsets(changelog, "latest", "read_committed"));

  for (let attempts = 0; attempts < 2; attempts++) {
    const refused = proof.startWorker("one");
    await Promise.race([refused.ended, refused.until(({ tasks }) => tasks.size === 2 * PARTITIONS)]);
    expect(refused.isAlive).toBe(false);
    expect(refused.stderr).toContain("STATE_CHANGELOG_TRUNCATED");
    expect(refused.told("quarantined")).toEqual([]);
  }

  const worker = proof.startWorker("two");
  await worker.until(() => worker.told("restored").length === PARTITIONS);
  expect(new Set(worker.told("restored").map(({ reason }) => reason))).toEqual(new Set(["trusted"]));
}

const withState = ({ job }: Proof) => compile(job.job).subTopologies.find(({ stores }) => stores.length > 0)!;

const changelogOf = (proof: Proof): string => withState(proof).stores[0]!.changelog;

function storeDirectory(proof: Proof, worker: string, partition: number): string {
  const { name, stores } = withState(proof);
  return path.join(proof.dataDirOf(worker), "state", proof.job.job.name, taskId(name, partition), stores[0]!.name);
}
