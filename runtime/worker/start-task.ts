import type { CommittedOffset, GroupConsumer, PartitionOffset, TopicPartition } from "../log/port.ts";
import type { SubTopology } from "../plan/plan.ts";
import type { CommitPath } from "./commit.ts";
import type { JobRuntime } from "./job-runtime.ts";
import { Task } from "./task.ts";
import { taskId, transactionalId } from "./task-id.ts";
import { openStores } from "./task-stores.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

export interface StartTaskOptions {
  readonly runtime: JobRuntime;
  readonly environment: WorkerEnvironment;
  readonly subTopology: SubTopology;
  readonly partition: number;
  readonly consumer: Pick<GroupConsumer, "commit">;
  /** Ends the start between two steps and inside a restore. */
  readonly signal: AbortSignal;
  /** The state could not be read while the task ran: it is moved aside and rebuilt. */
  readonly isStateSuspect: boolean;
}

/**
 * Starts a task, in the one order that is safe:
 *
 *   1. initialise the transactional id    fences the old owner and ends its transaction
 *   2. read the committed offsets         final now: nobody else can commit them
 *   3. restore the stores up to the end of their changelogs, read_committed
 *   4. process
 */
export async function startTask(options: StartTaskOptions): Promise<Task> {
  const { runtime, environment, subTopology, partition, signal } = options;
  const { log } = environment;
  const { job } = runtime;
  const id = taskId(subTopology.name, partition);
  const inputs = subTopology.sources.map((topic) => ({ topic, partition }));
  const path = await openCommitPath(options, id);
  try {
    signal.throwIfAborted();
    const committed = await log.committedOffsets(job.name, inputs);
    const positions = await positionsOf(options, inputs, committed);
    const ends = inputs.length > 1 ? await log.listOffsets(inputs, "latest", "read_committed") : [];
    const incarnations = new Map((await log.describeTopics()).map((topic) => [topic.topic, topic.incarnation]));
    signal.throwIfAborted();
    const stores = await openStores({
      runtime,
      environment,
      task: id,
      partition,
      stores: subTopology.stores,
      incarnations,
      signal,
      areSuspect: options.isStateSuspect,
    });
    return new Task({
      id,
      runtime,
      environment,
      subTopology,
      partition,
      stores,
      path,
      positions,
      ends,
      commitSequence: sequenceOf(committed),
    });
  } catch (error) {
    if (path.delivery === "exactly-once") await path.producer.close().catch(() => undefined);
    throw error;
  }
}

async function openCommitPath({ runtime, environment, consumer }: StartTaskOptions, task: string): Promise<CommitPath> {
  const { log } = environment;
  const { job, plan } = runtime;
  if (plan.delivery === "at-least-once")
    return { delivery: "at-least-once", log, commitOffsets: (offsets) => consumer.commit(offsets) };
  return {
    delivery: "exactly-once",
    groupId: job.name,
    producer: await log.openTransactionalProducer(transactionalId(job.name, task)),
  };
}

async function positionsOf(
  options: StartTaskOptions,
  inputs: readonly TopicPartition[],
  committed: readonly CommittedOffset[],
): Promise<readonly PartitionOffset[]> {
  const known = new Map(committed.map((entry) => [entry.topic, entry]));
  const fresh = inputs.filter(({ topic }) => !known.has(topic));
  const earliest =
    fresh.length === 0 ? [] : await options.environment.log.listOffsets(fresh, "earliest", "read_committed");
  return [...committed, ...earliest];
}

function sequenceOf(committed: readonly CommittedOffset[]): number {
  return committed.reduce((highest, { metadata }) => Math.max(highest, readSequence(metadata)), 0);
}

function readSequence(metadata: string): number {
  try {
    const { sequence } = JSON.parse(metadata) as { sequence?: unknown };
    return typeof sequence === "number" ? sequence : 0;
  } catch {
    // Offsets that a tool has set carry no sequence of ours.
    return 0;
  }
}
