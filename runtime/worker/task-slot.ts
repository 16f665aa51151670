import type { TopicPartition } from "../log/port.ts";
import type { Plan, SubTopology } from "../plan/plan.ts";
import { replayableInputs } from "../plan/replay-topics.ts";
import type { Task } from "./task.ts";
import type { TaskFetching } from "./task-fetching.ts";
import { taskId } from "./task-id.ts";

/** Which task it is. */
export interface TaskDefinition {
  readonly id: string;
  readonly subTopology: SubTopology;
  readonly partition: number;
  /** Topics with records that it processes once more, beside its sources. */
  readonly replays: readonly string[];
}

export const inputsOf = ({ subTopology, replays, partition }: Omit<TaskDefinition, "id">): readonly TopicPartition[] =>
  [...subTopology.sources, ...replays].map((topic) => ({ topic, partition }));

/**
 * A task as its worker holds it:
 *
 *   starting ──► running ──► (failed: starting again, or lost)
 *      └──────────┴──► gone: closed
 */
export type Slot =
  | (TaskDefinition & {
      readonly status: "starting";
      readonly inputs: readonly TopicPartition[];
      readonly started: Promise<void>;
      readonly abort: AbortController;
    })
  | (TaskDefinition & {
      readonly status: "running";
      readonly inputs: readonly TopicPartition[];
      /** Aborted when the task is given up: from then on it commits no offsets. */
      readonly abort: AbortController;
      readonly task: Task;
      readonly fetching: TaskFetching;
    });

export type RunningSlot = Extract<Slot, { status: "running" }>;

/**
 * The tasks, by id, whose inputs these partitions are. A leader of another plan gives topics that this one does not read, and some inputs of a
 * task only: those wait for a leader of this plan.
 */
export function tasksReading(plan: Plan, partitions: readonly TopicPartition[]): ReadonlyMap<string, TaskDefinition> {
  const given = new Set(partitions.map(({ topic, partition }) => `${topic}/${partition}`));
  const found = partitions.flatMap(({ topic, partition }) => {
    const subTopology = plan.subTopologies.find(({ sources }) => sources.includes(topic));
    if (!subTopology?.sources.every((source) => given.has(`${source}/${partition}`))) return [];
    const id = taskId(subTopology.name, partition);
    const replays = replayableInputs(plan, subTopology)
      .map(({ replayTopic }) => replayTopic)
      .filter((replayTopic) => given.has(`${replayTopic}/${partition}`));
    return [[id, { id, subTopology, partition, replays }] as const];
  });
  return new Map(found);
}

/** The names of their stores, by task. */
export const storesOf = (slots: Iterable<RunningSlot>): ReadonlyMap<string, readonly string[]> =>
  new Map([...slots].map(({ id, subTopology }) => [id, subTopology.stores.map(({ name }) => name)]));

/** The task whose next record is oldest, of those that can process one. */
export function oldestTask(slots: Iterable<RunningSlot>): Task | undefined {
  let oldest: Task | undefined;
  let oldestMs = Infinity;
  for (const { task } of slots) {
    if (task.failure !== undefined) continue;
    // While a commit is on its way, buffers may grow to their limit once more, and no further.
    if (task.isCommitting && task.wantsCommit) continue;
    const headMs = task.headTimestampMs;
    if (headMs !== undefined && headMs < oldestMs) {
      oldest = task;
      oldestMs = headMs;
    }
  }
  return oldest;
}
