import type { GroupConsumer, Log } from "../log/port.ts";
import type { SubTopology } from "../plan/plan.ts";
import type { StepResources } from "./call-resources.ts";
import type { CommitPath } from "./commit.ts";
import { readMetadata } from "./commit-metadata.ts";
import { refuseForgottenOffsets } from "./forgotten-offsets.ts";
import type { JobRuntime } from "./job-runtime.ts";
import { type Gap, startPositions } from "./start-positions.ts";
import { Task } from "./task.ts";
import { taskId, transactionalId } from "./task-id.ts";
import { inputsOf } from "./task-slot.ts";
import { openStores } from "./task-stores.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

export interface StartTaskOptions {
  readonly runtime: JobRuntime;
  readonly environment: WorkerEnvironment;
  readonly subTopology: SubTopology;
  readonly partition: number;
  /** Topics with records that it processes once more. */
  readonly replays: readonly string[];
  readonly consumer: Pick<GroupConsumer, "commit">;
  /** By step, for the calls of the job. */
  readonly calls: ReadonlyMap<string, StepResources>;
  /** Ends the start between two steps and inside a restore. */
  readonly signal: AbortSignal;
  /** The state could not be read while the task ran: it is moved aside and rebuilt. */
  readonly isStateSuspect: boolean;
  /** Topics that were made again while the task ran, and how far it was. */
  readonly replaced: ReadonlyMap<string, number>;
}

/**
 * Starts a task, in the one order that is safe:
 *
 *   1. initialise the transactional id    fences the old owner and ends its transaction
 *   2. read the committed offsets         final now: nobody else can commit them; those that cannot be followed are gaps
 *   3. restore the stores up to the end of their changelogs, read_committed
 *   4. process
 */
export async function startTask(options: StartTaskOptions): Promise<Task> {
  const { runtime, environment, subTopology, partition, signal } = options;
  const { log } = environment;
  const { job, plan } = runtime;
  const id = taskId(subTopology.name, partition);
  const path = await openCommitPath(options, id);
  try {
    signal.throwIfAborted();
    const inputs = inputsOf({ subTopology, partition, replays: await stillThere(log, options.replays) });
    const committed = await log.committedOffsets(job.name, inputs);
    if (options.replaced.size === 0) await refuseForgottenOffsets({ log, plan, subTopology, partition, committed });
    const incarnations = new Map((await log.describeTopics()).map((topic) => [topic.topic, topic.incarnation]));
    const { positions, gaps, ends } = await startPositions({
      ...{ log, plan, inputs, committed, incarnations },
      replaced: options.replaced,
    });
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
    for (const gap of gaps) tellGap(options, id, gap);
    return new Task({
      id,
      runtime,
      environment: { ...environment, calls: options.calls },
      subTopology,
      partition,
      stores,
      path,
      positions,
      ends,
      commitSequence: Math.max(0, ...committed.map((offset) => readMetadata(offset).sequence)),
    });
  } catch (error) {
    if (path.delivery === "exactly-once") await path.producer.close().catch(() => undefined);
    throw error;
  }
}

/** One that was deleted after the group had heard of it keeps no task from starting. */
async function stillThere(log: Log, replays: readonly string[]): Promise<readonly string[]> {
  if (replays.length === 0) return [];
  const counts = await log.countPartitions(replays);
  return replays.filter((topic) => counts.has(topic));
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

function tellGap({ runtime, environment }: StartTaskOptions, task: string, gap: Gap): void {
  runtime.metrics.gaps++;
  runtime.metrics.skipped += gap.skipped;
  environment.onEvent({ kind: "gap", job: runtime.job.name, task, ...gap });
}
