import { defineJob, done } from "mulgil";
import { expect, it } from "vitest";
import { readCircuits } from "../../runtime/ops/circuits-overview.ts";
import type { JobsRun } from "../../runtime/worker/run-jobs.ts";
import { memoryDisk } from "../../state/memory-disk.ts";
import { openHarness } from "./harness.ts";
import { payment, payments } from "./jobs.ts";

const IDS = 40;

const caller = defineJob({
  name: "caller",
  version: 1,
  commitEvery: "20 ms",
  flow: (from) => void from(payments).call("ask", { resource: () => "bank", handler: () => done() }),
});

it("processes that answer nowhere tell each other of institutions under names of their own", async () => {
  const harness = await openHarness();
  await harness.createTopic(payments.name, 2);
  const runs: JobsRun[] = [];
  for (const location of ["here", "there"])
    runs.push(await harness.start([caller], { isShared: true, environment: { disk: memoryDisk(), location } }));
  await expect
    .poll(() => runs.map((run) => run.members()[0]!.tasks.map(({ status }) => status)))
    .toEqual([["running"], ["running"]]);
  await harness.produce(
    payments,
    Array.from({ length: IDS }, (_, n) => payment(`p${n}`, `c${n}`, n)),
  );
  const reports = async () => (await readCircuits(harness.log, caller.name)).reports;
  await expect.poll(async () => (await reports()).reduce((calls, report) => calls + report.calls.done, 0)).toBe(IDS);
  expect((await reports()).map(({ worker }) => worker).sort()).toEqual(["caller-0@here", "caller-0@there"]);
  for (const run of runs) await run.stop();
});
