import type { TopicDescription } from "../../log/port.ts";
import type { Plan } from "../../plan/plan.ts";
import type { MemberStatus, TaskStatus } from "../../worker/member-status.ts";
import type { JobOverview, MemberOverview, TaskOverview } from "../job-overview.ts";
import type { HeadRecord } from "../lag/head-records.ts";
import type { Facts, JobFacts, ObservedInput, WorkerFacts } from "./facts.ts";

export const NOW_MS = 1_000_000_000;

/** A job that reads "events", keeps a store and has a DLQ. */
export const plan = (change: Partial<Plan> = {}): Plan => ({
  ...{ job: "totals", version: 2, delivery: "exactly-once", commitEveryMs: 1_000, hash: "aaaaaaaaaaaa", standbys: 0 },
  subTopologies: [
    {
      ...{ name: "events", sources: ["events"], nodes: ["events", "totals"] },
      stores: [
        {
          ...{ name: "totals", kind: "keyValue", node: "totals", changelog: "totals.totals.changelog" },
          ...{ layout: "1", retentionMs: null },
        },
      ],
    },
  ],
  steps: [],
  topics: [
    { topic: "events", role: "source", partitions: 2, cleanupPolicy: "delete", retentionMs: -1, schema: "Event" },
    {
      ...{ topic: "totals.totals.changelog", role: "changelog", partitions: { like: ["events"] } },
      ...{ cleanupPolicy: "compact", retentionMs: -1 },
    },
    { topic: "totals.dlq", role: "dlq", partitions: 1, cleanupPolicy: "delete", retentionMs: 1_000_000 },
  ],
  dlqTopic: "totals.dlq",
  ...change,
});

export const topicOf = (
  topic: string,
  partitions: number,
  change: Partial<TopicDescription> = {},
): TopicDescription => ({
  ...{ topic, partitions, incarnation: "1" },
  config: { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 1 },
  ...change,
});

export const TOPICS: readonly TopicDescription[] = [
  topicOf("events", 2),
  topicOf("totals.totals.changelog", 2, {
    config: { cleanupPolicy: "compact", retentionMs: -1, deleteRetentionMs: 1 },
  }),
  topicOf("totals.dlq", 1),
];

export const member = (memberId: string, pid: number, change: Partial<MemberOverview> = {}): MemberOverview => ({
  ...{ memberId, connectsFrom: "127.0.0.1", plan: { version: 2, hash: "aaaaaaaaaaaa" } },
  process: { host: "box", pid, address: `http://box:${pid}` },
  ...change,
});

export const head = (change: Partial<HeadRecord> = {}): HeadRecord => ({
  ...{ topic: "events", partition: 0, offset: 5, timestampMs: NOW_MS - 60_000, keyHash: "1f0c22aa" },
  sample: { records: 0, mostFrequent: undefined },
  ...change,
});

export const input = (partition: number, lag = 0, change: Partial<ObservedInput> = {}): ObservedInput => ({
  ...{ topic: "events", partition, position: 5, setBy: "job", startOffset: 0, endOffset: 5 + lag, lag },
  highWatermark: 5 + lag,
  head: lag === 0 ? undefined : head({ partition }),
  looks: [{ position: 5, endOffset: 5 + lag, lag, atMs: NOW_MS }],
  ...change,
});

/** Turns a second apart until now, with the same lag. */
export const turns = (offsets: readonly number[], lag: number, agoMs = 0) =>
  offsets.map((offset, index) => ({ offset, lag, atMs: NOW_MS - agoMs - 1_000 * (offsets.length - 1 - index) }));

export const MOVING = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

export const taskStatus = (task: string, partition: number, change: Partial<TaskStatus> = {}): TaskStatus => ({
  ...{ task, status: "running", restoring: undefined },
  inputs: [{ topic: "events", partition, position: 10, committed: 10, endOffset: 10, commits: turns(MOVING, 0) }],
  ...change,
});

export const memberStatus = (
  memberId: string,
  tasks: readonly TaskStatus[],
  change: Partial<MemberStatus> = {},
): MemberStatus => ({
  ...{
    job: "totals",
    worker: "totals-0",
    memberId,
    isAssigned: true,
    activity: "running" as const,
    tasks,
    atMs: NOW_MS,
  },
  ...change,
});

export const worker = (
  of: MemberOverview,
  tasks: readonly TaskStatus[],
  change: Partial<WorkerFacts> = {},
): WorkerFacts => ({
  ...{ member: of, status: memberStatus(of.memberId, tasks), problem: undefined, isAlive: true, aheadMs: 0 },
  ...change,
});

export const task = (partition: number, memberId: string | undefined, lag = 0): TaskOverview => ({
  task: `events_${partition}`,
  memberId,
  inputs: [{ topic: "events", partition, position: 5, endOffset: 5 + lag, lag }],
});

/** Two workers with a task each, and nothing wrong. */
export function jobFacts(
  change: Partial<JobFacts> & { readonly overviewChange?: Partial<JobOverview> } = {},
): JobFacts {
  const { overviewChange, ...rest } = change;
  const ownPlan = change.plan ?? plan();
  const members = [member("a", 1), member("b", 2)];
  const overview: JobOverview = {
    ...{ job: ownPlan.job, version: ownPlan.version, plan: ownPlan, group: "settled", members },
    tasks: [task(0, "a"), task(1, "b")],
    ...overviewChange,
  };
  return {
    ...{ overview, plan: ownPlan, transactions: [], institutions: [], deadLetters: [], isPaused: false },
    inputs: inputsOf(overview.tasks.flatMap(({ inputs }) => inputs.map((each) => input(each.partition, each.lag)))),
    workers: [worker(members[0]!, [taskStatus("events_0", 0)]), worker(members[1]!, [taskStatus("events_1", 1)])],
    ...rest,
  };
}

export const inputsOf = (inputs: readonly ObservedInput[]): JobFacts["inputs"] =>
  new Map(inputs.map((each) => [`${each.topic}/${each.partition}`, each]));

/** Of jobs on a data directory with room, and a registry that has what they need. */
export const factsOf = (jobs: readonly JobFacts[], change: Partial<Facts> = {}): Facts => ({
  ...{ nowMs: NOW_MS, log: { kind: "data directory", where: "/data" }, failures: [], jobs },
  topics: new Map(TOPICS.map((each) => [each.topic, each])),
  registry: { where: "here", problem: undefined, subjects: [] },
  disks: [
    {
      ...{ host: undefined, path: "/data", freeBytes: 50e9, totalBytes: 100e9, usedBytes: 1e6 },
      shrinksPerSecond: undefined,
    },
  ],
  ...change,
});
