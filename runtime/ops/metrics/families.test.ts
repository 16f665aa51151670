import { describe, expect, it } from "vitest";
import type { ResourceMeasures } from "../../resilience/resource-measures.ts";
import { CALL_CLASSES, type CircuitState, REFUSAL_REASONS } from "../../resilience/resource-report.ts";
import { DurationHistogram } from "../../time/duration-histogram.ts";
import { EventCounts } from "../../worker/event-counts.ts";
import { JobMetrics } from "../../worker/job-metrics.ts";
import type { JobMeasures, RunningTaskMeasures, TaskMeasures } from "../../worker/measures.ts";
import { metricFamilies } from "./families.ts";
import type { Labels } from "./metric-family.ts";
import { type ProcessView, viewKey } from "./process-view.ts";

const NOW_MS = 1_000_000;

const resource = (name: string, change: Partial<ResourceMeasures> = {}): ResourceMeasures => ({
  ...{ step: "ask", resource: name, circuit: "closed", inFlight: 1, queued: 2, limit: 3 },
  calls: Object.fromEntries(CALL_CLASSES.map((each) => [each, 1])) as ResourceMeasures["calls"],
  refused: Object.fromEntries(REFUSAL_REASONS.map((each) => [each, 0])) as ResourceMeasures["refused"],
  durations: new DurationHistogram([100, 1_000]),
  waiting: { records: 0, oldestSinceMs: undefined },
  ...change,
});

const running = (change: Partial<RunningTaskMeasures> = {}): TaskMeasures => ({
  ...{ task: "events_0", status: "running", restoring: undefined },
  running: {
    ...{
      inputs: [],
      schemaAwaitedSinceMs: undefined,
      streamTimeMs: undefined,
      committedAtMs: undefined,
      outputBytes: 0,
      stores: [],
      calls: undefined,
    },
    ...change,
  },
});

function view(
  members: readonly { readonly resources?: readonly ResourceMeasures[]; readonly tasks?: readonly TaskMeasures[] }[],
  change: Partial<ProcessView> = {},
): ProcessView {
  const job: JobMeasures = {
    plan: { job: "totals", version: 1, hash: "h", delivery: "exactly-once" } as JobMeasures["plan"],
    counters: new JobMetrics("totals"),
    events: new EventCounts(),
    members: members.map(({ resources = [], tasks = [] }) => ({ isAssigned: true, standbys: 0, tasks, resources })),
  };
  return {
    ...{ nowMs: NOW_MS, jobs: [job], isReady: true, ends: new Map(), behindSinceMs: new Map() },
    ...{ stateBytes: new Map(), refusedLogins: new Map(), logTroubles: [], mulgilVersion: "1", ...change },
  };
}

function samplesOf(name: string, of: ProcessView) {
  const { series } = metricFamilies.find((family) => family.name === name)!;
  if (series.type === "histogram") throw new Error("a histogram has no samples");
  return series.samples(of);
}

const metricValue = (name: string, of: ProcessView, labels: Labels = {}): number | undefined =>
  samplesOf(name, of).find((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    ?.value;

const input = (change: object = {}) => ({
  ...{ topic: "events", partition: 0, position: 10, endOffset: 10, buffered: 0 },
  ...{ oldestTimestampMs: undefined, delayMs: undefined, ...change },
});

describe("lag", () => {
  it("is the larger of what the last fetch and the last look say", () => {
    const tasks = [running({ inputs: [input({ endOffset: 14 })] })];
    const lagWith = (end: number) =>
      metricValue("mulgil_consumer_lag_records", view([{ tasks }], { ends: new Map([[viewKey("events", 0), end]]) }));
    expect([lagWith(30), lagWith(12)]).toEqual([20, 4]);
  });

  it("in time is the age of the oldest record at hand, else since when it has been seen, else nothing", () => {
    const lagOf = (change: object, behindSinceMs: ProcessView["behindSinceMs"] = new Map()) =>
      metricValue(
        "mulgil_consumer_lag_seconds",
        view([{ tasks: [running({ inputs: [input(change)] })] }], { behindSinceMs }),
      );
    expect(lagOf({ endOffset: 12, oldestTimestampMs: NOW_MS - 7_000 })).toBe(7);
    expect(lagOf({ endOffset: 12 }, new Map([[viewKey("totals", "events", 0), NOW_MS - 3_000]]))).toBe(3);
    expect(lagOf({ endOffset: 12 })).toBe(0);
    expect(lagOf({ endOffset: 12, oldestTimestampMs: NOW_MS + 9_000 })).toBe(0);
    expect(lagOf({ oldestTimestampMs: NOW_MS - 7_000 })).toBe(0);
  });

  it("is not told of retry tiers, which wait on purpose", () => {
    const tasks = [running({ inputs: [input({ topic: "tier", delayMs: 60_000, endOffset: 15 })] })];
    expect(samplesOf("mulgil_consumer_lag_records", view([{ tasks }]))).toEqual([]);
    expect(samplesOf("mulgil_retry_tier_records", view([{ tasks }]))).toEqual([
      { labels: { job: "totals", task: "events_0", topic: "tier", partition: 0, delay: "60s" }, value: 5 },
    ]);
  });
});

describe("a restore", () => {
  it("tells how much it has before it, and the task nothing else", () => {
    const restoring = { done: 30, total: 100, recordsPerSecond: 10, timeLeftMs: 7_000 };
    const now = view([{ tasks: [{ task: "events_0", status: "restoring", restoring, running: undefined }] }]);
    expect(metricValue("mulgil_restore_remaining_records", now, { task: "events_0" })).toBe(70);
    expect(metricValue("mulgil_restore_remaining_seconds", now)).toBe(7);
    expect(metricValue("mulgil_tasks", now, { status: "restoring" })).toBe(1);
    expect(metricValue("mulgil_tasks", now, { status: "running" })).toBe(0);
    expect(samplesOf("mulgil_task_output_buffer_bytes", now)).toEqual([]);
  });
});

describe("institutions", () => {
  it("are told once, over all members of the process, and by the worst of their circuits", () => {
    const stateWith = (...states: readonly CircuitState[]) => {
      const now = view(states.map((circuit) => ({ resources: [resource("bank", { circuit })] })));
      return samplesOf("mulgil_circuit_state", now).find(({ value }) => value === 1)?.labels["state"];
    };
    expect([stateWith("closed", "open"), stateWith("halfOpen", "closed"), stateWith("closed", "closed")]).toEqual([
      "open",
      "halfOpen",
      "closed",
    ]);
    const now = view([{ resources: [resource("bank")] }, { resources: [resource("bank")] }]);
    expect(samplesOf("mulgil_calls_in_flight", now)).toEqual([
      { labels: { job: "totals", step: "ask", resource: "bank" }, value: 2 },
    ]);
    expect(metricValue("mulgil_calls_total", now, { class: "timeout" })).toBe(2);
  });

  it("are 200 at most, and the rest is one, so that nothing is left out", () => {
    const resources = Array.from({ length: 500 }, (_, index) =>
      resource(`bank-${index}`, { waiting: { records: 1, oldestSinceMs: NOW_MS - index * 1_000 } }),
    );
    const now = view([{ resources }]);
    const samples = samplesOf("mulgil_calls_in_flight", now);
    expect(samples).toHaveLength(201);
    expect(samples.reduce((sum, { value }) => sum + value, 0)).toBe(500);
    expect(metricValue("mulgil_calls_waiting_oldest_seconds", now, { resource: "other" })).toBe(499);
    expect(metricValue("mulgil_circuits", now, { state: "closed" })).toBe(500);
  });
});

describe("codes of dead letters", () => {
  it("are 200 with their steps at most, and the rest is one", () => {
    const events = new EventCounts();
    const letter = {
      kind: "deadLetter",
      job: "totals",
      task: "t",
      topic: "t",
      partition: 0,
      offset: 1,
      traceId: undefined,
    } as const;
    for (let index = 0; index < 300; index++) events.hear({ ...letter, step: "check", code: `CODE_${index}` });
    for (let index = 0; index < 300; index++) events.hear({ ...letter, step: "check", code: `CODE_${index}` });
    expect(events.deadLetters).toHaveLength(201);
    expect(events.deadLetters.at(-1)).toEqual({ step: "other", code: "other", count: 200 });
  });
});

describe("every family", () => {
  it("gives its samples the labels that it says it has", () => {
    const tasks = [
      running({
        inputs: [input(), input({ topic: "tier", delayMs: 1_000 })],
        ...{ streamTimeMs: 1, committedAtMs: 1, calls: { underWay: 1, held: 1 } },
        stores: [{ store: "s", changedEntries: 1 }],
      }),
      {
        task: "b_0",
        status: "restoring",
        restoring: { done: 0, total: 1, recordsPerSecond: 0, timeLeftMs: 0 },
        running: undefined,
      },
    ] as const;
    const now = view([{ tasks, resources: [resource("bank")] }], {
      stateBytes: new Map([[viewKey("totals", "events_0", "s"), 7]]),
      refusedLogins: new Map([["wrong", 1]]),
      logTroubles: [{ outcome: "failed", kind: "final", count: 1 }],
    });
    now.jobs[0]!.events.hear({ ...{ kind: "restarting", job: "totals", task: "t" }, error: new Error("no") });
    now.jobs[0]!.events.hear({
      kind: "deadLetter",
      job: "totals",
      task: "t",
      step: "s",
      code: "C",
      topic: undefined,
      partition: undefined,
      offset: undefined,
      traceId: undefined,
    });
    for (const { name, labels, series } of metricFamilies) {
      const samples = series.type === "histogram" ? series.durations(now) : series.samples(now);
      expect(samples.length, name).toBeGreaterThan(0);
      for (const sample of samples) expect(Object.keys(sample.labels).sort(), name).toEqual([...labels].sort());
    }
  });
});
