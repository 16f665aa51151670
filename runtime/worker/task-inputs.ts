import { invariant } from "../errors/errors.ts";
import type { CommittedOffset, FetchedBatch, FetchedRecord, PartitionOffset, TopicPartition } from "../log/port.ts";
import type { Receive } from "../operators/operator.ts";
import { replayTopicOf } from "../plan/internal-topics.ts";
import type { SubTopology } from "../plan/plan.ts";
import { replayedFrom } from "../resilience/replay-headers.ts";
import type { Clock } from "../time/clock.ts";
import { writeMetadata } from "./commit-metadata.ts";
import type { SourceRecord } from "./dead-letter.ts";
import type { Backlog, Input, InputExtent, Inputs } from "./inputs.ts";
import type { JobRuntime } from "./job-runtime.ts";
import type { InputMeasures } from "./measures.ts";
import { type AwaitedSchema, RecordQueue } from "./record-queue.ts";
import type { StartPosition } from "./start-positions.ts";

export interface TaskInputsOptions {
  /** Of the task. */
  readonly id: string;
  readonly runtime: JobRuntime;
  readonly clock: Clock;
  readonly subTopology: SubTopology;
  readonly partition: number;
  readonly positions: readonly StartPosition[];
  readonly ends?: readonly PartitionOffset[];
  /** By the nodes that read the inputs. */
  readonly receivers: ReadonlyMap<string, Receive>;
  readonly undecodable: (node: string, source: SourceRecord, error: unknown) => void;
}

/** An input partition of which so much waits is not fetched. */
const WAITING_RECORDS_MAX = 20_000;
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
/** A waiting input with lag holds the others back at most this long. */
const INPUT_WAIT_MAX_MS = 1_000;

/** The inputs of a task that processes each record when its turn comes: what is processed can be committed. */
export class TaskInputs implements Inputs {
  readonly #options: TaskInputsOptions;
  readonly #inputs: readonly Input[];
  #committed: ReadonlyMap<string, number>;
  #blockedSinceMs: number | undefined;

  constructor(options: TaskInputsOptions) {
    this.#options = options;
    this.#inputs = [...options.receivers].flatMap(([node, receive]) => inputsOf(options, node, receive));
    this.#committed = new Map(
      options.positions.filter(({ isCommitted }) => isCommitted).map(({ topic, offset }) => [topic, offset]),
    );
  }

  close(): void {
    for (const { queue } of this.#inputs) queue.close();
  }

  get partitions(): readonly TopicPartition[] {
    return this.#inputs.map(({ queue }) => ({ topic: queue.topic, partition: queue.partition }));
  }

  get fetchPositions(): readonly PartitionOffset[] {
    return this.#inputs.map(({ queue }) => ({
      topic: queue.topic,
      partition: queue.partition,
      offset: queue.fetchPosition,
    }));
  }

  /** Records that were fetched and not processed. */
  get waiting(): number {
    return this.#inputs.reduce((sum, { queue }) => sum + queue.size, 0);
  }

  get backlogs(): readonly Backlog[] {
    return this.#inputs.map(({ queue: { topic, partition, size, bytes } }) => ({
      topic,
      partition,
      records: size,
      bytes,
      recordsMax: WAITING_RECORDS_MAX,
      bytesMax: WAITING_BYTES_MAX,
    }));
  }

  get measures(): readonly InputMeasures[] {
    return this.#inputs.map(({ queue }) => measuresOf(queue, queue.position));
  }

  /** Something was processed that no commit covers. */
  get haveMoved(): boolean {
    return this.#inputs.some(({ queue }) => queue.position !== this.#committed.get(queue.topic));
  }

  get purgeable(): readonly PartitionOffset[] {
    return purgeable(this.#options, this.#committed);
  }

  get extents(): readonly InputExtent[] {
    return this.#inputs.map(({ queue }) => extentOf(this.#options, queue, queue.position, this.#committed));
  }

  get notDue(): number {
    return 0;
  }

  get nextDueMs(): number {
    return Infinity;
  }

  get missesSchema(): boolean {
    return this.#inputs.some(({ queue }) => queue.missesSchema);
  }

  get awaited(): AwaitedSchema | undefined {
    return firstAwaited(this.#inputs);
  }

  async accept(batch: FetchedBatch): Promise<void> {
    const input = this.#inputs.find(({ queue }) => queue.topic === batch.topic);
    invariant(input !== undefined, `task ${this.#options.id} got a batch of "${batch.topic}", which it does not read`);
    await input.queue.push(batch);
  }

  /**
   * The input whose head has the lowest event time; none while an input with lag has nothing here yet, within a bound, and none while a head waits for
   * its schema: what comes after it in event time could make it late.
   */
  pick(): Input | undefined {
    if (this.#inputs.length === 1) return this.#inputs[0]!.queue.loadHead() ? this.#inputs[0] : undefined;
    let best: Input | undefined;
    let replay: Input | undefined;
    let behind = false;
    for (const input of this.#inputs) {
      if (input.isReplay) {
        if (replay === undefined && input.queue.loadHead()) replay = input;
      } else if (input.queue.awaited !== undefined) return undefined;
      else if (!input.queue.loadHead()) behind ||= input.queue.position < input.queue.endOffset;
      else if (best === undefined || input.queue.timestampMs < best.queue.timestampMs) best = input;
    }
    if (!behind || best === undefined) {
      this.#blockedSinceMs = undefined;
      return best ?? replay;
    }
    const nowMs = this.#options.clock.now();
    this.#blockedSinceMs ??= nowMs;
    return nowMs - this.#blockedSinceMs >= INPUT_WAIT_MAX_MS ? best : replay;
  }

  /** What a commit of all that was processed commits. `sequence` is its number. */
  offsets(sequence: number): readonly CommittedOffset[] {
    const incarnations = new Map(this.#options.positions.map(({ topic, incarnation }) => [topic, incarnation]));
    return this.#inputs.map(({ queue: { topic, partition, position } }) => ({
      topic,
      partition,
      offset: position,
      metadata: writeMetadata({ sequence, incarnation: incarnations.get(topic) }),
    }));
  }

  /** The commit of these offsets is done. */
  markCommitted(offsets: readonly PartitionOffset[]): void {
    this.#committed = new Map(offsets.map(({ topic, offset }) => [topic, offset]));
  }
}

export function firstAwaited(inputs: readonly Pick<Input, "queue">[]): AwaitedSchema | undefined {
  const awaited = inputs.flatMap(({ queue }) => queue.awaited ?? []);
  return awaited.sort((left, right) => left.sinceMs - right.sinceMs)[0];
}

export const measuresOf = (queue: RecordQueue, position: number, delayMs?: number): InputMeasures => ({
  ...{ topic: queue.topic, partition: queue.partition, position, delayMs },
  ...{ endOffset: queue.endOffset, buffered: queue.size, oldestTimestampMs: queue.oldestTimestampMs },
});

/** What a node reads: its topic, and what of that is to be processed once more. */
function inputsOf(options: TaskInputsOptions, node: string, receive: Receive): readonly Input[] {
  const topic = topicOf(options, node);
  const replayTopic = replayTopicRead(options, topic);
  const input = { topic, receive, isReplay: false, queue: queueOf(options, node, topic) };
  if (replayTopic === undefined) return [input];
  return [input, { ...input, isReplay: true, queue: queueOf(options, node, replayTopic, originalOf) }];
}

function queueOf(
  options: TaskInputsOptions,
  node: string,
  topic: string,
  unwrap?: (record: FetchedRecord) => FetchedRecord,
): RecordQueue {
  const { runtime, partition, ends, undecodable } = options;
  const position = positionOf(options, topic);
  const source = { topic: topicOf(options, node), partition };
  return new RecordQueue({
    topic,
    partition,
    position: position.offset,
    endOffset: ends?.find((entry) => entry.topic === topic)?.offset ?? position.offset,
    decoder: runtime.decoders.get(node)!,
    clock: options.clock,
    undecodable: (raw: FetchedRecord, error) => undecodable(node, { ...source, raw }, error),
    ...(unwrap !== undefined && { unwrap }),
  });
}

/** Nothing is known of an end before the first fetch but that it is not before the position. */
export function extentOf(
  options: TaskInputsOptions,
  { topic, partition, endOffset }: RecordQueue,
  position: number,
  committed: ReadonlyMap<string, number>,
): InputExtent {
  return {
    ...{ topic, partition, position },
    committed: committed.get(topic) ?? positionOf(options, topic).offset,
    endOffset: Math.max(endOffset, position),
  };
}

/** The topic of records of this one that the task processes once more, if it has been given one. */
export function replayTopicRead({ runtime, positions }: TaskInputsOptions, topic: string): string | undefined {
  const replayTopic = replayTopicOf(runtime.plan.job, topic);
  return positions.some((position) => position.topic === replayTopic) ? replayTopic : undefined;
}

/** A replayed record as if it lay where it was first: steps, dead letters and calls know it by that place. */
export function originalOf(record: FetchedRecord): FetchedRecord {
  const from = replayedFrom(record.headers);
  return from === undefined ? record : { ...record, offset: from.offset };
}

/** The topic that an input node reads. */
export function topicOf({ runtime, subTopology }: TaskInputsOptions, node: string): string {
  const definition = runtime.nodes.get(node)!;
  invariant(
    definition.kind === "source" || definition.kind === "table" || definition.kind === "repartition",
    `${node} is no input of ${subTopology.name}`,
  );
  return definition.kind === "repartition" ? definition.topic : definition.topic.name;
}

export function positionOf({ id, positions }: TaskInputsOptions, topic: string): StartPosition {
  const position = positions.find((entry) => entry.topic === topic);
  invariant(position !== undefined, `task ${id} has no position for "${topic}"`);
  return position;
}

export function purgeable(
  { runtime, partition }: TaskInputsOptions,
  committed: ReadonlyMap<string, number>,
): readonly PartitionOffset[] {
  // What is to be processed once more is in no plan, and the job's alone, too.
  const kept = new Set(
    runtime.plan.topics.flatMap(({ topic, role }) => (role === "repartition" || role === "retry" ? [] : [topic])),
  );
  return [...committed].flatMap(([topic, offset]) => (kept.has(topic) ? [] : [{ topic, partition, offset }]));
}
