import { windowMs } from "../../worker/commit-window.ts";
import type { InputStatus, TaskStatus } from "../../worker/member-status.ts";
import type { TaskOverview } from "../job-overview.ts";
import { commitsOf } from "../lag/lag-window.ts";
import { type Verdict, verdictOf } from "../lag/verdict.ts";
import type { JobFacts, ObservedInput } from "./facts.ts";

/** An input of a task, with all that is known of it. */
export interface JudgedInput {
  readonly task: string;
  readonly memberId: string | undefined;
  readonly input: ObservedInput;
  /** Of the task's worker; undefined if it does not say. */
  readonly told: InputStatus | undefined;
  readonly status: TaskStatus | undefined;
  /** Undefined for retry tiers: what lies there waits for its time. */
  readonly verdict: Verdict | undefined;
}

/** What the worker that has a task says of it. */
export function statusOf(job: JobFacts, { task, memberId }: Pick<TaskOverview, "task" | "memberId">) {
  const worker = job.workers.find(({ member }) => member.memberId === memberId);
  return memberId === undefined ? undefined : worker?.status?.tasks.find((each) => each.task === task);
}

/** By what the worker tells of its commits; by the looks at the log where it tells nothing and a sample was taken. Pure. */
export function judgedInputs(job: JobFacts, nowMs: number): readonly JudgedInput[] {
  const { overview, plan } = job;
  const tiers = new Set(plan.topics.flatMap(({ topic, role }) => (role === "retry" ? [topic] : [])));
  return overview.tasks.flatMap((task) => {
    const status = statusOf(job, task);
    return task.inputs.flatMap(({ topic, partition }): JudgedInput[] => {
      const input = job.inputs.get(`${topic}/${partition}`);
      if (input === undefined) return [];
      const told = status?.inputs?.find((each) => each.topic === topic && each.partition === partition);
      const verdict = tiers.has(topic) ? undefined : judged(job, input, told, nowMs);
      return [{ task: task.task, memberId: task.memberId, input, told, status, verdict }];
    });
  });
}

/** A sample in which fewer commits were due says nothing of a position that has not moved. */
const COMMITS_MIN = 2;

function judged(job: JobFacts, input: ObservedInput, told: InputStatus | undefined, nowMs: number): Verdict {
  const { overview, plan, isPaused } = job;
  const { looks, lag } = input;
  const common = { lag, nowMs, isPaused, isAbandoned: overview.group === "empty" };
  const recentEnds = looks.slice(0, -1).map(({ endOffset }) => endOffset);
  const sampleMs = looks.at(-1)!.atMs - looks[0]!.atMs;
  const byLooks =
    looks.length < 2 ? "unknown" : verdictOf({ ...common, commits: commitsOf(looks), windowMs: sampleMs });
  // A position that moves back while it is looked at was not moved by a worker that knows of it.
  if (byLooks === "rewound") return byLooks;
  if (told !== undefined)
    return verdictOf({ ...common, commits: told.commits, windowMs: windowMs(plan.commitEveryMs), recentEnds });
  const isLongEnough = sampleMs >= COMMITS_MIN * plan.commitEveryMs;
  return isLongEnough ? byLooks : verdictOf({ ...common, commits: [], windowMs: 0 });
}
