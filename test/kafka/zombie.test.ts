import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommittedOffset, FetchedRecord, Isolation, TopicPartition } from "../../runtime/log/port.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import type { WrittenBatch } from "./support/commit-points.ts";
import { expectEverythingOnce } from "./support/expectations.ts";
import { Proof } from "./support/proof.ts";
import type { WorkerOrder } from "./support/worker-process.ts";

const POLL_WAIT_MS = 1_000;

describe.skipIf(!(await canStartKafka()))("a worker that stands still for longer than its session", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({});
  }, 180_000);
  afterAll(() => kafka?.stop(), 60_000);

  it("is fenced wherever its commit was, nothing of that is visible, and it goes on as a member", {
    timeout: 600_000,
  }, async () => {
    const proof = await Proof.open({ bootstrap: kafka.bootstrap, name: "zombie", delivery: "exactly-once" });
    const { source, repartition } = proof;
    const rounds = [
      { signal: "SIGSTOP", when: "records written", input: repartition },
      { signal: "SIGSTOP", when: "offsets sent", input: source },
      { signal: "SIGSTOP", when: "offsets sent", input: repartition },
      { signal: "SIGSTOP", when: "before the log", input: source },
    ] as const;
    try {
      await proof.startWorkers("one", "two");
      const left: WrittenBatch[] = [];
      await proof.produceWhile(async () => {
        for (const order of rounds) left.push(...(await standStill(order, proof)));
      });
      await expectEverythingOnce(proof);
      await expectOnlyUncommitted(
        proof,
        left.filter(({ topic }) => topic !== repartition),
      );
    } finally {
      await proof.close();
    }
  });
});

/** @returns what the zombie had written when it stopped, in a transaction that was not committed */
async function standStill(
  order: WorkerOrder & { readonly input: string },
  proof: Proof,
): Promise<readonly WrittenBatch[]> {
  const wanted = proof.tasksReading(order.input);
  const zombie = await Promise.any(
    proof.workers.map(async (worker) => {
      await worker.until(({ tasks }) => [...tasks].some((task) => wanted.has(task)));
      return worker;
    }),
  );
  const successor = proof.workers.find((worker) => worker !== zombie)!;
  const stops = zombie.told("obeying").length;
  zombie.order(order);
  await zombie.until(() => zombie.told("obeying").length > stops);
  const stopped = zombie.told("obeying").at(-1)!;
  await successor.until(() => successor.told("committed").some(({ offsets }) => isBehind(stopped.offsets, offsets)));

  zombie.continue();
  const failed = () => zombie.told("commitFailed", stopped).find(({ offsets }) => isSame(offsets, stopped.offsets));
  await zombie.until(() => failed() !== undefined);
  expect(failed()).toMatchObject({ code: "LOG_FENCED" });
  await zombie.until(() => {
    const [joined] = zombie.told("assigned", stopped);
    return joined !== undefined && zombie.told("committed", joined).length > 0;
  });
  return stopped.written;
}

const placeOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;

const isSame = (left: readonly TopicPartition[], right: readonly TopicPartition[]): boolean =>
  left.map(placeOf).join() === right.map(placeOf).join();

/** The same inputs, further on. */
const isBehind = (left: readonly CommittedOffset[], right: readonly CommittedOffset[]): boolean =>
  isSame(left, right) && left.every(({ offset }, index) => offset < right[index]!.offset);

/** What was written is still there, and readers under read_committed do not see it. */
async function expectOnlyUncommitted(proof: Proof, written: readonly WrittenBatch[]): Promise<void> {
  expect(written.length).toBeGreaterThan(0);
  for (const batch of written) {
    expect(await recordsOf(proof, batch, "read_uncommitted")).toHaveLength(batch.records);
    expect(await recordsOf(proof, batch, "read_committed")).toEqual([]);
  }
}

async function recordsOf(proof: Proof, batch: WrittenBatch, isolation: Isolation): Promise<readonly FetchedRecord[]> {
  const reader = await proof.log.openReader({ isolation });
  const endOffset = batch.offset + batch.records;
  const records: FetchedRecord[] = [];
  try {
    reader.assign([batch]);
    for (let position = batch.offset; position < endOffset; ) {
      for (const fetched of await reader.poll(POLL_WAIT_MS)) {
        records.push(...fetched.records.filter(({ offset }) => offset >= batch.offset && offset < endOffset));
        position = fetched.nextOffset;
      }
    }
  } finally {
    await reader.close();
  }
  return records;
}
