import { createHash } from "node:crypto";
import { defineJob, done, type JobsRun, type Schema, topic } from "mulgil";
import { afterEach, describe, expect, it } from "vitest";
import { readPartition } from "../../runtime/log/read-partition.ts";
import { openHarness } from "./harness.ts";

interface Visit {
  readonly who: string;
}
const visit: Schema<Visit> = {
  avro: { type: "record", name: "Visit", fields: [{ name: "who", type: "string" }] },
};
const visits = topic("visits", { value: visit, key: "who" });
const greeted = topic("greeted", { value: visit, key: "who" });

/** Its function waits for "slow" until it is let go. */
function greeter() {
  const gate = Promise.withResolvers<void>();
  const job = defineJob({
    name: "greeter",
    version: 1,
    commitEvery: "100 ms",
    flow(from) {
      from(visits)
        .process("greet", {
          output: visit,
          onRecord(value, { emit }) {
            if (value.who !== "slow") return emit(value);
            return gate.promise.then(() => emit(value));
          },
        })
        .to(greeted);
    },
  });
  return { job, letGo: () => gate.resolve() };
}

/** Calls an institution for each visit, which answers "slow" when it is let go. */
function caller() {
  const gate = Promise.withResolvers<void>();
  const job = defineJob({
    name: "caller",
    version: 1,
    commitEvery: "100 ms",
    flow(from) {
      from(visits)
        .call("ask", {
          resource: () => "bank07",
          orderKey: ({ who }) => who,
          handler: async (value) => {
            if (value.who === "slow") await gate.promise;
            return done(value);
          },
        })
        .to(greeted);
    },
  });
  return { job, letGo: () => gate.resolve() };
}

const hashOf = (key: string) => createHash("sha256").update(key).digest("hex").slice(0, 8);

describe("what a task tells of itself", { timeout: 60_000 }, () => {
  let run: JobsRun | undefined;
  afterEach(() => run?.stop());

  const task = () => run!.members()[0]!.tasks.find((each) => each.task === "visits_0")!;
  const turns = () => task().inputs![0]!.commits;

  const start = (...who: readonly string[]) => startJob(greeter(), who);

  async function startJob({ job, letGo }: ReturnType<typeof greeter>, who: readonly string[]) {
    const harness = await openHarness();
    await harness.createTopic("visits", 1);
    await harness.produce(
      visits,
      who.map((each) => ({ who: each })),
    );
    run = await harness.start([job]);
    return { harness, letGo };
  }

  it("has its turns to commit also while nothing moves, so that it is not taken for one that hangs", async () => {
    await start("ann", "bob");
    await expect.poll(() => turns().at(-1)).toMatchObject({ offset: 2, lag: 0 });
    const before = turns().at(-1)!.atMs;
    await expect.poll(() => turns().at(-1)!.atMs).toBeGreaterThan(before + 2_000);
    expect(turns().at(-1)).toMatchObject({ offset: 2, lag: 0 });
    expect(task()).toMatchObject({ work: undefined, trouble: undefined });
  });

  it("says which record and step it waits for and since when, has no turns meanwhile, and goes on", async () => {
    const { harness, letGo } = await start("ann", "slow", "bob");
    await expect.poll(() => task().work).toMatchObject({ kind: "record", step: "greet" });
    const [, slow] = await readPartition(harness.log, { topic: "visits", partition: 0 });
    expect(task().work!.record).toEqual({
      ...{ topic: "visits", partition: 0, offset: 1, timestampMs: slow!.timestampMs, keyHash: hashOf("slow") },
    });
    const { sinceMs } = task().work!;
    const held = turns();
    await expect.poll(() => run!.members()[0]!.atMs).toBeGreaterThan(sinceMs + 2_000);
    expect(turns()).toEqual(held);
    expect(task().work!.sinceMs).toBe(sinceMs);
    letGo();
    await expect.poll(() => task().work).toBeUndefined();
    await expect.poll(() => turns().at(-1)).toMatchObject({ offset: 3, lag: 0 });
  });

  it("says which call is the oldest, of which institution and for which record, until it ends", async () => {
    const { harness, letGo } = await startJob(caller(), ["ann", "slow", "bob"]);
    const [, slow] = await readPartition(harness.log, { topic: "visits", partition: 0 });
    await expect
      .poll(() => task().calls)
      .toMatchObject({ underWay: 1, oldest: { step: "ask", institution: "bank07" } });
    expect(task().calls!.oldest!.record).toEqual({
      ...{ topic: "visits", partition: 0, offset: 1, timestampMs: slow!.timestampMs, keyHash: hashOf("slow") },
    });
    expect(task().work).toBeUndefined();
    letGo();
    await expect.poll(() => task().calls).toEqual({ underWay: 0, oldest: undefined });
  });

  it("says that it began where somebody else had set its position", async () => {
    const { harness } = await start("ann", "bob");
    await run!.untilIdle();
    expect(task().inputs![0]!.setByOthers).toBeUndefined();
    await run!.stop();
    const tool = await harness.log.openTransactionalProducer("a-tool");
    await tool.begin();
    await tool.sendOffsets("greeter", [{ topic: "visits", partition: 0, offset: 1, metadata: "" }]);
    await tool.commit();
    run = await harness.start([greeter().job]);
    await run.untilIdle();
    expect(task().inputs![0]).toMatchObject({ setByOthers: 1, committed: 2 });
  });
});
