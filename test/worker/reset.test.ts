import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { LogAccess } from "../../runtime/log/port.ts";
import { resetJob } from "../../runtime/ops/reset/reset-job.ts";
import { planReset, type ResetOptions } from "../../runtime/ops/reset/reset-plan.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { readPlans } from "../../runtime/worker/remembered-plans.ts";
import { levelDisk } from "../../state/level-disk.ts";
import { openHarness } from "./harness.ts";
import { payment, payments, totals, totalsById } from "./jobs.ts";

const IDS = ["a", "b", "a", "c", "a", "b"];

/** A job behind a repartition that has counted everything once, and lies still. */
async function counted() {
  const root = await mkdtemp(path.join(tmpdir(), "mulgil-reset-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const harness = await openHarness(levelDisk(root));
  await harness.createTopic(payments.name, 2);
  await harness.produce(
    payments,
    IDS.map((id, index) => payment(id, `customer-${index}`, index)),
  );
  await harness.runUntilIdle([totalsById()]);
  const plan = (await readPlans(harness.log)).get("byId")!;
  return {
    harness,
    planned: (options: Partial<ResetOptions> = {}) =>
      planReset({ log: harness.log, plan, to: "earliest", keepState: false, ...options }),
    /** The last total of each id. */
    async counts() {
      const found = await harness.read(totals);
      return Object.fromEntries(found.map(({ key, value }) => [key, Number(value.count)]));
    },
  };
}

const ONCE = { a: 3, b: 2, c: 1 };

describe("a reset", () => {
  it("to the beginning has everything counted once, as if for the first time", async () => {
    const { harness, planned, counts } = await counted();
    await resetJob(harness.log, await planned(), systemClock);
    const [status] = await harness.runUntilIdle([totalsById()]);
    expect(status!.recordsIn).toBe(2 * IDS.length);
    expect(await counts()).toEqual(ONCE);
    expect(harness.events.filter(({ kind }) => kind === "gap" || kind === "deadLetter")).toEqual([]);
  });

  it("to the end has nothing counted again, and begins with empty state", async () => {
    const { harness, planned, counts } = await counted();
    await resetJob(harness.log, await planned({ to: "latest" }), systemClock);
    await harness.produce(payments, [payment("a", "customer-0", 9)]);
    await harness.runUntilIdle([totalsById()]);
    expect(await counts()).toEqual({ ...ONCE, a: 1 });
  });

  it("of positions alone adds what is read again to what is there", async () => {
    const { harness, planned, counts } = await counted();
    await resetJob(harness.log, await planned({ keepState: true }), systemClock);
    await harness.runUntilIdle([totalsById()]);
    expect(await counts()).toEqual({ a: 6, b: 4, c: 2 });
  });

  it("moves by a number of records, and never beyond the ends of a partition", async () => {
    const { planned } = await counted();
    const to = async (by: number) => (await planned({ to: { by }, keepState: true })).positions;
    expect((await to(-1)).every(({ from, to: next }) => next === Math.max(0, from - 1))).toBe(true);
    expect((await to(1_000)).every(({ from, to: next }) => next === from)).toBe(true);
    expect((await to(-1_000)).every(({ to: next }) => next === 0)).toBe(true);
  });

  it("is refused while the job runs", async () => {
    const { harness, planned } = await counted();
    const run = await harness.start([totalsById()]);
    await expect.poll(() => run.members()[0]!.isAssigned).toBe(true);
    await expect(planned()).rejects.toMatchObject({ code: "RESET_RUNNING" });
    await run.stop();
  });

  it("names the sources that there are", async () => {
    const { planned } = await counted();
    await expect(planned({ sources: ["elsewhere"] })).rejects.toMatchObject({
      code: "RESET_SOURCES",
      message: 'job "byId" does not read "elsewhere": it reads shop.payments',
    });
  });
});

describe("a reset that is killed", () => {
  class Killed extends Error {}

  /** Lets so many changes through, and dies before the next. */
  function dyingAfter(log: LogAccess, changes: number): LogAccess {
    let left = changes;
    const count = () => {
      if (left-- <= 0) throw new Killed();
    };
    return new Proxy(log, {
      get(target, name: keyof LogAccess) {
        const method = target[name] as (...args: unknown[]) => Promise<unknown>;
        if (name === "openTransactionalProducer")
          return async (id: string) => {
            const producer = await target.openTransactionalProducer(id);
            return {
              begin: () => producer.begin(),
              sendOffsets: producer.sendOffsets.bind(producer),
              close: () => producer.close(),
              commit: async () => {
                count();
                await producer.commit();
              },
            };
          };
        return async (...args: unknown[]) => {
          if (name === "deleteTopic" || name === "ensureTopics") count();
          return await method.apply(target, args);
        };
      },
    });
  }

  it.each([0, 1, 2, 3, 4, 5])(
    "after %i changes never lets the job start half reset, and ends when it is given again",
    async (changes) => {
      const { harness, planned, counts } = await counted();
      const reset = resetJob(dyingAfter(harness.log, changes), await planned(), systemClock);
      const isKilled = await reset.then(
        () => false,
        (error: unknown) => {
          expect(error).toBeInstanceOf(Killed);
          return true;
        },
      );
      const start = await harness.runUntilIdle([totalsById()]).then(
        () => "ran",
        (error: unknown) => (error as { code: string }).code,
      );
      // Nothing was done yet, or all of it; between them the job does not start.
      if (start === "ran") expect(await counts()).toEqual(ONCE);
      else expect(["PLAN_STORE_LOST", "PLAN_TOPIC_LOST", "REPARTITION_GAP"]).toContain(start);
      if (isKilled && start !== "ran") {
        await resetJob(harness.log, await planned(), systemClock);
        await harness.runUntilIdle([totalsById()]);
        expect(await counts()).toEqual(ONCE);
      }
    },
  );
});
