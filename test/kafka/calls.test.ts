import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import {
  expectEachEndedOnce,
  expectLastSuccess,
  expectNoNeedlessCall,
  expectStrictOrder,
  expectTiersEmptied,
} from "./support/call-expectations.ts";
import { BANKS, CallsProof, type CallsProofOptions } from "./support/calls-proof.ts";
import type { CommitPoint } from "./support/commit-points.ts";
import type { WorkerProcess } from "./support/worker-process.ts";

const REQUESTS = 20_000;
const WORKERS = ["one", "two", "three"];
/** Between two of the things that happen. */
const ENDINGS_BETWEEN = 500;
const PROGRESS_MAX_MS = 90_000;
const TEST_MAX_MS = 600_000;
const [DOWN, FLAPPING] = BANKS as [string, string];

describe.skipIf(!(await canStartKafka()))("kill -9 of workers that call banks, during an outage", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({});
  }, 180_000);
  afterAll(() => kafka?.stop(), 60_000);

  it("ends every request once and in the order of its key", { timeout: TEST_MAX_MS }, () =>
    liveThroughAnOutage(kafka, { order: "strict" }, [expectTiersEmptied, expectEachEndedOnce, expectStrictOrder]),
  );

  it("ends every request once where the last success wins, also with standbys", { timeout: TEST_MAX_MS }, () =>
    liveThroughAnOutage(kafka, { order: "lastSuccessWins", standbys: 1 }, [expectEachEndedOnce, expectLastSuccess]),
  );
});

async function liveThroughAnOutage(
  { bootstrap }: RunningKafka,
  variant: CallsProofOptions["variant"],
  promises: readonly ((proof: CallsProof) => void | Promise<void>)[],
): Promise<void> {
  const proof = await CallsProof.open({ bootstrap, name: `calls-${variant.order}`, variant });
  try {
    proof.banks.takeDown(DOWN);
    proof.banks.letFlap(FLAPPING);
    const workers = WORKERS.map((name) => proof.startWorker(name));
    await Promise.all(workers.map((worker) => worker.until(({ tasks }) => tasks.size > 0)));
    await proof.produceWhile(REQUESTS, () => disturb(proof));
    expect(proof.banks.deliveries.filter(({ bank }) => bank === DOWN)).toEqual([]);
    for (const bank of [DOWN, FLAPPING]) proof.banks.bringUp(bank);
    for (const expectPromise of promises) await expectPromise(proof);
    expectNoNeedlessCall(proof);
    await expectItWasAProof(proof);
  } finally {
    await proof.close();
  }
}

/** Workers die and end, each with work under way, and start again: with what their disks have, and with nothing. */
async function disturb(proof: CallsProof): Promise<void> {
  await restart(proof, "one", kill);
  await restart(proof, "two", killAt("records written"));
  await restart(proof, "three", kill, { withDisk: false });
  await restart(proof, "one", end);
  await restart(proof, "two", killAt("log written"));
  await restart(proof, "three", killAt("offsets sent"), { withDisk: false });
}

async function restart(
  proof: CallsProof,
  name: string,
  stop: (worker: WorkerProcess) => Promise<void>,
  { withDisk = true }: { readonly withDisk?: boolean } = {},
): Promise<void> {
  await untilMoreHaveEnded(proof);
  await stop(proof.workers.findLast((worker) => worker.name === name)!);
  if (!withDisk) await rm(proof.dataDirOf(name), { recursive: true });
  await proof.startWorker(name).until(({ tasks }) => tasks.size > 0);
}

async function untilMoreHaveEnded({ endings }: CallsProof): Promise<void> {
  const before = endings.seenMs.size;
  await expect.poll(() => endings.seenMs.size - before, { timeout: PROGRESS_MAX_MS }).toBeGreaterThan(ENDINGS_BETWEEN);
}

const kill = (worker: WorkerProcess): Promise<void> => worker.kill();

const killAt =
  (when: CommitPoint) =>
  async (worker: WorkerProcess): Promise<void> => {
    worker.order({ signal: "SIGKILL", when });
    await worker.ended;
  };

/** Ends it after a last commit, with calls under way. */
async function end(worker: WorkerProcess): Promise<void> {
  expect(await worker.stop()).toBe(0);
}

/** Work was lost, state was rebuilt, and records waited in tiers: otherwise nothing of this says anything. */
async function expectItWasAProof(proof: CallsProof): Promise<void> {
  expect(await proof.offsets.writtenToTiers()).toBeGreaterThan(REQUESTS / BANKS.length);
  const { deliveries } = proof.banks;
  expect(deliveries.length).toBeGreaterThan(new Set(deliveries.map(({ request }) => request)).size);
  const rebuilt = proof.workers.flatMap((worker) => worker.told("restored"));
  expect(rebuilt.some(({ reason, entries }) => reason === "no checkpoint" && entries > 0)).toBe(true);
}
