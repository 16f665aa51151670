import { count, defineJob, type JobsRun } from "mulgil";
import { describe, expect, it, onTestFinished } from "vitest";
import { orderRestart, orderWanted } from "../../runtime/ops/control.ts";
import { OrderWatch } from "../../runtime/ops/order-watch.ts";
import { addresseesOf } from "../../runtime/ops/addressees.ts";
import { readControl } from "../../runtime/ops/control.ts";
import { describeMembers } from "../../runtime/ops/job-overview.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { WantedStatus } from "../../runtime/worker/worker-orders.ts";
import { openHarness } from "./harness.ts";
import { payment, payments, totals, totalsById } from "./jobs.ts";

const soon = { timeout: 20_000 };
const JOB = "totals";
let orders = 0;
const order = () => ({ id: `o${orders++}`, by: "ana@here", why: "why not", atMs: systemClock.now(), drainTimeoutMs: 10_000 });

async function open() {
  const harness = await openHarness();
  await harness.createTopic(payments.name, 4);
  return harness;
}
