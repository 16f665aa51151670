import { count, defineJob, done } from "mulgil";
import { afterEach, describe, expect, it } from "vitest";
import { partitionOf } from "../../runtime/log/partitioner.ts";
import type { FetchedRecord } from "../../runtime/log/port.ts";
import { replayTopicOf } from "../../runtime/plan/internal-topics.ts";
import { REPLAY_HEADERS, replayHeaders } from "../../runtime/resilience/replay-headers.ts";
import { DEAD_LETTER_HEADERS } from "../../runtime/worker/dead-letter.ts";
import type { JobsRun } from "../../runtime/worker/run-jobs.ts";
import { memoryDisk } from "../../state/memory-disk.ts";
import { openHarness } from "./harness.ts";
import { payment, payments, totals, totalsById } from "./jobs.ts";

const PARTITIONS = 2;
const PATIENCE = { timeout: 30_000 };

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Harness = Awaited<ReturnType<typeof openHarness>>;

async function opened(harness: Harness, jobs: Parameters<Harness["start"]>[0], options = {}): Promise<JobsRun> {
  const run = await harness.start(jobs, options);
  cleanups.push(() => run.stop());
  return run;
}

/** Puts records of a topic into the job's own topic, as `mulgil replay` does. */
async function replay(harness: Harness, job: string, topic: string, hasEffects = false): Promise<number> {
  const replayTopic = replayTopicOf(job, topic);
  await harness.createTopic(replayTopic, PARTITIONS);
  let replayed = 0;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const records = (await harness.readRaw(topic)).filter(
      ({ key }) => (key === null ? 0 : partitionOf(key, PARTITIONS)) === partition,
    );
    replayed += records.length;
    await harness.log.produce([
      {
        ...{ topic: replayTopic, partition },
        records: records.map((record) => ({
          ...record,
          headers: {
            ...record.headers,
            ...replayHeaders({ id: "again", from: { topic, partition, offset: record.offset }, hasEffects }),
          },
        })),
      },
    ]);
  }
  return replayed;
}

const seen: { readonly topic: string; readonly offset: number; readonly key: unknown }[] = [];
const counting = (name: string) =>
  defineJob({
    ...{ name, version: 1, commitEvery: "20 ms" },
    flow(from) {
      from(payments)
        .filter((_one, { topic, offset, key }) => seen.push({ topic, offset, key }) > 0)
        .aggregate("counts", { count: count() });
    },
  });

const some = Array.from({ length: 20 }, (_, n) => payment(`p${n}`, `c${n % 5}`, n));
const recordsIn = async (run: JobsRun) => (await run.status()).map((status) => status.recordsIn);
const committedEnds = async ({ log }: Harness, job: string, topic: string) => {
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));
  const ends = await log.listOffsets(partitions, "latest", "read_committed");
  const committed = await log.committedOffsets(job, partitions);
  return ends.every(({ partition, offset }) =>
    committed.some((each) => each.partition === partition && each.offset === offset),
  );
};

async function withPayments(): Promise<Harness> {
  const harness = await openHarness();
  await harness.createTopic(payments.name, PARTITIONS);
  await harness.produce(payments, some);
  return harness;
}

describe("records that a job shall process once more", () => {
  it("are processed by that job alone, as if they came from their topic, each once", async () => {
    const harness = await withPayments();
    const jobs = [counting("one"), counting("other")];
    await harness.runUntilIdle(jobs);
    expect(await replay(harness, "one", payments.name)).toBe(some.length);
    seen.length = 0;
    const statuses = await harness.runUntilIdle(jobs);
    expect(statuses.map((status) => status.recordsIn)).toEqual([some.length, 0]);
    expect(new Set(seen.map(({ topic }) => topic))).toEqual(new Set([payments.name]));
    const originals = (await harness.readRaw(payments.name)).map(({ offset }) => offset);
    expect(seen.map(({ offset }) => offset).sort()).toEqual(originals.sort());
    expect((await harness.runUntilIdle(jobs)).map((status) => status.recordsIn)).toEqual([0, 0]);
  });

  it("are found by workers that run already, whichever of them looks first", async () => {
    const harness = await withPayments();
    const runs: JobsRun[] = [];
    for (const location of ["a", "b"])
      runs.push(
        await opened(harness, [counting("one")], {
          ...{ isShared: true },
          environment: { location, disk: memoryDisk() },
        }),
      );
    const total = async () => (await Promise.all(runs.map(recordsIn))).flat().reduce((sum, each) => sum + each, 0);
    await expect.poll(total, PATIENCE).toBe(some.length);
    const generations = () => harness.events.filter(({ kind }) => kind === "assigned").length;
    const before = generations();
    await replay(harness, "one", payments.name);
    await expect.poll(total, PATIENCE).toBe(2 * some.length);
    await expect.poll(() => committedEnds(harness, "one", replayTopicOf("one", payments.name)), PATIENCE).toBe(true);
    // Each asks for a rebalance once at most, and takes part in that of the other.
    expect(generations() - before).toBeLessThanOrEqual(4);
  });

  it("count once, whatever becomes of the worker that processes them", async () => {
    const harness = await withPayments();
    const job = totalsById();
    await harness.runUntilIdle([job]);
    await replay(harness, job.name, payments.name);
    // A run that is stopped at once, and others after it.
    for (let run = 0; run < 3; run++) await (await harness.start([job])).stop();
    await harness.runUntilIdle([job]);
    const counts = new Map((await harness.read(totals)).map(({ key, value }) => [key, value.count]));
    expect(counts).toEqual(new Map(some.map(({ id }) => [id, 2])));
    expect(await committedEnds(harness, job.name, replayTopicOf(job.name, payments.name))).toBe(true);
  });

  it("go to the DLQ with the place that they had in their topic", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, PARTITIONS);
    await harness.produceRaw(payments.name, { key: null, value: Buffer.from("fine"), timestampMs: 1 });
    await harness.produceRaw(payments.name, { key: null, value: Buffer.from("bad"), timestampMs: 2 });
    const job = counting("one");
    await harness.runUntilIdle([job]);
    await replay(harness, "one", payments.name);
    await harness.runUntilIdle([job]);
    const letters = await harness.readRaw("one.dlq");
    const places = letters.map(({ headers }) =>
      [DEAD_LETTER_HEADERS.topic, DEAD_LETTER_HEADERS.offset].map((name) => headers![name]!.toString()),
    );
    expect(places).toEqual([0, 1, 0, 1].map((offset) => [payments.name, String(offset)]));
  });

  it("of a topic that was deleted keep no job from starting", async () => {
    const harness = await withPayments();
    await replay(harness, "one", payments.name);
    await harness.runUntilIdle([counting("one")]);
    await harness.log.deleteTopic(replayTopicOf("one", payments.name));
    expect((await harness.runUntilIdle([counting("one")]))[0]!.recordsIn).toBe(0);
    await replay(harness, "one", payments.name);
    expect((await harness.runUntilIdle([counting("one")]))[0]!.recordsIn).toBe(some.length);
  });
});

describe("a call step", () => {
  const calls: string[] = [];
  const calling = (isBehindRepartition: boolean) =>
    defineJob({
      ...{ name: "caller", version: 1, commitEvery: "20 ms" },
      flow(from) {
        const source = isBehindRepartition ? from(payments).keyBy(({ id }) => id) : from(payments);
        source.call("ask", {
          resource: () => "bank",
          handler: async ({ id }) => {
            calls.push(id);
            return done();
          },
        });
      },
    });

  it.each([false, true])(
    "makes no calls for replayed records unless they are to have effects (behind a repartition: %s)",
    async (isBehind) => {
      const harness = await withPayments();
      const job = calling(isBehind);
      await harness.runUntilIdle([job]);
      calls.length = 0;
      await replay(harness, "caller", payments.name);
      const [skipped] = await harness.runUntilIdle([job]);
      expect(calls).toEqual([]);
      expect(skipped!.effectsSkipped).toBe(some.length);
      await replay(harness, "caller", payments.name, true);
      const [called] = await harness.runUntilIdle([job]);
      expect(called!.effectsSkipped).toBe(0);
      expect(calls.toSorted()).toEqual(some.map(({ id }) => id).sort());
    },
  );
});

describe("what a job sends because of a replayed record", () => {
  it("says so, so that nobody is called for it further on", async () => {
    const harness = await withPayments();
    const copies = { ...payments, name: "copies" };
    const job = defineJob({
      ...{ name: "copy", version: 1, commitEvery: "20 ms" },
      flow: (from) => void from(payments).to(copies),
    });
    await harness.runUntilIdle([job]);
    await replay(harness, "copy", payments.name);
    await harness.runUntilIdle([job]);
    const marks = (records: readonly FetchedRecord[]) =>
      records.filter(({ headers }) => headers?.[REPLAY_HEADERS.replay]?.toString() === "again");
    const records = await harness.readRaw(copies.name);
    expect(records).toHaveLength(2 * some.length);
    expect(marks(records)).toHaveLength(some.length);
  });
});
