import { describe, expect, it } from "vitest";
import type { InstitutionOverview } from "./circuits-overview.ts";
import { adviseScale, type JobSample, type SampledTask } from "./scale-advice.ts";

const tasks = (...each: readonly (readonly [lag: number, arrived: number, committed: number])[]): SampledTask[] =>
  each.map(([lag, arrivedPerSecond, committedPerSecond], index) => ({
    ...{ task: `events_${index}`, lag, arrivedPerSecond, committedPerSecond },
  }));

const alike = (howMany: number, lag: number, arrived: number, committed: number) =>
  tasks(...Array.from({ length: howMany }, () => [lag / howMany, arrived / howMany, committed / howMany] as const));

const sample = (change: Partial<JobSample>): JobSample => ({
  ...{ job: "totals", wanted: "running", workers: 2, tasks: alike(4, 0, 0, 0), institutions: [] },
  ...change,
});

const bank = (change: Partial<InstitutionOverview> = {}): InstitutionOverview => ({
  ...{ job: "totals", step: "collect", resource: "bank-1", circuit: "closed", override: undefined, untilMs: undefined },
  ...{ workers: 2, inFlight: 0, queued: 0, limit: 9, windowMs: 60_000, waiting: 0, oldestWaitingSinceMs: undefined },
  calls: { done: 0 } as InstitutionOverview["calls"],
  refused: {} as InstitutionOverview["refused"],
  latency: { p50: 1_000, p95: 30_000, p99: 30_000 },
  ...change,
});

const busy = { limit: 9, inFlight: 9, queued: 600, waiting: 604 };

describe("adviseScale", () => {
  it.each<[what: string, change: Partial<JobSample>, advised: number, verdict: string, why: RegExp]>([
    ["a job that nobody sends anything", {}, 2, "enough", /keeps up: 0 records\/s arrive, 0 of these/],
    [
      "a job that has what came in the last seconds under way",
      { tasks: alike(4, 400, 100, 98) },
      ...([2, "enough", /keeps up: 100 records\/s arrive, 400 of these/] as const),
    ],
    ["more workers than tasks", { workers: 6 }, 4, "fewer", /it has 4 tasks, so 2 of 6 workers have none/],
    ["nobody runs it", { workers: 0, tasks: alike(4, 70, 0, 0) }, 1, "more", /nobody runs it.*70 records wait/],
    [
      "it is paused",
      { wanted: "paused", tasks: alike(4, 70, 5, 0) },
      2,
      "useless",
      /it is paused .* mulgil resume totals/,
    ],
    [
      "it catches up soon by itself",
      { tasks: alike(4, 6_000, 10, 110) },
      ...([
        2,
        "enough",
        /catches up within 1 minute: 10 records\/s arrive, 110 records\/s are committed, 6,000 wait/,
      ] as const),
    ],
    [
      "it falls behind: what arrives, and the backlog over ten minutes, at what a worker does",
      { workers: 1, tasks: alike(8, 60_000, 300, 100) },
      ...([4, "more", /falls behind: .*a worker does about 100 records\/s/] as const),
    ],
    [
      "it catches up too slowly: one more at least",
      { workers: 2, tasks: alike(8, 60_000, 199, 200) },
      ...([3, "more", /catches up too slowly/] as const),
    ],
    [
      "it needs more workers than it has tasks",
      { workers: 2, tasks: alike(4, 600_000, 1_000, 200) },
      ...([4, "more", /20 workers would be needed, and it has 4 tasks: more workers than tasks never help/] as const),
    ],
    [
      "it has as many workers as tasks already",
      { workers: 4, tasks: alike(4, 600_000, 1_000, 400) },
      ...([4, "useless", /more partitions do/] as const),
    ],
    [
      "one partition has it all",
      { tasks: tasks([95_000, 100, 50], [1, 1, 1], [5_000, 1, 1], [0, 0, 0]) },
      ...([2, "useless", /95% of the lag is in task events_0, which one worker runs/] as const),
    ],
    [
      "one partition has it all, and one worker all partitions",
      { workers: 1, tasks: tasks([95_000, 100, 50], [1, 1, 1]) },
      ...([2, "more", /falls behind/] as const),
    ],
    ["it stands still", { tasks: alike(4, 100, 0, 0) }, 2, "useless", /none was committed while we looked/],
    [
      "it waits for an institution that takes no more calls",
      { tasks: alike(4, 1_300, 10, 0.3), institutions: [bank(busy), bank({ resource: "bank-2" })] },
      ...([
        2,
        "useless",
        /^bank-1 takes 9 calls at once of 30s each \(p95\), at most 0.3 calls\/s: 1,204 records wait for it\nmore workers/,
      ] as const),
    ],
    [
      "it waits for an institution whose circuit is open",
      { tasks: alike(4, 100, 1, 0), institutions: [bank({ circuit: "open", waiting: 90 })] },
      ...([2, "useless", /the circuit of bank-1 is open: 90 records wait/] as const),
    ],
    [
      "it waits for an institution that is closed by hand",
      {
        tasks: alike(4, 100, 1, 0),
        institutions: [bank({ override: { state: "open", atMs: 0, by: "ana", why: "" }, waiting: 90 })],
      },
      ...([2, "useless", /bank-1 is closed to calls by hand: 90 records wait/] as const),
    ],
    [
      "one slow institution among much else is named, and is not the reason",
      { workers: 1, tasks: alike(8, 60_000, 300, 100), institutions: [bank(busy)] },
      ...([4, "more", /falls behind.*\nbank-1 takes 9 calls/] as const),
    ],
    [
      "calls by hand make an open circuit no reason",
      {
        ...{ workers: 1, tasks: alike(8, 60_000, 300, 100) },
        institutions: [
          bank({ circuit: "open", waiting: 60_000, override: { state: "closed", atMs: 0, by: "a", why: "" } }),
        ],
      },
      ...([4, "more", /^it falls behind: [^\n]*$/] as const),
    ],
  ])("%s", (_what, change, advised, verdict, why) => {
    const advice = adviseScale(sample(change));
    expect(advice).toMatchObject({ advised, verdict });
    expect(advice.why.join("\n")).toMatch(why);
  });

  it("adds up what it has found", () => {
    const { lag, arrivedPerSecond, committedPerSecond } = adviseScale(
      sample({ tasks: tasks([1, 2, 3], [10, 20, 30]) }),
    );
    expect([lag, arrivedPerSecond, committedPerSecond]).toEqual([11, 22, 33]);
  });
});
