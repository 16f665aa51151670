import { type CallOptions, dead, defineJob, done, retry } from "mulgil";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Payment } from "../../runtime/dsl/payments.fixture.ts";
import type { TopicPartition } from "../../runtime/log/port.ts";
import { WorkerMetrics } from "../../runtime/ops/metrics/worker-metrics.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { commit } from "../../runtime/worker/commit.ts";
import type { JobsRun } from "../../runtime/worker/run-jobs.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { openHarness } from "./harness.ts";
import { HOUR_MS, hourlyTotals, payment, payments } from "./jobs.ts";

type Harness = Awaited<ReturnType<typeof openHarness>>;

/** What a scrape of this run tells, by series. */
function scraper({ log }: Harness, run: JobsRun) {
  const metrics = new WorkerMetrics(systemClock);
  const endOffsets = (partitions: readonly TopicPartition[]) => log.listOffsets(partitions, "latest", "read_committed");
  return async () => seriesIn(await metrics.text({ members: run.members, measures: run.measures, endOffsets }));
}

function seriesIn(text: string): Readonly<Record<string, number>> {
  const lines = text.split("\n").filter((line) => line.startsWith("mulgil_"));
  return Object.fromEntries(
    lines.map((line) => line.split(/ (?=[^ ]+$)/)).map(([name, value]) => [name, Number(value)]),
  );
}

async function started(harness: Harness, ...[jobs, options]: Parameters<Harness["start"]>) {
  const run = await harness.start(jobs, options);
  onTestFinished(() => run.stop().catch(() => undefined));
  return { run, scrape: scraper(harness, run) };
}

type Ask = Partial<CallOptions<string, Payment, unknown>>;

const caller = (options: Ask) =>
  defineJob({
    ...{ name: "caller", version: 1, commitEvery: "20 ms" },
    flow: (from) => void from(payments).call("ask", { resource: () => "bank", handler: () => done(), ...options }),
  });

describe("the metrics of a worker", () => {
  it("count what its jobs have done, and tell how far they are", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    const { run, scrape } = await started(harness, [hourlyTotals()]);
    await harness.produce(payments, [payment("1", "a", 3 * HOUR_MS), payment("2", "a", 5 * HOUR_MS)]);
    await harness.produce(payments, [payment("3", "a", 1)]);
    await harness.produceRaw(payments.name, { key: null, value: Buffer.from("garbage"), timestampMs: 1 });
    await run.untilIdle();
    const series = await scrape();
    const task = 'job="hourly",task="shop.payments_0"';
    expect(series).toMatchObject({
      'mulgil_records_consumed_total{job="hourly"}': 3,
      'mulgil_records_late_total{job="hourly"}': 1,
      'mulgil_dead_letters_total{job="hourly",step="shop.payments",code="VALUE_NOT_FRAMED"}': 1,
      [`mulgil_consumer_position{${task},topic="shop.payments",partition="0"}`]: 4,
      [`mulgil_consumer_lag_records{${task},topic="shop.payments",partition="0"}`]: 0,
      [`mulgil_consumer_lag_seconds{${task},topic="shop.payments",partition="0"}`]: 0,
      [`mulgil_task_stream_time_seconds{${task}}`]: (5 * HOUR_MS) / 1_000,
      [`mulgil_state_changed_entries{${task},store="hourly"}`]: 0,
      'mulgil_tasks{job="hourly",status="running"}': 1,
      'mulgil_members{job="hourly",status="assigned"}': 1,
      'mulgil_commit_failures_total{job="hourly"}': 0,
      mulgil_ready: 1,
    });
    const [status] = await run.status();
    expect(series['mulgil_records_produced_total{job="hourly"}']).toBe(status!.recordsOut);
    expect(series['mulgil_commits_total{job="hourly"}']).toBe(status!.commits);
    expect(series['mulgil_commit_duration_seconds_count{job="hourly"}']).toBe(status!.commits);
    const sinceCommitSeconds =
      systemClock.now() / 1_000 - series[`mulgil_task_last_commit_timestamp_seconds{${task}}`]!;
    expect(sinceCommitSeconds).toBeGreaterThanOrEqual(0);
    expect(series[`mulgil_task_stream_time_lag_seconds{${task}}`]).toBeGreaterThan(365 * 86_400);
  });

  it("count commits that fail, and the restarts that follow, by the error", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    let failures = 2;
    const failing: typeof commit = async (options) => {
      if (failures-- > 0) throw new MulgilError("the brokers are away", { code: "LOG_UNREACHABLE" });
      await commit(options);
    };
    const { run, scrape } = await started(harness, [hourlyTotals()], { environment: { commit: failing } });
    await harness.produce(payments, [payment("1", "a", 1)]);
    await run.untilIdle();
    expect(await scrape()).toMatchObject({
      'mulgil_commit_failures_total{job="hourly"}': 2,
      'mulgil_task_restarts_total{job="hourly",code="LOG_UNREACHABLE"}': 2,
    });
  });

  it("tell how much lies before a task that does not get on, and how old that is", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    const answer = Promise.withResolvers<void>();
    const handler = () => answer.promise.then(() => done());
    const { run, scrape } = await started(harness, [caller({ handler, orderKey: ({ id }) => id })]);
    const writtenMs = systemClock.now() - 60_000;
    await harness.produce(payments, [payment("1", "a", 1), payment("1", "a", 2)], { timestampMs: writtenMs });
    const input = '{job="caller",task="shop.payments_0",topic="shop.payments",partition="0"}';
    const resource = '{job="caller",step="ask",resource="bank"}';
    await expect.poll(scrape).toMatchObject({
      [`mulgil_consumer_lag_records${input}`]: 2,
      [`mulgil_consumer_position${input}`]: 0,
      [`mulgil_calls_in_flight${resource}`]: 1,
      'mulgil_task_calls_under_way{job="caller",task="shop.payments_0"}': 2,
    });
    // It was written a minute ago, but has been taken up: since when it has been seen is all that is known.
    const first = (await scrape())[`mulgil_consumer_lag_seconds${input}`]!;
    await expect.poll(async () => (await scrape())[`mulgil_consumer_lag_seconds${input}`]).toBeGreaterThan(first);
    answer.resolve();
    await run.untilIdle();
    expect(await scrape()).toMatchObject({
      [`mulgil_consumer_lag_records${input}`]: 0,
      [`mulgil_consumer_lag_seconds${input}`]: 0,
      [`mulgil_calls_in_flight${resource}`]: 0,
    });
  });

  it("count the calls of each institution by how they ended, and show its circuit", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    const handler = ({ id }: Payment) => (id === "bad" ? dead("NO", "never") : id === "down" ? retry("down") : done());
    const policy = { circuit: { callsMin: 4, errorRate: 0.5, openFor: "1 hour" } };
    const { scrape } = await started(harness, [caller({ handler, policy })]);
    await harness.produce(payments, [payment("ok", "a", 1), payment("bad", "a", 1)]);
    const series = (name: string, more = "") => `mulgil_${name}{job="caller",step="ask",resource="bank"${more}}`;
    await expect.poll(scrape).toMatchObject({
      [series("calls_total", ',class="done"')]: 1,
      [series("calls_total", ',class="dead"')]: 1,
      [series("call_duration_seconds_count")]: 2,
      [series("circuit_state", ',state="closed"')]: 1,
      'mulgil_dead_letters_total{job="caller",step="ask",code="NO"}': 1,
    });
    await harness.produce(
      payments,
      Array.from({ length: 8 }, () => payment("down", "b", 1)),
    );
    await expect.poll(scrape).toMatchObject({
      [series("circuit_state", ',state="open"')]: 1,
      [series("circuit_state", ',state="closed"')]: 0,
      'mulgil_circuits{job="caller",step="ask",state="open"}': 1,
      [series("calls_waiting_records")]: 8,
    });
    const tiers = Object.entries(await scrape()).filter(([name]) => name.startsWith("mulgil_retry_tier_records"));
    expect(tiers.reduce((sum, [, waiting]) => sum + waiting, 0)).toBeGreaterThanOrEqual(8);
  });

  it("count records that wait behind an unfinished one of their order", async () => {
    const harness = await openHarness();
    await harness.createTopic(payments.name, 1);
    const options: Ask = { handler: () => retry("down"), orderKey: ({ id }) => id, order: "strict" };
    const { scrape, run } = await started(harness, [caller(options)]);
    await harness.produce(
      payments,
      [1, 2, 3].map((at) => payment("1", "a", at)),
    );
    const held = 'mulgil_task_held_records{job="caller",task="shop.payments_0"}';
    await expect.poll(scrape).toMatchObject({ [held]: 2 });
    await run.stop();
    const again = await started(harness, [caller(options)]);
    await expect.poll(again.scrape).toMatchObject({ [held]: 2 });
  });
});
