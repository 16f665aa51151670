import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { InstitutionOverview } from "../../runtime/ops/circuits-overview.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { mulgil } from "../cli/support/mulgil.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import { BANKS, CALL_PARTITIONS, CallsProof } from "./support/calls-proof.ts";
import type { WorkerProcess } from "./support/worker-process.ts";

const NAME = "circuits";
const STEP = "fetch";
const [FAILING, SWITCHED] = BANKS as [string, string];
/** As many calls that fail open a circuit. */
const CALLS_MIN = 10;
const patience = { timeout: 60_000, interval: 500 };

describe.skipIf(!(await canStartKafka()))("workers that share their circuits on Kafka", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({});
  }, 180_000);
  afterAll(() => kafka?.stop(), 60_000);

  it("open for all what fails for one, and obey orders by hand, also after a restart of all", {
    timeout: 300_000,
  }, async () => {
    const circuit = { openFor: "30 seconds", openForMax: "1 minute" } as const;
    const variant = { order: "strict", circuit } as const;
    const proof = await CallsProof.open({ bootstrap: kafka.bootstrap, name: NAME, variant });
    const hand = byHand(kafka.bootstrap);
    try {
      const workers = await startBoth(proof);
      await opensForBoth(proof, hand, workers);
      await goesOnWhenClosedByHand(proof, hand, workers);
      await staysAwayWhenOpenedByHand(proof, hand, workers);
    } finally {
      await proof.close();
    }
  });
});

/** It is named, and not asked: what workers share is JSON. */
const NO_REGISTRY = "http://127.0.0.1:1";

/** `mulgil circuits`, as people type it. */
function byHand(bootstrap: string) {
  const circuits = async (...args: readonly string[]) => {
    const where = ["--job", NAME, "--kafka", bootstrap, "--registry", NO_REGISTRY];
    const { code, stdout, stderr } = await mulgil(["circuits", ...args, ...where]);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  return {
    order: (what: "open" | "close" | "reset", bank: string) => circuits(what, bank, "--yes", "--why", "a test"),
    async listed(bank: string): Promise<InstitutionOverview | undefined> {
      const all = JSON.parse(await circuits("ls", "-o", "json")) as readonly InstitutionOverview[];
      return all.find(({ resource }) => resource === bank);
    },
  };
}
type ByHand = ReturnType<typeof byHand>;
type Both = readonly [WorkerProcess, WorkerProcess];

/** Each has half of the tasks. */
async function startBoth(proof: CallsProof): Promise<Both> {
  const both = [proof.startWorker("one"), proof.startWorker("two")] as const;
  await expect.poll(() => both.map(({ tasks }) => tasks.size), patience).toEqual([2, 2]);
  expect(new Set(both.flatMap(({ tasks }) => [...tasks])).size).toBe(CALL_PARTITIONS);
  return both;
}

async function opensForBoth(proof: CallsProof, hand: ByHand, [one, two]: Both): Promise<void> {
  proof.banks.takeDown(FAILING);
  await proof.request(one, FAILING, 3 * CALLS_MIN);
  await expect.poll(async () => (await hand.listed(FAILING))?.circuit, patience).toBe("open");
  expect(await hand.listed(FAILING)).toMatchObject({ job: NAME, step: STEP, untilMs: expect.any(Number) });
  // It may be called for until the news is there.
  await untilRefusedBy(proof, two, FAILING, "circuit-open");
  expect(callsBy(proof, one, FAILING)).toBeGreaterThanOrEqual(CALLS_MIN);
  expect(callsBy(proof, two, FAILING)).toBeLessThan(CALLS_MIN);
}

async function goesOnWhenClosedByHand(proof: CallsProof, hand: ByHand, workers: Both): Promise<void> {
  proof.banks.bringUp(FAILING);
  expect(await hand.order("close", FAILING)).toContain("closed by hand");
  for (const worker of workers) await untilCalledBy(proof, worker, FAILING);
}

async function staysAwayWhenOpenedByHand(proof: CallsProof, hand: ByHand, workers: Both): Promise<void> {
  for (const worker of workers) await untilCalledBy(proof, worker, SWITCHED);
  expect(await hand.order("open", SWITCHED)).toMatch(/closed → open by hand/);
  for (const worker of workers) await untilRefusedBy(proof, worker, SWITCHED, "opened-by-hand");
  const callsBefore = callsOf(proof, SWITCHED);

  expect(await Promise.all(workers.map((worker) => worker.stop()))).toEqual([0, 0]);
  const restarted = await startBoth(proof);
  for (const worker of restarted) await untilRefusedBy(proof, worker, SWITCHED, "opened-by-hand");
  expect(callsOf(proof, SWITCHED)).toBe(callsBefore);
  expect(await hand.listed(SWITCHED)).toMatchObject({ override: { state: "open", why: "a test" } });

  expect(await hand.order("reset", SWITCHED)).toMatch(/open by hand .*→ closed/);
  for (const worker of restarted) await untilCalledBy(proof, worker, SWITCHED);
}

const callsOf = ({ banks }: CallsProof, bank: string): number =>
  banks.calls.filter((call) => call.bank === bank).length;

const callsBy = ({ banks }: CallsProof, { pid }: WorkerProcess, bank: string): number =>
  banks.calls.filter((call) => call.bank === bank && call.pid === pid).length;

/** It gets requests until one is answered. */
async function untilCalledBy(proof: CallsProof, worker: WorkerProcess, bank: string): Promise<void> {
  await expect
    .poll(async () => {
      await proof.request(worker, bank, 1);
      return proof.banks.deliveries.some((call) => call.bank === bank && call.pid === worker.pid);
    }, patience)
    .toBe(true);
}

/** It gets requests until it says that it has not called for one. */
async function untilRefusedBy(
  proof: CallsProof,
  worker: WorkerProcess,
  bank: string,
  why: "circuit-open" | "opened-by-hand",
): Promise<void> {
  await expect
    .poll(async () => {
      await proof.request(worker, bank, 1);
      return (await proof.reportOf(worker, bank))?.refused[why] ?? 0;
    }, patience)
    .toBeGreaterThan(0);
}
