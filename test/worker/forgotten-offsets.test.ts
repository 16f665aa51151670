import { describe, expect, it } from "vitest";
import type { Log } from "../../runtime/log/port.ts";
import { openHarness } from "./harness.ts";
import { payment, payments, totals, totalsById } from "./jobs.ts";

/** A log whose brokers have forgotten every offset. */
const forgetful = (log: Log): Log =>
  new Proxy(log, {
    get(target, name) {
      if (name === "committedOffsets") return async () => [];
      const found: unknown = target[name as keyof Log];
      return typeof found === "function" ? found.bind(target) : found;
    },
  });

async function stoppedWithState(delivery: "exactly-once" | "at-least-once") {
  const harness = await openHarness();
  await harness.createTopic(payments.name, 1);
  await harness.produce(payments, [payment("a", "ann", 0)]);
  const job = totalsById({ delivery });
  await harness.runUntilIdle([job]);
  const again = async () => {
    const run = await harness.start([job], { environment: { log: forgetful(harness.log) } });
    return await Promise.race([run.finished, run.untilIdle()]).finally(() => run.stop().catch(() => undefined));
  };
  return { harness, again };
}

describe("offsets that the brokers have forgotten", () => {
  it("end an exactly-once job that has state, rather than count records twice", async () => {
    const { harness, again } = await stoppedWithState("exactly-once");
    await expect(again()).rejects.toMatchObject({
      code: "OFFSETS_FORGOTTEN",
      context: { topic: "byId.byId.changelog", partition: 0 },
    });
    expect((await harness.read(totals)).map(({ value }) => value.count)).toEqual([1]);
  });

  it("are no reason to refuse a job that has run for the first time, or has read nothing yet", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    const environment = { log: forgetful(harness.log) };
    const run = await harness.start([totalsById()], { environment });
    await expect.poll(async () => (await run.status())[0]!.tasks).toBe(2);
    await run.stop();
    const second = await harness.start([totalsById()], { environment });
    await expect.poll(async () => (await second.status())[0]!.tasks).toBe(2);
    await second.stop();
  });
});
